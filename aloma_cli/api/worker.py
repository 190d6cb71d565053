"""A worker: runs every tree of a workspace that has something to do, and leaves it while it waits.

It looks at the published record of each tree, and claims those that are due: new ones, those whose timer has come,
those that another process left unfinished, and those that the limit of a day stopped on an earlier day. Many trees run
side by side in one process.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import field
from typing import TYPE_CHECKING, Literal

from aloma_cli.api.task import Task, read_record
from aloma_cli.engine.loop import Stay
from aloma_cli.errors import AlomaError, NotFoundError, TaskLockedError
from aloma_cli.record.due import due
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from aloma_cli.api.workspace import Workspace

Until = Literal["stopped", "idle", "drained"]
"""When a worker ends: when it is told to; when nothing is due; when nothing is due or will be."""

PATIENCE = 2.0
"""Seconds for which it stays with a tree that only waits for a timer."""

GRACE = 30.0
"""Seconds that running firings get once the worker is to end."""

_LEAST_PAUSE = 0.1
_SHARE = 0.05
"""The share of its time that a worker may take to look for due trees."""

_AGAIN = 1.0
"""Seconds until a tree that was due, and could not be run or did nothing, is looked at again."""


@dataclass(slots=True)
class _Known:
    """A tree as it was when it was looked at. `due`: seconds since 1970; None while nothing is to be done."""

    stamp: int
    due: float | None


@dataclass(slots=True)
class Worker:
    """`concurrency`: trees at one time. `only`: none but those with this tag. `tell` gets each tree that it leaves,
    `refused` each error that keeps a tree from running."""

    home: Workspace
    tell: Callable[[Task], object]
    refused: Callable[[str, AlomaError], object]
    concurrency: int = 20
    only: str | None = None
    _stay: Stay = field(default_factory=lambda: Stay(patience=PATIENCE))
    _known: dict[str, _Known] = field(default_factory=dict)
    _running: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def leave(self) -> None:
        """Take no more trees, and start no more firings; `run` ends once those that run have ended."""
        self._stay.leaving = True
        self._wake.set()

    async def run(self, until: Until = "stopped") -> None:
        """Work until the end. A cancellation cuts running firings, which a later run repeats."""
        self.home.loaded.check()
        try:
            while not self._stay.leaving:
                started = time.monotonic()
                self._look()
                self._start_due()
                if not self._running and self._is_over(until):
                    return
                await self._pause(time.monotonic() - started)
            if self._running:
                await asyncio.wait(self._running.values(), timeout=GRACE)
        finally:
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    def _look(self) -> None:
        """Note which trees are due, and forget those that were deleted."""
        store, roots = self.home.store, self.home.store.roots()
        for root in self._known.keys() - set(roots):
            del self._known[root]
        for root in roots:
            if root in self._running:
                continue
            try:
                stamp = store.stamp(root)
                known = self._known.get(root)
                if known is None or known.stamp != stamp:
                    self._known[root] = _Known(stamp, self._due(root))
            except NotFoundError:
                self._known.pop(root, None)
            except AlomaError as error:
                self._refuse(root, error)

    def _due(self, root: str) -> float | None:
        record = self.home.store.record(root)
        if self.only is not None and self.only not in (record or read_record(self.home.store, root))["tags"]:
            return None
        return due(record)

    def _start_due(self) -> None:
        now = self.home.clock.now()
        ready = sorted((known.due, root) for root, known in self._known.items() if known.due is not None)
        for moment, root in ready:
            if moment > now or len(self._running) >= self.concurrency:
                return
            if root not in self._running:
                work = self._work_on(root, self._known[root])
                self._running[root] = asyncio.create_task(work, name=f"worker {root}")

    async def _work_on(self, root: str, known: _Known) -> None:
        try:
            task = await self.home.work_on(root, self._stay)
        except TaskLockedError:
            known.due = self.home.clock.now() + _AGAIN
        except NotFoundError:
            self._known.pop(root, None)
        except AlomaError as error:
            self._refuse(root, error)
        else:
            self._note(known, task)
            self.tell(task)
        finally:
            del self._running[root]
            self._wake.set()

    def _note(self, known: _Known, task: Task) -> None:
        """What is next for a tree that was left."""
        stamp, known.due = self.home.store.stamp(task.id), due(self.home.store.record(task.id))
        if stamp == known.stamp and known.due is not None:
            # It did nothing, although it was due, and must not be claimed again and again.
            known.due = max(known.due, self.home.clock.now() + _AGAIN)
        known.stamp = stamp

    def _refuse(self, root: str, error: AlomaError) -> None:
        """A tree that cannot be run is left alone until somebody changes it."""
        with suppress(NotFoundError):  # deleted meanwhile
            self._known[root] = _Known(self.home.store.stamp(root), None)
        self.refused(root, error)

    def _is_over(self, until: Until) -> bool:
        due = [known.due for known in self._known.values() if known.due is not None]
        return (until == "drained" and not due) or (until == "idle" and all(at > self.home.clock.now() for at in due))

    async def _pause(self, took: float) -> None:
        """Wait for the end of a tree, or until it is time to look again."""
        self._wake.clear()
        pause = max(_LEAST_PAUSE, took / _SHARE)
        waking = asyncio.create_task(self._wake.wait())
        await asyncio.wait({waking}, timeout=pause)
        waking.cancel()
