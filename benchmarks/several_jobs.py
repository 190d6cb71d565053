"""The same trees with Procrastinate in place of the store's own queue: `several.py --queue procrastinate`.

A job is a tree that is to be run. The job is claimed first, and then the tree, as the store needs it for its fence.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import procrastinate

from aloma_cli import Workspace
from aloma_cli.api.task import Task
from aloma_cli.engine.loop import Stay

QUEUE = "trees"


def install(url: str) -> None:
    """Make its tables."""
    with procrastinate.App(connector=procrastinate.SyncPsycopgConnector(conninfo=url)).open() as app:
        app.schema_manager.apply_schema()


def sender(url: str) -> Callable[[str], object]:
    """What gives a tree to the workers."""
    app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector(conninfo=url)).open()
    job = app.configure_task("run", queue=QUEUE)
    return lambda root: job.defer(root=root)


class Jobs:
    """As `Worker`, as far as the measurement needs it."""

    def __init__(self, home: Workspace, url: str, tell: Callable[[Task], object]) -> None:
        self._app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url, max_size=10))

        @self._app.task(name="run", queue=QUEUE)
        async def run(root: str) -> None:
            store: Any = home.store
            claim: Any = store.claim(root)
            claim._writer = store._writer  # noqa: SLF001  (as for a tree of the store's own queue)
            claim.write_behind(asyncio.get_running_loop().call_soon_threadsafe)
            tell(await home.work_on(claim, Stay(patience=2.0)))

    async def run(self) -> None:
        async with self._app.open_async():
            await self._app.run_worker_async(
                queues=[QUEUE], concurrency=20, delete_jobs="successful", install_signal_handlers=False
            )
