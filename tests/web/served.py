"""An app on loopback, which a loop in another thread serves."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aloma_cli.web.server import serving

if TYPE_CHECKING:
    from starlette.applications import Starlette


class Served:
    """`url`: of the app. `end` ends its server, also from another thread."""

    def __init__(self, app: Starlette) -> None:
        self._app, self._ready, self._end = app, threading.Event(), asyncio.Event()
        self._loop: Any = None
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(),))
        self._thread.start()
        assert self._ready.wait(30)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with serving(self._app) as self.url:
            self._ready.set()
            await self._end.wait()

    def end(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(30)


@contextmanager
def served(app: Starlette) -> Iterator[Served]:
    """The app is served within the block."""
    server = Served(app)
    try:
        yield server
    finally:
        server.end()
