"""Addresses without their secrets: the login before the host, and keys and tokens in the query."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from aloma_cli.redact import NamedValue

_LOGIN = re.compile(r"(?P<before>[^/?#]*//)(?P<login>[^/?#]*)@(?P<rest>.*)", re.DOTALL)
_PARAMETER = re.compile(r"([?&])([^=&#]*)=([^&#]*)")
_SECRET_NAME = re.compile(
    r"key|token|secret|pass|pwd|signature|^sig$|auth|credential|session|cookie|^code$", re.IGNORECASE
)


class Login(NamedTuple):
    """A user and a password, for Basic authentication."""

    user: str
    password: str

    @property
    def header(self) -> str:
        """The value of the `Authorization` header."""
        return f"Basic {self._encoded}"

    def secrets(self, name: str) -> tuple[NamedValue, ...]:
        """The values to keep out of records: the password, and the encoded login."""
        return ((f"{name}-password", self.password), (f"{name}-login", self._encoded))

    @property
    def _encoded(self) -> str:
        return b64encode(f"{self.user}:{self.password}".encode(errors="replace")).decode()


def split_login(url: str) -> tuple[str, Login | None]:
    """The address without user and password, and the login."""
    found = _LOGIN.fullmatch(url)
    if found is None:
        return url, None
    user, _, password = found["login"].partition(":")
    return found["before"] + found["rest"], Login(unquote(user), unquote(password))


def shown(url: str) -> str:
    """The address as messages and views show it."""
    return _PARAMETER.sub(_masked, split_login(url)[0])


def shown_broken(text: str) -> str:
    """An invalid address for messages: everything before an `@` is hidden, because it may contain a password."""
    before, at, after = text.rpartition("@")
    return f"…@{after}" if at else before + after


def is_secret_name(name: str) -> bool:
    """Whether the value of a parameter or a header with this name is probably secret."""
    return _SECRET_NAME.search(name) is not None


def is_url(text: str) -> bool:
    """Whether `text` is the address of a server: http or https, a host, a port that is a number if any."""
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # such as a bracket left open
        return False


def _masked(parameter: re.Match[str]) -> str:
    value = "***" if is_secret_name(unquote(parameter[2])) else parameter[3]
    return f"{parameter[1]}{parameter[2]}={value}"
