"""One stretch of running a claimed tree, with everything it needs opened before and closed after."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType

from aloma_cli.clock import Clock
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.connectors.table import open_connectors
from aloma_cli.content.capture import stderr_scrubbed, stdout_split
from aloma_cli.content.content import Toolbox
from aloma_cli.content.step import Step
from aloma_cli.content.watchdog import Watchdog
from aloma_cli.engine.local import LocalRunner
from aloma_cli.engine.loop import LoopHost, drive
from aloma_cli.engine.plan import Plan
from aloma_cli.engine.transaction import Emit
from aloma_cli.engine.turn import Scheduler
from aloma_cli.engine.working import WorkingTree
from aloma_cli.errors import AlomaError
from aloma_cli.jsontext import JsonObject
from aloma_cli.loader.environment import Environment
from aloma_cli.loader.libraries import Libraries
from aloma_cli.redact import Redactor
from aloma_cli.store.protocol import Claim


@dataclass(frozen=True, slots=True)
class Equipment:
    """What the steps of a run have at hand."""

    steps: Mapping[str, Step]
    modules: Mapping[str, ModuleType]
    lib: Libraries
    config: Environment
    concurrency: int
    clock: Clock
    scrubber: Redactor


async def run_claim(
    claim: Claim,
    equipment: Equipment,
    emit: Emit,
    *,
    answering: Callable[[Scheduler], ModelSettings],
    before: Callable[[Scheduler], object] = lambda _: None,
    wait: bool = False,
) -> WorkingTree:
    """Run a claimed tree until it is at rest, and give the claim up.

    The requests that wait in its inbox come first; then `before` may ask the run for something. `answering` says which
    model server is used. With `wait` the run continues through rests that wait for a person.

    When it is cancelled, what was committed stays, and a later run continues from there.
    """
    try:
        plan = Plan(equipment.steps.values())
        run = Scheduler(
            claim,
            plan,
            clock=equipment.clock,
            emit=emit,
            concurrency=equipment.concurrency,
            redactor=equipment.scrubber,
        )
        run.recover()
        run.take_requests()
        settings = answering(run)
        before(run)
        await _drive(run, equipment, settings, wait=wait)
        # What is asked for while steps clean up and connections close has no other to carry it out.
        while run.take_requests():
            await _drive(run, equipment, settings, wait=wait)
        return run.tree
    finally:
        claim.close()


def write(
    claim: Claim,
    plan: Plan,
    clock: Clock,
    scrubber: Redactor,
    request: JsonObject | None,
) -> WorkingTree:
    """Carry out in a claimed tree what waits in its inbox, then `request`; start nothing, and give the claim up."""
    with contextlib.closing(claim):
        run = Scheduler(claim, plan, clock=clock, emit=lambda _: None, redactor=scrubber)
        run.take_requests()
        if request is not None:
            run.carry_out(request)
        run.write()
        return run.tree


def stop(claim: Claim, clock: Clock, scrubber: Redactor, request: JsonObject | None) -> None:
    """Stop a claimed tree by `request`, or by one that waits in its inbox, and give the claim up.

    That needs no steps. Requests of other kinds do, and wait for the next run.
    """
    with contextlib.closing(claim):
        run = Scheduler(claim, Plan(()), clock=clock, emit=lambda _: None, redactor=scrubber)
        run.take_requests("stop")
        if request is not None:
            run.carry_out(request)
        run.write()


async def _drive(run: Scheduler, equipment: Equipment, settings: ModelSettings, *, wait: bool) -> None:
    connectors = open_connectors(settings, equipment.modules, run.tree.entries)
    toolbox = Toolbox(connectors, equipment.lib, equipment.config)
    runner = LocalRunner(equipment.steps, toolbox, LoopHost(run))
    try:
        with stdout_split(), stderr_scrubbed(equipment.scrubber), Watchdog():
            await drive(run, runner, wait=wait)
    except asyncio.CancelledError:
        # What is left behind should be easy to read; the journal has it all in any case.
        with contextlib.suppress(AlomaError):
            run.flush()
            run.publish()
        raise
    finally:
        await runner.close()
        await connectors.aclose()
