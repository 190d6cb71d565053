"""Firings in this process: one asyncio task for each that may wait, and a thread for a plain `def`."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from aloma_cli.content.cancellation import Cancellation
from aloma_cli.content.lost import tasks_noticed
from aloma_cli.engine.eager import at_once, eager_task
from aloma_cli.errors import Cut, StepStopped, StepTimeout, StepWithdrawn

if TYPE_CHECKING:
    from aloma_cli.content.content import Content, Toolbox
    from aloma_cli.content.host import Host
    from aloma_cli.content.job import Job, Outcome
    from aloma_cli.content.step import Step

_CUTS: dict[str, type[Cut]] = {"withdrawn": StepWithdrawn}
_SHORTEST = 0.05
"""The least seconds by which a timeout is put off."""

_GRACE = 1.0
"""Seconds that cancelled steps get to clean up before the program continues without them."""


class LocalRunner:
    """A runner on the running event loop."""

    def __init__(self, steps: Mapping[str, Step], toolbox: Toolbox, host: Host) -> None:
        self._steps = steps
        self._toolbox = toolbox
        self._host = host
        self._loop = asyncio.get_running_loop()
        self._running: dict[int, _Running] = {}
        self._left: set[asyncio.Task[Outcome]] = set()
        self._ended: list[Outcome] = []
        self._arrival: asyncio.Future[None] | None = None
        self._noticing = ExitStack()
        self._noticing.enter_context(tasks_noticed(self._loop))

    @property
    def busy(self) -> bool:
        return bool(self._running or self._ended)

    def start(self, job: Job) -> None:
        content, name = self._steps[job.step].content, f"{job.step} #{job.firing}"
        cancellation = Cancellation(self._loop)
        work = content.run(job, self._toolbox, self._host, cancellation)
        # Ctrl-C within the first part of a step comes out here: there is no task then that could be cancelled.
        if content.waits:
            self._begin(_Running(job, content, cancellation), work, name)
        else:
            self._report(at_once(self._loop, work, name=name))

    def _begin(self, running: _Running, work: Coroutine[Any, Any, Outcome], name: str) -> None:
        job = running.job
        if job.timeout is not None:
            running.timer = self._loop.call_later(job.timeout, self._time_out, running)
        running.work = eager_task(self._loop, work, name=name)
        if running.work.done():
            self._end_firing(running)
        else:
            self._running[job.firing] = running
            running.work.add_done_callback(partial(self._done, running))

    def cut(self, firing: int, reason: str) -> None:
        running = self._running.pop(firing, None)
        if running is not None:
            self._cancel(running, _CUTS.get(reason, StepStopped))

    async def wait(self, seconds: float | None) -> list[Outcome]:
        if not self._ended:
            self._arrival = self._loop.create_future()
            timer = None if seconds is None else self._loop.call_later(seconds, self.wake)
            try:
                await self._arrival
            finally:
                self._arrival = None
                if timer is not None:
                    timer.cancel()
        return self.ended()

    def ended(self) -> list[Outcome]:
        ended, self._ended = self._ended, []
        return ended

    async def close(self) -> list[str]:
        """Cancel what still runs, and give the names of the steps that did not end in time."""
        for firing in list(self._running):
            self.cut(firing, "stopped")
        if self._left:
            await asyncio.wait(self._left, timeout=_GRACE)
        self._noticing.close()
        return sorted(work.get_name() for work in self._left)

    def _done(self, running: _Running, work: asyncio.Task[Outcome]) -> None:
        self._left.discard(work)
        if self._running.get(running.job.firing) is running:  # else it was cut meanwhile: its outcome is void
            del self._running[running.job.firing]
            self._end_firing(running)

    def _end_firing(self, running: _Running) -> None:
        if running.timer is not None:
            running.timer.cancel()
        work = running.work
        error = asyncio.CancelledError() if work.cancelled() else work.exception()
        self._report(work.result() if error is None else running.content.failed(running.job, error, 0.0))

    def _time_out(self, running: _Running) -> None:
        left = running.cancellation.queued.seconds(self._host.clock.elapsed()) - running.excused
        if left > 0:
            more = max(left, _SHORTEST)
            running.excused += more
            running.timer = self._loop.call_later(more, self._time_out, running)
            return
        del self._running[running.job.firing]
        self._cancel(running, StepTimeout)
        timeout = running.job.timeout or 0.0
        late = StepTimeout(f"it ran longer than its timeout of {timeout:g} s")
        self._report(running.content.failed(running.job, late, timeout))

    def _cancel(self, running: _Running, cut: type[Cut]) -> None:
        if running.timer is not None:
            running.timer.cancel()
        running.cancellation.cut = cut
        self._left.add(running.work)
        running.work.cancel()

    def _report(self, outcome: Outcome) -> None:
        self._ended.append(outcome)
        self.wake()

    def wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)


class _Running:
    """One run under way. `excused`: the seconds by which its timeout was put off."""

    __slots__ = ("cancellation", "content", "excused", "job", "timer", "work")
    work: asyncio.Task[Outcome]

    def __init__(self, job: Job, content: Content, cancellation: Cancellation) -> None:
        self.job = job
        self.content = content
        self.cancellation = cancellation
        self.timer: asyncio.TimerHandle | None = None
        self.excused = 0.0
