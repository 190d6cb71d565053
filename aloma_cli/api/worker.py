"""A worker: runs every tree of a workspace that has something to do, and leaves it while it waits.

Many trees run side by side in one process.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import field
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Literal

from aloma_cli.api.scan import Scan
from aloma_cli.api.task import Task
from aloma_cli.engine.loop import Stay
from aloma_cli.errors import AlomaError, NotFoundError, StoreAwayError, StoreError
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from aloma_cli.api.workspace import Workspace
    from aloma_cli.store.protocol import Claim, DueTrees

_RUN = ("aloma_cli.content.calls", "aloma_cli.content.firing", "aloma_cli.engine.limits")
"""Modules that the first step, and its first call, would otherwise import."""

Until = Literal["stopped", "idle", "drained"]
"""When a worker ends: on request; when nothing is due; when nothing is due or will be."""

PATIENCE = 2.0
"""Seconds for which it stays with a tree that only waits for a timer."""

GRACE = 30.0
"""Seconds that running firings get when the worker ends."""

AWAY = 60.0
"""Seconds for which a worker that ends by itself waits for a store that it reached before."""

POLL = 2.0
"""Seconds after which a worker looks for due trees though nothing woke it."""


@dataclass(slots=True)
class Worker:
    """`concurrency`: trees at one time. `only`: just those with this tag. `tell` gets each tree that it leaves,
    `refused` each error that keeps a tree from running, or, without a root, all of them. `any_release`: also trees of
    other versions of the code."""

    home: Workspace
    tell: Callable[[Task], object]
    refused: Callable[[str, AlomaError], object]
    concurrency: int = 20
    only: str | None = None
    any_release: bool = False
    _stay: Stay = field(default_factory=lambda: Stay(patience=PATIENCE))
    _running: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _away: bool = False
    _reached: float = -math.inf
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def leave(self) -> None:
        """Take no more trees, and start no more firings; `run` ends once those that run have ended."""
        self._stay.leaving = True
        self.wake()

    def wake(self) -> None:
        """Look for due trees soon, because one was made."""
        self._wake.set()

    async def run(self, until: Until = "stopped") -> None:
        """Work until the end. A cancellation cuts running firings, which a later run repeats."""
        self.home.loaded.check()
        for module in _RUN:
            import_module(module)
        post = asyncio.get_running_loop().call_soon_threadsafe
        with closing(self._due_trees(partial(post, self._wake.set))) as due:
            try:
                while not self._stay.leaving:
                    self._wake.clear()
                    pause = self._turn(due, until)
                    if pause is None:
                        return
                    await self._wait_for_end(pause)
                if self._running:
                    await asyncio.wait(self._running.values(), timeout=GRACE)
            finally:
                for task in self._running.values():
                    task.cancel()
                await asyncio.gather(*self._running.values(), return_exceptions=True)

    def _due_trees(self, wake: Callable[[], object]) -> DueTrees:
        queue = self.home.store.due(self.only, wake, any_release=self.any_release)
        return queue or Scan(self.home, self.only, self.refused)

    def _turn(self, due: DueTrees, until: Until) -> float | None:
        """Take what is due, and return the seconds until it is time to look again; None at the end.

        A store that cannot be reached is reported once, and tried again; for AWAY if the worker ends by itself.
        """
        try:
            self._take_due(due)
            if not self._running and not self._wake.is_set() and self._is_over(due, until):
                return None
            pause = POLL if len(self._running) >= self.concurrency else min(due.pause(), POLL)
        except StoreError as error:
            waits = isinstance(error, StoreAwayError) and time.monotonic() - self._reached < AWAY
            if until != "stopped" and not waits:
                raise
            if not self._away:
                self.refused("", error)
            self._away = True
            return POLL
        self._away, self._reached = False, time.monotonic()
        return pause

    def _take_due(self, due: DueTrees) -> None:
        post = asyncio.get_running_loop().call_soon_threadsafe
        for claim in due.take(self._running, self.concurrency - len(self._running)):
            claim.write_behind(post)
            self._running[claim.root] = asyncio.create_task(self._work_on(claim, due), name=f"worker {claim.root}")

    async def _work_on(self, claim: Claim, due: DueTrees) -> None:
        failed: AlomaError | None = None
        try:
            task = await self.home.work_on(claim, self._stay)
        except AlomaError as error:
            failed = error
        finally:
            del self._running[claim.root]
            self._wake.set()
        due.left(claim.root, failed)
        if failed is None:
            self.tell(task)
        elif not isinstance(failed, NotFoundError):
            self.refused(claim.root, failed)

    def _is_over(self, due: DueTrees, until: Until) -> bool:
        if until == "stopped":
            return False
        upcoming = due.upcoming()
        return upcoming is None or (until == "idle" and upcoming > self.home.clock.now())

    async def _wait_for_end(self, seconds: float) -> None:
        """Wait for the end of a tree, or until it is time to look again."""
        waking = asyncio.create_task(self._wake.wait())
        await asyncio.wait({waking}, timeout=seconds)
        waking.cancel()
