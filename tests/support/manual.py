"""An event loop in which waiting costs nothing: when nothing else is ready, its time jumps to the next timer."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from aloma_cli.clock import Clock

Result = TypeVar("Result")

EPOCH = 1_700_000_000.0
"""The wall clock at the start of every manual run; a whole second, so that times are easy to read."""


class ManualLoop(asyncio.SelectorEventLoop):
    """A loop whose `time()` moves only when everything waits for it."""

    def __init__(self) -> None:
        self.moment = 0.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self.moment


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: ManualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        ready = super().select(0)
        if not ready:
            self._loop.moment += timeout
        return ready


class LoopClock:
    """The engine's clock, kept by a loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def now(self) -> float:
        return EPOCH + self._loop.time()

    def elapsed(self) -> float:
        return self._loop.time()


class HeldClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = 0.0

    def now(self) -> float:
        return EPOCH + self.moment

    def elapsed(self) -> float:
        return self.moment


def manually(work: Coroutine[Any, Any, Result]) -> Result:
    """Run `work` on a manual loop."""
    with asyncio.Runner(loop_factory=ManualLoop) as runner:
        return runner.run(work)


def running_clock() -> Clock:
    """The clock of the loop this runs on."""
    return LoopClock(asyncio.get_running_loop())
