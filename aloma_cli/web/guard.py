"""What holds for every request: who may call, how large and slow it may be, and the headers of its answer."""

from __future__ import annotations

import asyncio
import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aloma_cli.web.answer import answer

BODY = 10.0
"""Seconds within which a client must have sent the body of a request."""

_HEADERS = {
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
"""A route may set its own value for one of them: a page names the styles and scripts that it brings."""

_SAFE = ("GET", "HEAD", "OPTIONS")


class Guard:
    """Wraps `app`. `names`: of hosts, besides `localhost` and addresses. `most_body`: bytes."""

    def __init__(self, app: ASGIApp, names: frozenset[str], most_body: int) -> None:
        self._app = app
        self._names = names | {"localhost"}
        self._most = most_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope["method"], headers)
        app = self._app if refusal is None else answer({"error": refusal[1]}, refusal[0])
        await app(scope, _bounded(receive, headers, self._most), _with_headers(send))

    def _refusal(self, method: str, headers: Headers) -> tuple[int, str] | None:
        """The status and the reason, where a request is refused before any route sees it."""
        host = headers.get("host", "")
        if not self._is_ours(host):
            # A page of another site may have let its name point here (DNS rebinding).
            return 421, "this server does not answer for that host name"
        origin = headers.get("origin")
        if origin is not None and method not in _SAFE and _netloc(origin) != host.lower():
            return 403, "requests from other sites are not allowed"
        return None

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
            return name in self._names or ipaddress.ip_address(name) is not None
        except ValueError:
            return False


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _bounded(receive: Receive, headers: Headers, most: int) -> Receive:
    """Receives a body of at most `most` bytes in time. Raises HTTPException in the route that reads it."""
    too_large = HTTPException(413, f"the body is larger than {most} bytes")
    length, taken = headers.get("content-length", "0"), 0
    deadline = asyncio.get_running_loop().time() + BODY
    ended = False

    async def bounded() -> Message:
        nonlocal taken, ended
        if ended:
            return await receive()  # waits for the end of the connection
        if not length.isascii() or not length.isdigit() or int(length) > most:
            raise too_large
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, f"the body did not arrive within {BODY:g} s") from None
        taken += len(message.get("body", b""))
        ended = not message.get("more_body", False)
        if taken > most:
            raise too_large
        return message

    return bounded


def _with_headers(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return guarded
