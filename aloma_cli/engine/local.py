"""Firings in this process: one asyncio task for each that may wait, and a thread for a plain `def`.

Coroutines run at once: those that never wait without a task of asyncio, others up to their first wait.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
from asyncio.tasks import _enter_task, _leave_task
from collections.abc import Callable, Coroutine, Mapping
from contextlib import ExitStack
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from aloma_cli.content.cancellation import Cancellation
from aloma_cli.content.lost import tasks_noticed
from aloma_cli.errors import Cut, StepStopped, StepTimeout, StepWithdrawn
from aloma_cli.later import Later
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from aloma_cli.content import watchdog
    from aloma_cli.content.content import Content, Toolbox
    from aloma_cli.content.host import Host
    from aloma_cli.content.job import Job, Outcome
    from aloma_cli.content.step import Step
else:
    watchdog = Later("aloma_cli.content.watchdog")

Result = TypeVar("Result")

LOOK = 0.25
"""Seconds between looks for requests of other processes."""

_CUTS: dict[str, type[Cut]] = {"withdrawn": StepWithdrawn}
_SHORTEST = 0.05
"""The least seconds by which a timeout is put off."""

_GRACE = 1.0
"""Seconds that cancelled steps get to clean up before the program continues without them."""


@dataclass(slots=True, eq=False)
class _Running:
    """One run under way. `excused`: the seconds by which its timeout was put off."""

    job: Job
    content: Content
    cancellation: Cancellation
    work: asyncio.Task[Outcome] = field(init=False)
    timer: asyncio.TimerHandle | None = None
    excused: float = 0.0


class LocalRunner:
    """A runner on the running event loop: it starts firings, passes their outcomes to `deliver`, and decides nothing.

    `running` has the firings under way. `is_look_due`: it is time to look for requests of other processes.
    """

    def __init__(
        self, steps: Mapping[str, Step], toolbox: Toolbox, host: Host, deliver: Callable[[Outcome], None]
    ) -> None:
        self.running: dict[int, _Running] = {}
        self.is_look_due = False
        self._steps = steps
        self._toolbox = toolbox
        self._host = host
        self._deliver = deliver
        self._loop = asyncio.get_running_loop()
        self._left: set[asyncio.Task[Outcome]] = set()
        self._news = asyncio.Event()
        self._timer = self._loop.call_later(LOOK, self.look)
        self._watching = ExitStack()
        if any(step.content.on_loop for step in steps.values()):
            self._watching.enter_context(tasks_noticed(self._loop))
            self._watching.enter_context(watchdog.Watchdog())

    def start(self, job: Job) -> None:
        """Begin a run of a firing."""
        content, name = self._steps[job.step].content, f"{job.step} #{job.firing}"
        cancellation = Cancellation(self._loop)
        work = content.run(job, self._toolbox, self._host, cancellation)
        # Ctrl-C in the first part of a step is raised here, when there is no task yet to cancel.
        if not content.waits:
            self._deliver(_at_once(self._loop, work, name=name))
            return
        running = _Running(job, content, cancellation)
        if job.timeout is not None:
            running.timer = self._loop.call_later(job.timeout, self._time_out, running)
        running.work = _eager_task(self._loop, work, name=name)
        self.running[job.firing] = running
        if running.work.done():
            self._done(running, running.work)
        else:
            running.work.add_done_callback(partial(self._done, running))

    def cut(self, firing: int, reason: str) -> None:
        """End a run from outside (stopped or withdrawn); no outcome is delivered for it."""
        running = self.running.pop(firing, None)
        if running is not None:
            self._cancel(running, _CUTS.get(reason, StepStopped))

    async def wait(self, seconds: float | None) -> None:
        """Wait until a firing ends, for at most `seconds`, or until a look is due."""
        timer = None if seconds is None else self._loop.call_later(seconds, self._news.set)
        try:
            await self._news.wait()
        finally:
            self._news.clear()
            if timer is not None:
                timer.cancel()

    def look(self) -> None:
        """Let the loop look for requests, now and every LOOK seconds."""
        self.is_look_due = True
        self._news.set()
        self._timer = self._loop.call_later(LOOK, self.look)

    async def close(self) -> list[str]:
        """Cancel what still runs, and return the names of the steps that did not end in time."""
        self._timer.cancel()
        for firing in list(self.running):
            self.cut(firing, "stopped")
        if self._left:
            await asyncio.wait(self._left, timeout=_GRACE)
        self._watching.close()
        return sorted(work.get_name() for work in self._left)

    def _done(self, running: _Running, work: asyncio.Task[Outcome]) -> None:
        self._left.discard(work)
        if self.running.get(running.job.firing) is not running:
            return  # it was cut meanwhile: its outcome is void
        error = asyncio.CancelledError() if work.cancelled() else work.exception()
        self._finish(running, work.result() if error is None else running.content.failed(running.job, error, 0.0))

    def _finish(self, running: _Running, outcome: Outcome) -> None:
        del self.running[running.job.firing]
        if running.timer is not None:
            running.timer.cancel()
        self._deliver(outcome)
        self._news.set()

    def _time_out(self, running: _Running) -> None:
        left = running.cancellation.queued.seconds(self._host.clock.elapsed()) - running.excused
        if left > 0:
            more = max(left, _SHORTEST)
            running.excused += more
            running.timer = self._loop.call_later(more, self._time_out, running)
            return
        timeout = running.job.timeout or 0.0
        late = StepTimeout(f"it ran longer than its timeout of {timeout:g} s")
        self._finish(running, running.content.failed(running.job, late, timeout))
        self._cancel(running, StepTimeout)

    def _cancel(self, running: _Running, cut: type[Cut]) -> None:
        if running.timer is not None:
            running.timer.cancel()
        running.cancellation.cut = cut
        self._left.add(running.work)
        running.work.cancel()


def _at_once(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Result], *, name: str) -> Result:
    """The result of a coroutine that never waits, run in a copy of the current context.

    It needs no task of its own, which takes five times as long: it is a part of the current one, which has this name
    meanwhile.
    """
    task: Any = asyncio.current_task(loop)
    own = task.get_name()
    task.set_name(name)
    try:
        contextvars.copy_context().run(work.send, None)
    except StopIteration as end:
        result: Result = end.value
        return result
    finally:
        task.set_name(own)
    raise RuntimeError(f"{name} waits, although nothing in it could")


def _eager_task(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Result], *, name: str
) -> asyncio.Task[Result]:
    """A task on the running `loop`, in a copy of the current context; call it on the loop's thread.

    On a loop whose queue is not asyncio's own, before Python 3.12, the task begins with the loop's next turn.
    """
    context = contextvars.copy_context()
    if sys.version_info >= (3, 12):
        return asyncio.Task(work, loop=loop, name=name, context=context, eager_start=True)
    task = asyncio.Task(work, loop=loop, name=name, context=context)
    queue = getattr(loop, "_ready", None)
    current = asyncio.current_task(loop)
    if queue is None:
        return task
    first_step = queue.pop()
    # "Extending asyncio" in Python's manual names these two for running a task inside another one.
    if current is not None:
        _leave_task(loop, current)
    try:
        first_step._run()  # noqa: SLF001  (as the loop itself would)
    except (KeyboardInterrupt, SystemExit):
        task.exception()  # it is raised here, so asyncio need not report it as never retrieved
        raise
    finally:
        if current is not None:
            _enter_task(loop, current)
    return task
