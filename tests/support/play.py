"""A tree of tasks run as the program runs it, on a manual or on a real event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from aloma_cli.clock import Clock
from aloma_cli.connectors.base import Connectors
from aloma_cli.content.content import Toolbox
from aloma_cli.content.step import Step
from aloma_cli.content.streams import lent_to_steps
from aloma_cli.engine.local import LocalRunner
from aloma_cli.engine.loop import LoopHost, Stay, drive
from aloma_cli.engine.plan import Plan
from aloma_cli.engine.turn import Scheduler
from aloma_cli.engine.working import WorkingTask, WorkingTree
from aloma_cli.jsontext import JsonObject
from aloma_cli.record import events as ev
from aloma_cli.redact import NO_SECRETS
from aloma_cli.store.memory import MemoryStore
from aloma_cli.store.protocol import Store
from tests.support.manual import manually, running_clock
from tests.support.record import ROOT
from tests.support.stage import create


@dataclass
class Played:
    """What came of it. `seconds` is by the loop's own time; `left` names the steps that would not end."""

    tree: WorkingTree
    events: list[ev.Event]
    seconds: float
    left: list[str] = field(default_factory=list)

    @property
    def root(self) -> WorkingTask:
        return self.tree.root

    @property
    def data(self) -> JsonObject:
        return self.root.document


@dataclass
class Setup:
    """What a run is made of; `during` is called with the run when it starts, to schedule what happens from outside."""

    steps: Iterable[Step]
    data: JsonObject | None
    store: Store = field(default_factory=MemoryStore)
    concurrency: int = 8
    connectors: Connectors = field(default_factory=lambda: Connectors({}))
    during: Callable[[Scheduler], object] = lambda _: None


def play(steps: Iterable[Step], data: JsonObject | None, *, real: bool = False, **options: Any) -> Played:
    """Run a fresh task on `data` (or continue the one in `store`) until nothing is left to do."""
    work = played(Setup(steps, data, **options))
    return asyncio.run(work) if real else manually(work)


async def played(setup: Setup) -> Played:
    """The same on the running loop."""
    clock: Clock = running_clock()
    claim = setup.store.claim(ROOT) if setup.data is None else create(setup.store, setup.data)
    events: list[ev.Event] = []
    plan = Plan(setup.steps)
    run = Scheduler(claim, plan, clock=clock, emit=events.append, concurrency=setup.concurrency)
    run.recover()
    runner = LocalRunner(plan.steps, Toolbox(setup.connectors, None, lambda name: name), LoopHost(run), run.deliver)
    result = Played(run.tree, events, clock.elapsed())
    setup.during(run)
    try:
        with lent_to_steps(NO_SECRETS):
            await drive(run, runner, Stay())
        result.seconds = clock.elapsed() - result.seconds
    finally:
        result.left = await runner.close()
        claim.close()
    return result
