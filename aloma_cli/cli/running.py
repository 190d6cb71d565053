"""Running a task under the eyes of a person or a pipe, until it rests or is interrupted."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from types import FrameType
from typing import Any, NoReturn

from aloma_cli.api.task import Task
from aloma_cli.api.workspace import Workspace
from aloma_cli.cli.exits import INTERRUPTED, TERMINATED
from aloma_cli.cli.output import put
from aloma_cli.clock import SystemClock
from aloma_cli.events import Event, to_wire
from aloma_cli.jsontext import dumps
from aloma_cli.view import Mode, open_view

Emit = Callable[[Event], None]

_BLOCKED = 1.0


class Interrupted(Exception):  # noqa: N818  (somebody wanted it)
    """The run was interrupted; the task can go on later. `code` is the exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def watch(
    work: Callable[[Emit], Coroutine[Any, Any, Task]], *, quiet: bool, events: bool, before: tuple[Event, ...] = ()
) -> Task:
    """Run `work`, which is given whom to tell its events; `before` are those of an earlier run of the same task.

    Raises Interrupted when a signal ended it.
    """
    mode: Mode = "quiet" if quiet or events else "auto"
    with open_view(sys.stderr, environ=os.environ, clock=SystemClock(), mode=mode) as view:
        view.recall(before)

        def emit(event: Event) -> None:
            view.emit(event)
            if events:
                put(dumps(to_wire(event)))
                sys.stdout.flush()

        return run_until_signal(work(emit))


def tell_notice(workspace: Workspace, *, quiet: bool) -> None:
    """Say what the user should know before anything runs."""
    if workspace.notice and not quiet:
        print(f"aloma: {workspace.notice}", file=sys.stderr)  # noqa: T201  (said before the view begins)


def run_until_signal(work: Coroutine[Any, Any, Task]) -> Task:
    """`asyncio.run` for a task that can be resumed: SIGINT and SIGTERM end it in order, a second one at once.

    A step that blocks the event loop cannot hold the program either: it is interrupted where it is.
    """
    interrupt = _Interrupt()
    previous = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return asyncio.run(interrupt.guard(work))
    except (asyncio.CancelledError, KeyboardInterrupt):
        interrupt.leave()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


class _Interrupt:
    """The signal handler of one run."""

    def __init__(self) -> None:
        self._code: int | None = None
        self._cancel: Callable[[], object] = lambda: None
        self._beat = time.monotonic()

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        again = self._code is not None
        self._code = INTERRUPTED if number == signal.SIGINT else TERMINATED
        if again or time.monotonic() - self._beat > _BLOCKED:
            raise KeyboardInterrupt
        self._cancel()

    async def guard(self, work: Awaitable[Task]) -> Task:
        loop, running = asyncio.get_running_loop(), asyncio.ensure_future(work)
        self._cancel = lambda: loop.call_soon_threadsafe(running.cancel)
        pulse = asyncio.ensure_future(self._pulse())
        try:
            return await running
        finally:
            pulse.cancel()

    async def _pulse(self) -> None:
        while True:
            self._beat = time.monotonic()
            await asyncio.sleep(_BLOCKED / 4)

    def leave(self) -> NoReturn:
        raise Interrupted(self._code or INTERRUPTED)
