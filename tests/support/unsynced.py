"""A disk whose syncs end when a test says so, and an event loop that only runs when told to."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from aloma_cli.store.files import syncs
from tests.support.manual import HeldClock


class HeldLoop(asyncio.SelectorEventLoop):
    """A loop with the time of a clock that is held."""

    def __init__(self, clock: HeldClock) -> None:
        self._clock = clock
        super().__init__()

    def time(self) -> float:
        return self._clock.moment

    def settle(self) -> None:
        """Run what is ready and what is due, until nothing is."""
        while self._ready or any(timer.when() <= self.time() for timer in self._scheduled if not timer.cancelled()):  # type: ignore[attr-defined]
            self.call_soon(self.stop)
            self.run_forever()


class HeldSync(Future[None]):
    """A sync under way. It covers what was written before it began: `sizes` has the bytes of each file then."""

    def __init__(self, disk: UnsyncedDisk, work: Callable[[], None]) -> None:
        super().__init__()
        self._disk = disk
        self._work: Callable[[], None] | None = work
        self._sizes = {path: path.stat().st_size for path in disk.folder.glob("**/*journal.jsonl")}

    def end(self, *, refused: bool = False) -> None:
        """Let it end, once."""
        work, self._work = self._work, None
        if work is None:
            return
        self._disk.covered, self._disk.refused = self._sizes, refused
        work()
        self._disk.covered, self._disk.refused = None, False
        self.set_result(None)

    def result(self, timeout: float | None = None) -> None:
        self.end()


class UnsyncedDisk:
    """The disk below `folder`. `lasting`: the bytes of each journal that outlive a loss of power.

    `held`: the syncs of claims that write behind, which have begun and not ended, oldest first. Others end at once.
    """

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.lasting: dict[Path, int] = {}
        self.held: deque[HeldSync] = deque()
        self.covered: dict[Path, int] | None = None
        self.refused = False
        self._holed: set[Path] = set()
        self._cut = os.ftruncate
        patch.setattr(os, "ftruncate", self._truncate)
        patch.setattr(os, "fsync", self._sync)
        patch.setattr(syncs, "_pool", lambda: self)

    def submit(self, work: Callable[..., None], *args: Any) -> HeldSync:
        """Begin a sync, as a pool of threads would."""
        self.held.append(HeldSync(self, lambda: work(*args)))
        return self.held[-1]

    def _sync(self, file: int) -> None:
        path = _path_of(file)
        if self.refused:
            self._holed.add(path)
            raise OSError(5, "Input/output error")
        size = os.fstat(file).st_size if self.covered is None else self.covered.get(path, 0)
        if "journal" in path.name:
            path = path.with_name("journal.jsonl")  # it gets this name when its first line is in it
        if path not in self._holed:  # else the system has forgotten that a part was never written
            self.lasting[path] = max(size, self.lasting.get(path, 0))

    def _truncate(self, file: int, size: int) -> None:
        self._cut(file, size)
        if size <= self.lasting.get(_path_of(file), 0):
            self._holed.discard(_path_of(file))


def _path_of(file: int) -> Path:
    return Path(f"/proc/self/fd/{file}").readlink()
