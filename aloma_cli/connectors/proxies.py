"""The proxies in the environment: invalid ones are refused, and messages name the used one."""

from __future__ import annotations

import os
from importlib.util import find_spec
from urllib.parse import urlsplit
from urllib.request import getproxies

from aloma_cli.connectors.address import shown, shown_broken
from aloma_cli.errors import ConnectorError

_SOCKS = ("socks5", "socks5h")


def check_proxies() -> None:
    """Raise ConnectorError, naming the variable, for an invalid proxy."""
    proxies = getproxies()
    if "*" in (host.strip() for host in proxies.get("no", "").split(",")):
        return
    for scheme in ("http", "https", "all"):
        if proxies.get(scheme):
            _check_proxy(_variable(scheme, proxies[scheme]), proxies[scheme])


def proxy_for(scheme: str) -> str:
    """`http_proxy=http://127.0.0.1:3128`: the variable with the proxy for `scheme`, without its password."""
    proxies = getproxies()
    name = scheme if proxies.get(scheme) else "all"
    value = proxies.get(name, "")
    return f"{_variable(name, value)}={shown(value if '://' in value else f'http://{value}')}"


def _check_proxy(variable: str, value: str) -> None:
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        sound = bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise _unusable(variable, value, "is not the address of a proxy") from None
    if not sound:
        raise _unusable(variable, value, "is not the address of a proxy")
    if parts.scheme not in ("http", "https", *_SOCKS):
        raise _unusable(variable, value, f"names a proxy of an unknown type, {parts.scheme}")
    if parts.scheme in _SOCKS and find_spec("socksio") is None:
        raise _unusable(variable, value, "names a SOCKS proxy, and the package socksio is not installed", _INSTALL)


_INSTALL = "pip install socksio, or "


def _unusable(variable: str, value: str, why: str, before: str = "") -> ConnectorError:
    return ConnectorError(
        f"{variable}={shown_broken(value)} in the environment {why}",
        hint=f"{before}unset {variable}, or set it to an address such as http://127.0.0.1:3128",
    )


def _variable(scheme: str, value: str) -> str:
    """The variable as spelled in the environment; the plain name if the system's settings name the proxy."""
    name = f"{scheme}_proxy"
    return next((key for key in os.environ if key.lower() == name and os.environ[key] == value), name)
