"""SIGINT and SIGTERM during a run: running steps are cancelled, and the task can be resumed, whatever a step does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from dataclasses import field
from itertools import dropwhile
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from aloma_cli import condition
from aloma_cli.cli.exit_codes import INTERRUPTED, TERMINATED
from aloma_cli.content.step import Step
from aloma_cli.later import Later
from aloma_cli.threads import leave
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from aloma_cli.content import authors
else:
    authors = Later("aloma_cli.content.authors")

Result = TypeVar("Result")

PATIENCE = 2.0
"""Seconds that a run has to end after a signal."""


_SLACK = 0.5
"""Seconds by which the signal handler, which knows more, acts before the thread that also ends the run."""


class Interrupted(Exception):  # noqa: N818  (it is requested)
    """The run was interrupted; the task can be resumed. `code` is the exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(eq=False)
class Interrupts:
    """A context in which a signal ends the run in order, and raises Interrupted.

    A step may block the event loop, or ignore its cancellation. So at a second signal, or PATIENCE seconds after the
    first, `last_words` is called and the program ends at once. It gets the step whose condition was being matched, if
    that took this long. Commits are safe, because the journal is written as they happen.
    """

    last_words: Callable[[Step | None], object]
    _code: int | None = field(default=None, init=False)
    _cancel: Callable[[], object] | None = field(default=None, init=False)
    _deadline: threading.Timer | None = field(default=None, init=False)
    _ending: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __enter__(self) -> Self:
        _entered.append(self)
        self._previous = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _entered.remove(self)
        if self._deadline is not None:
            self._deadline.cancel()
        signal.setitimer(signal.ITIMER_REAL, 0)
        self._give_back()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of `work`, which gets an event loop of its own, whatever else asks the program to end.

        Raises OSError where the system has no files left for a loop.
        """
        try:
            loop = asyncio.new_event_loop()
        except OSError:
            work.close()
            # Otherwise Python reports an error when it deletes the half-made loop.
            sys.unraisablehook = lambda _: None
            raise
        running = loop.create_task(work)
        self._cancel = lambda: loop.call_soon_threadsafe(running.cancel)
        try:
            while not running.done():
                # asyncio lets these of a task through the loop: of a step's own task they are its failure.
                with contextlib.suppress(SystemExit, KeyboardInterrupt):
                    loop.run_until_complete(running)
            return running.result()
        except asyncio.CancelledError:
            raise Interrupted(self._code or INTERRUPTED) from None
        finally:
            leave(loop)

    def _give_back(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._code is not None:
            self._end_process(self._code, _judged(frame))
        self._code = INTERRUPTED if number == signal.SIGINT else TERMINATED
        if self._cancel is None:
            raise Interrupted(self._code)
        # While a pattern is being matched, a signal gets a turn and a thread does not; elsewhere it may be the thread.
        self._deadline = threading.Timer(PATIENCE + _SLACK, self._end_process, [self._code])
        self._deadline.daemon = True
        self._deadline.start()
        self._previous[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._handle)
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        with contextlib.suppress(RuntimeError):  # the loop is closed: the run has ended by itself
            self._cancel()

    def _end_process(self, code: int, judged: Step | None = None) -> None:
        if not self._ending.acquire(blocking=False):
            return  # the last words are being said already
        try:
            self.last_words(judged)
        finally:
            os._exit(code)


_entered: list[Interrupts] = []


def _give_back_all() -> None:
    for interrupts in _entered:
        interrupts._give_back()  # noqa: SLF001


if hasattr(os, "register_at_fork"):
    # A child that a step forks is not the run: signals end it as they end any program.
    os.register_at_fork(after_in_child=_give_back_all)


def _judged(frame: FrameType | None) -> Step | None:
    """The step whose condition was being matched when the program was interrupted."""
    judging = dropwhile(
        lambda outer: not outer.f_globals.get("__name__", "").startswith(_JUDGING), authors.outwards(frame)
    )
    steps = (outer.f_locals.get("step") for outer in judging)
    return next((step for step in steps if isinstance(step, Step)), None)


_JUDGING = f"{condition.__name__}."
