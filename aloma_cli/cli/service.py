"""What a worker does beside its tasks: triggers, and answers over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from aloma_cli.errors import InputError
from aloma_cli.extras import extra
from aloma_cli.loader.web import WebConfig

if TYPE_CHECKING:
    from starlette.routing import BaseRoute, Route

    from aloma_cli.triggers.triggers import Triggers

Say = Callable[[str], object]


class Service:
    """`web`: the section of that name. `port`: the one that was asked for, and must be had.

    `pages`: the routes for people. `say` gets notices, `warn` problems. `fail` is called where a trigger ends by a bug,
    which `close` raises then.
    """

    def __init__(
        self,
        triggers: Triggers,
        web: WebConfig | None,
        port: int | None,
        say: Say,
        warn: Say,
        fail: Callable[[], None],
        pages: Callable[[], list[Route]],
    ) -> None:
        self._triggers = triggers
        self._web = web or WebConfig()
        self._port = port
        self._serves = web is not None or port is not None or bool(triggers.webhooks)
        self._say, self._warn, self._fail = say, warn, fail
        self._pages = pages
        self._stack = AsyncExitStack()
        self._closing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Raises InputError where the port that was asked for cannot be used, WorkspaceError for a missing extra."""
        if self._serves:
            await self._serve()
        running = asyncio.create_task(self._triggers.run(), name="triggers")
        running.add_done_callback(self._look_at)
        self._stack.push_async_callback(_end_task, running)

    def leave(self) -> None:
        """Make no more tasks, and answer nothing more."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._stack.aclose(), name="leaving")

    async def close(self) -> None:
        """Leave, and wait for the end."""
        self.leave()
        if self._closing is not None:
            await self._closing

    async def _serve(self) -> None:
        with extra("web", "the HTTP server"):
            from aloma_cli.web.app import app_of
            from aloma_cli.web.server import serving

            routes = self._routes()
        web, port = self._web, self._port or self._web.port
        app = app_of(
            routes,
            failed=lambda error: self._warn(failed_request(error)),
            names=web.names,
            most_body=web.max_body_mb * 1_000_000,
        )
        try:
            url = await self._stack.enter_async_context(serving(app, web.host, port))
        except InputError as error:
            if self._port is not None:
                raise
            self._warn(f"{error}; this worker answers no HTTP requests, and another one may")
        else:
            self._say(f"HTTP at {web.url or url}")

    def _look_at(self, running: asyncio.Task[None]) -> None:
        if not running.cancelled() and running.exception() is not None:
            self._fail()

    def _routes(self) -> list[BaseRoute]:
        """All that is answered."""
        from aloma_cli.web.hooks import hooks

        return [*hooks(self._triggers.webhooks), *self._pages()]


def failed_request(error: Exception) -> str:
    """What is said of a request that ended by a bug."""
    return f"a request failed: {type(error).__name__}: {error}"


async def _end_task(running: asyncio.Task[None]) -> None:
    """End a task, and raise what it raised."""
    running.cancel()
    await asyncio.wait([running])
    if not running.cancelled():
        running.result()
