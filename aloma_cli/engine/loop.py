"""The loop: gives the jobs of each turn to the runner, until nothing is left to do.

turn → start its jobs → wait until the runner delivers the first end (or for a timer, or a request) → turn → …
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import math
from collections.abc import Callable
from functools import cached_property, partial
from itertools import count
from typing import TYPE_CHECKING

from aloma_cli.later import Later
from aloma_cli.record.states import ASKING
from aloma_cli.record.summary import figures
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from aloma_cli.budget import Amount
    from aloma_cli.connectors.base import Function
    from aloma_cli.engine import limits
    from aloma_cli.engine.day import DayLimit
    from aloma_cli.engine.local import LocalRunner
    from aloma_cli.engine.turn import Scheduler, Turn
    from aloma_cli.jsontext import JsonObject
    from aloma_cli.record.events import AnEvent, Event
    from aloma_cli.store.behind import Behind
else:
    limits = Later("aloma_cli.engine.limits")

_PUBLISH = 0.5
"""The least seconds between two publishings of a running task; a shorter run is published only at its end."""

_BREATH = 16
"""After this many turns the other work of the event loop has its turn, even if firings never wait."""

_SHARE = 0.1
"""The share of a run's time that publishing may take, because it takes long for a large document."""


_SELDOM = 5_000
"""New objects after which Python looks for garbage in reference cycles.

Its default of 700 is fewer than 50 firings leave.
"""


class Stuck(RuntimeError):  # noqa: N818  (it names the state, which is a bug of ours, not a mistake of the user)
    """Nothing runs, nothing is due, and yet the task is not at rest: a bug in aloma."""


class LoopHost:
    """The `Host` of firings in this process.

    All events noted in one tick of the event loop share one write, and one sync.
    """

    def __init__(self, run: Scheduler, day: DayLimit | None = None) -> None:
        self._run = run
        self.clock = run.clock
        self._day = day
        self._loop = asyncio.get_running_loop()
        # Otherwise a view would print into the log of the step that notes something.
        self._context = contextvars.copy_context()
        self._flushed: asyncio.Future[None] | None = None

    def note(self, event: Event) -> None:
        self._run.note(event)
        self._soon()

    async def keep(self, event: AnEvent) -> AnEvent:
        recorded = self._run.note(event)
        await asyncio.shield(self._soon())
        return recorded

    def later(self, seconds: float, action: Callable[[], None]) -> Callable[[], None]:
        return self._loop.call_later(seconds, action, context=self._context).cancel

    async def enter(
        self, function: Function, step: str, arguments: JsonObject, waits: Callable[[], None] = lambda: None
    ) -> Amount:
        return await self._gate.enter(function, step, arguments, waits)

    def leave(self, held: Amount) -> None:
        self._gate.leave(held)

    @cached_property
    def _gate(self) -> limits.Gate:
        return limits.Gate(self._run.budget, self._run.tree, self.clock, self._day)

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
            _settle(flushed, error)
            return
        if self._run.behind is None:
            _settle(flushed, None)
        else:
            self._run.behind.then(partial(_settle, flushed))


@dataclass(slots=True)
class Stay:
    """How long a run stays with its tree; many runs may share one, and it may change meanwhile.

    `wait`: also through rests that wait for a person. `patience`: the tree is left while it does nothing but wait for a
    timer that is further away (seconds). `leaving`: nothing more is started, and the tree is left once nothing runs.
    """

    wait: bool = False
    patience: float = math.inf
    leaving: bool = False


async def until_durable(behind: Behind) -> None:
    """Wait until all commits are durable. Raises StoreError, also for noted events."""
    durable = asyncio.get_running_loop().create_future()
    behind.then(partial(_settle, durable))
    await durable


def _settle(future: asyncio.Future[None], error: Exception | None) -> None:
    if future.done():  # who waited was cancelled
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
        future.exception()  # a note waits for nothing: the next turn raises it


async def drive(run: Scheduler, runner: LocalRunner, stay: Stay) -> None:
    """Run a tree until every task in it is at rest, or `stay` says to leave it. Raises StoreError, and Stuck.

    Meanwhile Python collects garbage seldom, unless its threshold was set. Nearly all that a run makes belongs
    to its tree, so collecting finds nothing, and takes a fifth of the time of a tree with 1,000 subtasks. Objects
    outside of reference cycles are freed at once in any case.
    """
    first, *others = gc.get_threshold()
    is_often = 0 < first < _SELDOM
    if is_often:
        gc.set_threshold(_SELDOM, *others)
    try:
        await _drive(run, runner, stay)
    finally:
        if is_often:
            gc.set_threshold(first, *others)


async def _drive(run: Scheduler, runner: LocalRunner, stay: Stay) -> None:
    publish_at = run.clock.elapsed() + _PUBLISH
    for number in count(1):
        turn = run.turn(start=not stay.leaving)
        for firing, reason in turn.cuts.items():
            runner.cut(firing, reason)
        if run.behind is not None:
            await until_durable(run.behind)
        for job in turn.jobs:
            runner.start(job)
        if turn.finished:
            run.publish(turn.wake_at)
        elif not (turn.jobs or runner.running or run.pending) and _leaves(run, turn, stay):
            return
        elif run.clock.elapsed() >= publish_at:
            publish_at = _publish(run)
        waits = stay.wait and run.tree.root.state in ASKING
        if turn.finished and not waits and not run.take_requests():
            return
        if number % _BREATH == 0:
            await asyncio.sleep(0)
        if turn.jobs and run.arrived and not runner.is_look_due:
            continue  # some never waited
        if waits or not turn.finished:
            await _next_end(run, runner, turn, stay)


def _publish(run: Scheduler) -> float:
    """Publish a tree that runs, and say from when on to do it again."""
    started = run.clock.elapsed()
    run.publish()
    took = run.clock.elapsed() - started
    return started + max(_PUBLISH, took / _SHARE)


def _leaves(run: Scheduler, turn: Turn, stay: Stay) -> bool:
    """Whether a tree in which nothing runs is left before it is at rest; then it is published."""
    if stay.leaving:
        return True  # it has more to do, which a stale record says best
    patient = turn.wake_at is None or turn.wake_at - run.clock.now() <= stay.patience
    if not patient:
        run.publish(turn.wake_at)
    return not patient


async def _next_end(run: Scheduler, runner: LocalRunner, turn: Turn, stay: Stay) -> None:
    """Wait until a turn has something to do."""
    comes = turn.jobs or turn.wake_at is not None or runner.running or run.pending or stay.leaving
    if not turn.finished and not comes:
        raise Stuck(f"task {run.tree.root_id} can neither continue nor end")
    while True:
        # Times are written in whole milliseconds: a timer is due once its written moment has passed.
        due = None if turn.wake_at is None else max(0.0, turn.wake_at - run.clock.now())
        if not run.arrived:
            await runner.wait(due)
        is_look_due, runner.is_look_due = runner.is_look_due, False
        asked = is_look_due and run.take_requests()
        if run.arrived or asked or stay.leaving:
            return
        if turn.wake_at is not None and turn.wake_at <= run.clock.now():
            return
