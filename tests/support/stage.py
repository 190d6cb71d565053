"""A tree of tasks driven by hand: firings end when, and in the order in which, the test says so. No event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar, cast

from aloma_cli.clock import to_iso
from aloma_cli.connectors.base import Connectors
from aloma_cli.content.cancellation import Cancellation
from aloma_cli.content.content import Toolbox
from aloma_cli.content.job import Job, Outcome
from aloma_cli.content.step import Step
from aloma_cli.engine.loop import LoopHost
from aloma_cli.engine.plan import Plan
from aloma_cli.engine.turn import Scheduler, Turn
from aloma_cli.engine.working import WorkingTask, WorkingTree
from aloma_cli.jsontext import JsonObject
from aloma_cli.record import events as ev
from aloma_cli.record.events import AnEvent
from aloma_cli.redact import NO_SECRETS, Redactor
from aloma_cli.store.memory import MemoryStore
from aloma_cli.store.protocol import Claim, Store
from tests.support.manual import EPOCH, HeldClock
from tests.support.record import ROOT

Result = TypeVar("Result")


class Stage:
    """One tree. `events` is all that was emitted; `running` the firings under way, in the order they were started.

    A firing's content runs, without waiting for anything, at the moment it is ended.
    """

    def __init__(
        self,
        steps: Iterable[Step],
        data: JsonObject | None = None,
        *,
        store: Store | None = None,
        concurrency: int = 8,
        connectors: Connectors | None = None,
        clock: HeldClock | None = None,
        scrubber: Redactor = NO_SECRETS,
    ) -> None:
        """Begin with `data`, or continue with what `store` holds."""
        self.store = store or MemoryStore()
        self.clock = clock or HeldClock()
        self.events: list[ev.Event] = []
        self.running: dict[int, Job] = {}
        self._toolbox = Toolbox(connectors or Connectors({}), None, lambda name: name)
        self.claim = self.store.claim(ROOT) if data is None else create(self.store, data)
        plan = Plan(steps)
        self._steps = plan.steps
        self.run = Scheduler(
            self.claim,
            plan,
            clock=self.clock,
            emit=self.events.append,
            concurrency=concurrency,
            redactor=scrubber,
        )
        self._host = AtOnce(self.run)
        self.run.recover()
        self.last = self.turn()

    @property
    def tree(self) -> WorkingTree:
        return self.run.tree

    @property
    def root(self) -> WorkingTask:
        return self.tree.root

    @property
    def data(self) -> JsonObject:
        """The document of the root."""
        return self.root.document

    @property
    def names(self) -> list[str]:
        """The steps that run, in the order they were started."""
        return [job.step for job in self.running.values()]

    def turn(self) -> Turn:
        """Let the engine take in what has ended, and start what it says."""
        turn = self.run.turn()
        for firing in turn.cuts:
            self.running.pop(firing, None)
        for job in turn.jobs:
            assert job.firing not in self.running, "a firing was started twice"
            self.running[job.firing] = job
        self.last = turn
        return turn

    def end(self, *names: str, task: str | None = None) -> Turn:
        """End the firings of these steps, all in one turn."""
        for name in names:
            self.deliver(self._find(name, task))
        return self.turn()

    def end_all(self) -> None:
        """End whatever runs, the oldest first and one at a time, until nothing does."""
        while self.running:
            self.deliver(next(iter(self.running)))
            self.turn()

    def deliver(self, firing: int) -> None:
        """End a firing; the next turn takes it in."""
        self.run.deliver(self.outcome(self.running.pop(firing)))

    def outcome(self, job: Job) -> Outcome:
        """What comes of a firing."""
        cancellation = Cancellation(cast("asyncio.AbstractEventLoop", None))
        return _at_once(self._steps[job.step].content.run(job, self._toolbox, self._host, cancellation))

    def journal(self) -> list[ev.Event]:
        """What the store holds."""
        return [event for batch in self.store.read(ROOT) for event in batch.events]

    def close(self) -> None:
        self.claim.close()

    def _find(self, name: str, task: str | None) -> int:
        found = [f for f, job in self.running.items() if job.step == name and task in (None, job.task)]
        assert len(found) == 1, f"{name} runs {len(found)} times; {self.names} run"
        return found[0]


class AtOnce(LoopHost):
    """The host of firings that writes at once, without an event loop."""

    def __init__(self, run: Scheduler) -> None:
        self._run = run
        self.clock = run.clock
        self._day = None

    def note(self, event: ev.Event) -> None:
        self._run.note(event)
        self._run.flush()

    def later(self, seconds: float, action: Callable[[], None]) -> Callable[[], None]:
        return lambda: None

    async def keep(self, event: AnEvent) -> AnEvent:
        recorded = self._run.note(event)
        self._run.flush()
        return recorded


def create(store: Store, data: JsonObject) -> Claim:
    """A fresh root task."""
    return store.create(ROOT, [ev.TaskCreated(at=to_iso(EPOCH), task=ROOT, name="a task", data=data)])


def _at_once(work: Coroutine[Any, Any, Result]) -> Result:
    """The result of a coroutine that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as end:
        return cast("Result", end.value)
    raise AssertionError("content on a stage must not wait")
