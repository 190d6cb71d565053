"""The `web:` section of `aloma.yaml`: where a worker answers HTTP."""

from __future__ import annotations

from urllib.parse import urlsplit

from aloma_cli.loader.settings import Setting, Table, section, text, url_like, whole
from aloma_cli.values import dataclass

_LAST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class WebConfig:
    """`url`: by which others reach the server, if it is not `http://HOST:PORT`. `max_body_mb`: of one request."""

    host: str = "127.0.0.1"
    port: int = 8642
    url: str | None = None
    max_body_mb: int = 1

    @property
    def names(self) -> tuple[str, ...]:
        """The host names by which clients may call it."""
        name = urlsplit(self.url or "").hostname
        return (name,) if name else ()


def web(entry: Setting) -> WebConfig:
    """Raises ConfigError."""
    return WebConfig(**section(entry, _WEB))


def _port(entry: Setting) -> int:
    port: int = whole(1)(entry)
    if port > _LAST_PORT:
        raise entry.mistaken(f"a port from 1 to {_LAST_PORT}")
    return port


def _base_url(entry: Setting) -> str:
    url: str = url_like("https://aloma.example.org")(entry)
    return url.rstrip("/")


_WEB: Table = {"host": text, "port": _port, "url": _base_url, "max_body_mb": whole(1)}
