"""Time in a test: a wait costs nothing, because the clock jumps to the next timer when everything waits for it."""

from __future__ import annotations

import asyncio
import selectors
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar

from aloma_cli.clock import LONGEST
from aloma_cli.content.watchdog import Watchdog
from aloma_cli.engine.local import LocalRunner
from aloma_cli.threads import leave

Result = TypeVar("Result")

_HEARTBEATS = (LocalRunner.look, Watchdog._beat)  # noqa: SLF001  (only its owner calls it)
_BREATH = 0.05


class Timeline:
    """A clock that only `run` and `jump` move. `start`: seconds since 1970."""

    def __init__(self, start: float) -> None:
        self.start = start
        self.moment = 0.0

    def now(self) -> float:
        """As `Clock`."""
        return self.start + self.moment

    def elapsed(self) -> float:
        """As `Clock`."""
        return self.moment

    def jump(self, seconds: float) -> None:
        """Let this much time pass while nothing runs."""
        self.moment += seconds

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of `work` on a loop of its own, whose timers cost nothing."""
        return _run(_JumpingLoop(self), work)


class RealTime:
    """The machine's clock, for a test that asks a real model. `jump` alone costs nothing."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        """As `Clock`."""
        return time.time() + self._ahead

    def elapsed(self) -> float:
        """As `Clock`."""
        return time.monotonic() + self._ahead

    def jump(self, seconds: float) -> None:
        """As `Timeline.jump`."""
        self._ahead += seconds

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of `work`."""
        return _run(asyncio.new_event_loop(), work)


def _run(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Result]) -> Result:
    try:
        return loop.run_until_complete(work)
    finally:
        leave(loop)


class _JumpingLoop(asyncio.SelectorEventLoop):
    """Its time is that of a timeline. While a thread or another process works for it, time is real."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._lent = 0
        self._others = frozenset(threading.enumerate())
        super().__init__(_JumpingSelector(self, timeline))

    def time(self) -> float:
        return self._timeline.moment

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, **options: Any
    ) -> asyncio.TimerHandle:
        # Code that only polls would turn a wait of two days into a million steps.
        if getattr(callback, "__func__", None) in _HEARTBEATS:
            delay = LONGEST
        return super().call_later(delay, callback, *args, **options)

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        self._lent += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._take_back)
        return future

    def _take_back(self, _: object) -> None:
        self._lent -= 1

    def has_no_timer(self) -> bool:
        """Whether nothing but heartbeats is to come."""
        timers: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        return all(timer.cancelled() or timer.when() > LONGEST / 2 for timer in timers)

    def is_served(self) -> bool:
        """Whether a thread works for this loop."""
        return self._lent > 0 or any(_works(thread) for thread in threading.enumerate() if thread not in self._others)


def _works(thread: threading.Thread) -> bool:
    # Threads of the executor stay when they have nothing to do; their work is counted.
    return not thread.name.startswith(("asyncio_", "aloma watchdog", "left behind"))


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: _JumpingLoop, timeline: Timeline) -> None:
        super().__init__()
        self._loop = loop
        self._timeline = timeline

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        # One file is the loop's own; any other belongs to a process or a connection that works for it.
        if len(self.get_map()) > 1 or self._loop.is_served():
            return self._really(timeout)
        if timeout is None or self._loop.has_no_timer():
            raise AssertionError("a step waits for something that never happens")
        self._timeline.jump(timeout)
        return ready

    def _really(self, timeout: float | None) -> Any:
        began = time.monotonic()
        ready = super().select(_BREATH if timeout is None else min(timeout, _BREATH))
        self._timeline.jump(time.monotonic() - began)
        return ready
