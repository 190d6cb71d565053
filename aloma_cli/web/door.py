"""Lets in only those who know the token in the address that was printed."""

from __future__ import annotations

import hmac
from hashlib import sha256
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from aloma_cli.web.page import message_page

TOKEN = "token"  # noqa: S105  (the name of the parameter)


class Door:
    """Wraps `app`. An address with the token sets a cookie, and leads to the same address without it."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token
        # A browser keeps one set of cookies for all ports of a host, so each server has a name of its own.
        self._name = f"aloma-{sha256(token.encode()).hexdigest()[:8]}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        given = request.query_params.get(TOKEN)
        if not self._knows(request.cookies.get(self._name) if given is None else given):
            app: ASGIApp = message_page(
                "This address is not valid",
                "Open the address that `aloma web` printed when it was started.",
                status=403,
            )
        else:
            app = self._app if given is None else self._welcome(request)
        await app(scope, receive, send)

    def _knows(self, given: str | None) -> bool:
        return given is not None and hmac.compare_digest(given.encode(), self._token.encode())

    def _welcome(self, request: Request) -> Response:
        rest = urlencode([(name, value) for name, value in request.query_params.multi_items() if name != TOKEN])
        # With a single slash at its beginning it cannot name another host.
        answer = RedirectResponse(f"/{request.url.path.lstrip('/')}{f'?{rest}' if rest else ''}", 303)
        answer.set_cookie(self._name, self._token, httponly=True, samesite="strict")
        return answer
