"""An app of routes, behind the guard. Unless it says otherwise, what is refused is answered in plain JSON:
`{"error": SENTENCE}`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aloma_cli.extras import extra

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

Failed = Callable[[Exception], object]
"""Gets what went wrong in a route; the client does not."""

Refusal = Callable[[int, str, Mapping[str, str] | None], "Response"]
"""Makes the answer to a refused request, from its status, a sentence, and headers."""


def app_of(
    routes: Sequence[BaseRoute],
    *,
    failed: Failed,
    names: Sequence[str] = (),
    most_body: int = 1_000_000,
    inside: Sequence[Middleware] = (),
    refusal: Refusal | None = None,
) -> Starlette:
    """`names`: of hosts by which clients may call the server, besides `localhost` and IP addresses.

    `most_body`: bytes of the body of a request. `inside`: what else is before the routes. Raises WorkspaceError where
    the extra is missing.
    """
    with extra("web", "the HTTP server"):
        from starlette.applications import Starlette
        from starlette.exceptions import HTTPException
        from starlette.middleware import Middleware
        from starlette.requests import ClientDisconnect

    from aloma_cli.web.guard import Guard

    told = refusal or _in_json

    async def refuse(request: Request, error: Any) -> Response:
        return told(error.status_code, _sentence(request, error), error.headers)

    async def fail(_request: Request, error: Exception) -> Response:
        if not isinstance(error, ClientDisconnect):  # a client that leaves is not a failure of a route
            failed(error)
        return told(500, "the server failed", None)

    return Starlette(
        routes=list(routes),
        middleware=[Middleware(Guard, names=frozenset(map(str.lower, names)), most_body=most_body), *inside],
        exception_handlers={HTTPException: refuse, Exception: fail},
    )


def _sentence(request: Request, error: Any) -> str:
    """Why a request is refused; the router has no more than the name of the status."""
    if error.detail != HTTPStatus(error.status_code).phrase:
        return str(error.detail)
    allowed = " or ".join(sorted((error.headers or {}).get("Allow", "").split(", ")))
    return f"use {allowed}, not {request.method}, for this path" if allowed else "there is nothing at this path"


def _in_json(status: int, sentence: str, headers: Mapping[str, str] | None) -> Response:
    from aloma_cli.web.answer import answer

    return answer({"error": sentence}, status, headers)
