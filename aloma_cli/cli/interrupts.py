"""SIGINT and SIGTERM while a task runs: what runs is cancelled and the task can be resumed, whatever a step does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from types import FrameType, TracebackType
from typing import Any, Self, TypeVar

from aloma_cli.cli.exits import INTERRUPTED, TERMINATED
from aloma_cli.engine.leaving import leave

Result = TypeVar("Result")

PATIENCE = 2.0
"""Seconds that a run has to end after a signal."""


class Interrupted(Exception):  # noqa: N818  (somebody wanted it)
    """The run was interrupted; the task can go on later. `code` is the exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Interrupts:
    """A context in which a signal ends the run in order, and raises Interrupted.

    A step may block the event loop, or ignore that it is cancelled. So at a second signal, or where the run has not
    ended PATIENCE seconds after the first, `last_words` are said and the program ends where it stands. What was
    committed is safe: the journal is written as things happen.
    """

    def __init__(self, last_words: Callable[[], object]) -> None:
        self._last_words = last_words
        self._code: int | None = None
        self._cancel: Callable[[], object] | None = None
        self._deadline: threading.Timer | None = None
        self._stdout = sys.stdout

    def __enter__(self) -> Self:
        self._previous = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of `work`, which gets an event loop of its own."""
        loop = _new_loop(work)
        running = loop.create_task(work)
        self._cancel = lambda: loop.call_soon_threadsafe(running.cancel)
        try:
            return loop.run_until_complete(running)
        except asyncio.CancelledError:
            raise Interrupted(self._code or INTERRUPTED) from None
        finally:
            leave(loop)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._code is not None:
            self._end(self._code)
        self._code = INTERRUPTED if number == signal.SIGINT else TERMINATED
        if self._cancel is None:
            raise Interrupted(self._code)
        self._deadline = threading.Timer(PATIENCE, self._end, [self._code])
        self._deadline.daemon = True
        self._deadline.start()
        with contextlib.suppress(RuntimeError):  # the loop is closed: the run has ended by itself
            self._cancel()

    def _end(self, code: int) -> None:
        try:
            sys.stdout = self._stdout  # while steps run it is a stand-in, which takes this for a step's print
            self._last_words()
            sys.stdout.flush()
        finally:
            os._exit(code)


def _new_loop(work: Coroutine[Any, Any, Any]) -> asyncio.AbstractEventLoop:
    """An event loop for `work`. Raises OSError where the system has no files left for one."""
    try:
        return asyncio.new_event_loop()
    except OSError:
        work.close()
        # Python leaves a loop that is half made, and would tell of the trouble it has in deleting that.
        sys.unraisablehook = lambda _: None
        raise
