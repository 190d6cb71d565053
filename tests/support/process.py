"""One process that runs one tree by hand: its firings wait in the middle of what they do until they are told more."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine, Generator, Iterable
from dataclasses import dataclass
from typing import Any, cast

from aloma_cli.clock import Clock
from aloma_cli.connectors.base import Connectors
from aloma_cli.content.cancellation import Cancellation
from aloma_cli.content.content import Toolbox
from aloma_cli.content.job import Job, Outcome
from aloma_cli.content.step import Step
from aloma_cli.engine.plan import Plan
from aloma_cli.engine.turn import Scheduler, Turn
from aloma_cli.errors import StepStopped
from aloma_cli.record import events as ev
from aloma_cli.store.protocol import Claim
from tests.support.stage import AtOnce


@dataclass(frozen=True)
class Cue:
    """Awaited by content, and by connectors: `await Cue("act")` gives what the firing is told next."""

    what: str

    def __await__(self) -> Generator[Any, Any, Any]:
        return (yield self)


class Room:
    """A future for who waits at the gate, without an event loop."""

    def __init__(self) -> None:
        self._is_done = False

    def done(self) -> bool:
        return self._is_done

    def set_result(self, _: None) -> None:
        self._is_done = True

    def __await__(self) -> Generator[Any, Any, Any]:
        yield self


class _Loop:
    """As much of an event loop as the gate needs."""

    def create_future(self) -> Room:
        return Room()


@dataclass
class Firing:
    """A firing under way. `waits`: for what it is told next (Cue), or at the gate (Room)."""

    job: Job
    work: Coroutine[Any, Any, Outcome]
    cancellation: Cancellation
    context: contextvars.Context
    on_record: set[str]
    """The calls answered before this run that it has not made yet."""
    waits: Any = None

    def awaits(self, what: str) -> bool:
        return bool(self.waits == Cue(what))


class Process:
    """`firings`: what runs, by number, in the order of starting. `emitted`: what views were told, but for what is not
    on record. `wrong`: what should not have happened.
    """

    def __init__(
        self,
        claim: Claim,
        steps: Iterable[Step],
        connectors: Connectors,
        clock: Clock,
        *,
        concurrency: int,
        check: Callable[[Job], object],
        is_durable: Callable[[ev.Event], bool],
    ) -> None:
        self.claim = claim
        self.clock = clock
        self.emitted: list[ev.Event] = []
        self.wrong: list[str] = []
        self.firings: dict[int, Firing] = {}
        plan = Plan(steps)
        self._steps = plan.steps
        self.run = Scheduler(claim, plan, clock=clock, emit=self._emit, concurrency=concurrency)
        self._check = check
        self._is_durable = is_durable
        self._toolbox = Toolbox(connectors, None, lambda name: name)
        self._host = AtOnce(self.run)
        self.last = Turn((), {}, None, finished=False)

    def open(self, before: Callable[[Scheduler], object]) -> None:
        """Go on with the tree as a program does that has just claimed it."""
        self.run.recover()
        self.run.take_requests()
        before(self.run)
        self.turn()

    @property
    def is_refused(self) -> bool:
        """Whether the store refused a write since the last turn."""
        return self.run._refused is not None

    def turn(self) -> Turn:
        """Let the engine take in what has ended, and start what it says."""
        turn = self.last = self.run.turn()
        for number in turn.cuts:
            firing = self.firings.pop(number, None)
            if firing is not None:
                self._throw(firing)
        for job in turn.jobs:
            self._check(job)
            self._start(job)
        if turn.finished:
            self.run.publish(turn.wake_at)
        return turn

    def tell(self, number: int, what: Any) -> None:
        """Tell a firing what it waits for."""
        self._go_on(number, what)
        self._let_in()

    def _start(self, job: Job) -> None:
        assert job.firing not in self.firings, "a firing runs once at a time"
        cancellation = Cancellation(cast("asyncio.AbstractEventLoop", None))
        work = self._steps[job.step].content.run(job, self._toolbox, self._host, cancellation)
        self.firings[job.firing] = Firing(job, work, cancellation, contextvars.copy_context(), set(job.calls))
        self._go_on(job.firing, None)

    def _go_on(self, number: int, what: Any) -> None:
        firing = self.firings[number]
        try:
            firing.waits = firing.context.run(_in_a_loop, firing.work.send, what)
        except StopIteration as end:
            del self.firings[number]
            self.run.deliver(end.value)

    def _throw(self, firing: Firing) -> None:
        firing.cancellation.cut = StepStopped
        try:
            firing.context.run(_in_a_loop, firing.work.throw, asyncio.CancelledError())
        except asyncio.CancelledError:
            return
        raise AssertionError("a firing that was cut continues")

    def _let_in(self) -> None:
        while ready := [n for n, one in self.firings.items() if isinstance(one.waits, Room) and one.waits.done()]:
            self._go_on(ready[0], None)

    def _emit(self, event: ev.Event) -> None:
        if isinstance(event, ev.CallAnswered) and event.replayed:
            self._replayed(event)
        elif not isinstance(event, ev.CallProgress) and not (isinstance(event, ev.CallSent) and event.effect == "read"):
            self.emitted.append(event)
            if not self._is_durable(event):
                self.wrong.append(f"{event} is told before it is written")

    def _replayed(self, event: ev.CallAnswered) -> None:
        on_record = self.firings[event.firing].on_record
        if event.key not in on_record:
            self.wrong.append(f"an answer of this very run of firing {event.firing} stands for another call")
        on_record.discard(event.key)


def _in_a_loop(step: Callable[[Any], Any], value: Any) -> Any:
    asyncio._set_running_loop(cast("Any", _Loop()))
    try:
        return step(value)
    finally:
        asyncio._set_running_loop(None)
