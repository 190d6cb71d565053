"""The loop: moves outcomes from the runner to the run, and jobs back, until nothing is left to do.

turn → start its jobs → wait for the first end (or a timer, or a request) → deliver → turn → …
"""

from __future__ import annotations

import asyncio
import contextvars

from aloma_cli.clock import from_iso
from aloma_cli.engine.gate import Gate
from aloma_cli.engine.run import Run, Turn
from aloma_cli.engine.runner import Runner
from aloma_cli.jsontext import JsonObject
from aloma_cli.record.events import AnEvent, Event
from aloma_cli.record.summary import figures

POLL = 0.25
"""Seconds between looks for requests of other processes."""

_PUBLISH = 0.5
"""Seconds at least between two times that a running task is published."""

_SHARE = 0.1
"""The part of a run's time that publishing may take: of a large document it takes long."""


class Stuck(RuntimeError):  # noqa: N818  (it names the state, which is a fault of ours, not of the user)
    """Nothing runs, nothing is due, and yet the task is not at rest: a fault in aloma itself."""


class LoopHost:
    """The `Host` of firings in this process.

    All events noted in one tick of the event loop share one write, and one sync.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self.clock = run.clock
        gate = Gate(run.budget, run.tree, run.clock)
        self.enter, self.leave = gate.enter, gate.leave
        self._loop = asyncio.get_running_loop()
        # Not that of the step which notes something: whoever is told would print into that step's log.
        self._context = contextvars.copy_context()
        self._flushed: asyncio.Future[None] | None = None

    def note(self, event: Event) -> None:
        self._run.note(event)
        self._soon()

    async def keep(self, event: AnEvent) -> AnEvent:
        recorded = self._run.note(event)
        await asyncio.shield(self._soon())
        return recorded

    def figures(self, task: str) -> JsonObject:
        return figures(self._run.tree, task, self.clock)

    def _soon(self) -> asyncio.Future[None]:
        if self._flushed is None:
            self._flushed = self._loop.create_future()
            self._loop.call_soon(self._flush, self._flushed, context=self._context)
        return self._flushed

    def _flush(self, flushed: asyncio.Future[None]) -> None:
        self._flushed = None
        try:
            self._run.flush()
        except Exception as error:  # noqa: BLE001  (it is raised where the event was to be kept)
            flushed.set_exception(error)
            flushed.exception()  # a note waits for nothing: the next turn raises it
        else:
            flushed.set_result(None)


async def drive(run: Run, runner: Runner, *, wait: bool = False) -> None:
    """Run a tree until every task in it is at rest; with `wait`, also through rests that wait for a person.

    Raises StoreError, and Stuck.
    """
    due = 0.0
    run.take_requests()
    while True:
        turn = run.turn()
        for firing, reason in turn.cuts.items():
            runner.cut(firing, reason)
        for job in turn.jobs:
            runner.start(job)
        if turn.finished or run.clock.elapsed() >= due:
            due = _publish(run)
        waits = wait and run.tree.root.state == "question"
        if turn.finished and not waits and not run.take_requests():
            return
        if waits or not turn.finished:
            await _next_end(run, runner, turn)


def _publish(run: Run) -> float:
    """Publish, and say from when on to do it again."""
    started = run.clock.elapsed()
    run.publish()
    took = run.clock.elapsed() - started
    return started + max(_PUBLISH, took / _SHARE)


async def _next_end(run: Run, runner: Runner, turn: Turn) -> None:
    """Wait until there is something for a turn to do."""
    comes = runner.busy or turn.wake_at is not None or turn.jobs or run.pending
    if not turn.finished and not comes:
        raise Stuck(f"task {run.tree.root_id} can neither go on nor end")
    while True:
        due = None if turn.wake_at is None else from_iso(turn.wake_at) - run.clock.now()
        ended = await runner.wait(POLL if due is None else max(0.0, min(due, POLL)))
        for outcome in ended:
            run.deliver(outcome)
        # Times are written in whole milliseconds: a timer is due once its written moment has passed.
        if ended or run.take_requests() or (due is not None and from_iso(turn.wake_at or "") <= run.clock.now()):
            return
