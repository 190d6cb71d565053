"""An app of routes, behind the guard. Whatever is refused is answered in plain JSON: `{"error": SENTENCE}`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from aloma_cli.extras import extra

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

Failed = Callable[[Exception], object]
"""Is told what went wrong in a route; the client hears nothing of it."""


def app_of(
    routes: Sequence[BaseRoute], *, failed: Failed, names: Sequence[str] = (), most_body: int = 1_000_000
) -> Starlette:
    """`names`: of hosts by which clients may call the server, besides `localhost` and IP addresses.

    `most_body`: bytes of the body of a request. Raises WorkspaceError where the extra is missing.
    """
    with extra("web", "the HTTP server"):
        from starlette.applications import Starlette
        from starlette.exceptions import HTTPException
        from starlette.middleware import Middleware

    from aloma_cli.web.answer import answer
    from aloma_cli.web.guard import Guard

    async def refuse(_request: Request, error: Any) -> Response:
        return answer({"error": error.detail}, error.status_code, error.headers)

    async def fail(_request: Request, error: Exception) -> Response:
        failed(error)
        return answer({"error": "the server failed"}, 500)

    return Starlette(
        routes=list(routes),
        middleware=[Middleware(Guard, names=frozenset(map(str.lower, names)), most_body=most_body)],
        exception_handlers={HTTPException: refuse, Exception: fail},
    )
