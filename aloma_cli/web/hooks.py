"""`POST /hooks/NAME`: the webhooks of a workspace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.routing import Route

from aloma_cli.web.answer import answer

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from aloma_cli.triggers.webhook import Webhook


def hooks(webhooks: Mapping[str, Webhook]) -> list[Route]:
    """The route of all webhooks, by their names."""

    async def take(request: Request) -> Response:
        webhook = webhooks.get(request.path_params["name"])
        if webhook is None:
            raise HTTPException(404, "there is no webhook of this name")
        client = request.client.host if request.client else ""
        status, body, retry = webhook.take(request.headers, request.query_params, await request.body(), client)
        return answer(body, status, None if retry is None else {"retry-after": str(retry)})

    return [Route("/hooks/{name}", take, methods=["POST"])] if webhooks else []
