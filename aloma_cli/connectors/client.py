"""The HTTP client of all connectors: it stays with one origin, keeps no cookies, and limits the size of answers."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextvars import ContextVar
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Protocol

import httpx2

from aloma_cli.connectors.address import shown
from aloma_cli.connectors.proxies import check_proxies, proxy_for
from aloma_cli.errors import ConnectorError

MAX_REDIRECTS = 20
_CONNECTIONS = httpx2.Limits(max_connections=1000, max_keepalive_connections=100)


_LAST_PART = 0.2
"""Seconds to wait for the end of a body of which nothing more is wanted, so that its connection can be used again."""


class Listener(Protocol):
    """Takes in the body of an answer as it comes."""

    @property
    def size(self) -> int:
        """How much of the body it holds, in characters."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more is wanted."""

    def hear(self, part: bytes) -> bool:
        """Take in a part, and return whether to leave it out of the answer."""


hearing: ContextVar[Listener | None] = ContextVar("hearing", default=None)
"""What listens to the answers with status 200 to requests made here."""


class Client(httpx2.AsyncClient):
    """`max_answer`: bytes of an answer, uncompressed. `transport` replaces the network in tests.

    Raises ConnectorError if the environment names an invalid proxy.
    """

    def __init__(self, *, max_answer: int, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        if transport is None:
            check_proxies()
        no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=()))
        super().__init__(transport=transport, cookies=no_cookies, limits=_CONNECTIONS, verify=_trusted())
        self._max_answer = max_answer
        self._tells = transport is None

    async def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:  # noqa: ARG002  (answers are always read completely)
        """The whole answer, after redirects within the origin of `request`; a redirect to another origin is returned.

        The request's timeout bounds all of it. Raises httpx2.HTTPError, and ConnectorError for too large an answer. A
        ConnectTimeout is one before anything was sent.
        """
        seconds = request.extensions.get("timeout", {}).get("read")
        begun = [] if self._tells else ["by a transport that does not tell"]

        async def trace(event: str, _about: object) -> None:
            if event.endswith("send_request_headers.started"):
                begun.append(event)

        request.extensions = {**request.extensions, "trace": trace}
        try:
            async with asyncio.timeout(seconds):
                return await self._follow_redirects(request, options)
        except TimeoutError:
            kind = httpx2.ReadTimeout if begun else httpx2.ConnectTimeout
            raise kind(f"no complete answer within {seconds:g} s", request=request) from None

    def proxy(self, url: str) -> str | None:
        """The variable with the proxy for requests to `url`, and its value."""
        parsed = httpx2.URL(url)
        direct = self._transport_for_url(parsed) is self._transport
        return None if direct else proxy_for(parsed.scheme)

    async def _follow_redirects(self, request: httpx2.Request, options: dict[str, Any]) -> httpx2.Response:
        for _ in range(MAX_REDIRECTS + 1):
            response = await super().send(request, **{**options, "stream": True, "follow_redirects": False})
            try:
                following = response.next_request
                if following is None or _origin(following.url) != _origin(request.url):
                    return await self._whole_response(response)
            finally:
                await response.aclose()
            if "Cookie" in request.headers:  # the library removes it; within one origin the step's own cookie stays
                following.headers["Cookie"] = request.headers["Cookie"]
            request = following
        raise ConnectorError(f"{_place(request)}: more than {MAX_REDIRECTS} redirects", status=response.status_code)

    async def _whole_response(self, response: httpx2.Response) -> httpx2.Response:
        content, listener = bytearray(), hearing.get() if response.is_success else None
        parts = response.aiter_bytes()
        async for part in parts:
            if listener is None or not listener.hear(part):
                content += part
            if len(content) + (listener.size if listener is not None else 0) > self._max_answer:
                raise ConnectorError(
                    f"{_place(response.request)}: the answer is larger than {self._max_answer / 1e6:g} MB uncompressed",
                    status=response.status_code,
                    hint="raise `limits.max_answer_mb` in aloma.yaml, or ask for less",
                )
            if listener is not None and listener.is_over:
                await _read_end(parts)
                break
        whole = httpx2.Response(response.status_code, content=bytes(content), request=response.request)
        whole.headers, whole.next_request = response.headers, response.next_request
        whole.extensions = response.extensions
        return whole


async def _read_end(parts: AsyncIterator[bytes]) -> None:
    with contextlib.suppress(TimeoutError, httpx2.HTTPError):
        async with asyncio.timeout(_LAST_PART):
            async for _ in parts:
                pass


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates that are trusted, read once: this takes longer than to make a hundred clients."""
    return httpx2.create_ssl_context()


def _place(request: httpx2.Request) -> str:
    return f"{request.method} {shown(str(request.url))}"


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)
