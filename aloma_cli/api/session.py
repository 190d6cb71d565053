"""Run a claimed tree: what the run needs is opened before and closed after it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from types import ModuleType
from typing import TYPE_CHECKING, cast

from aloma_cli.content.capture import stderr_redacted, stdout_split
from aloma_cli.content.content import Toolbox
from aloma_cli.content.watchdog import Watchdog
from aloma_cli.engine.local import LocalRunner
from aloma_cli.engine.loop import LoopHost, Stay, drive, lasts
from aloma_cli.engine.plan import Plan
from aloma_cli.engine.turn import Scheduler
from aloma_cli.engine.unsettled import park_interrupted
from aloma_cli.errors import AlomaError
from aloma_cli.later import Later
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from aloma_cli.api import notifying
    from aloma_cli.api.notifying import Notices
    from aloma_cli.clock import Clock
    from aloma_cli.connectors import table
    from aloma_cli.connectors.base import Connectors
    from aloma_cli.connectors.mcp.settings import McpSettings
    from aloma_cli.connectors.settings import ModelSettings
    from aloma_cli.engine.day import DayLimit
    from aloma_cli.engine.transaction import Emit
    from aloma_cli.engine.working import WorkingTree
    from aloma_cli.jsontext import JsonObject
    from aloma_cli.loader.environment import Environment
    from aloma_cli.loader.libraries import Libraries
    from aloma_cli.redact import Redactor
    from aloma_cli.store.protocol import Claim
    from aloma_cli.telemetry.live import LiveTraces
else:
    notifying = Later("aloma_cli.api.notifying")
    table = Later("aloma_cli.connectors.table")


@dataclass(frozen=True, slots=True)
class Equipment:
    """What a run needs besides the tree.

    `border` may wrap the connectors, to answer their calls in another way. `day`: what all tasks may spend on one day.
    `notices`: whom to tell of questions and ends. `traces`: where spans go.
    """

    plan: Plan
    modules: Mapping[str, ModuleType]
    lib: Libraries
    config: Environment
    concurrency: int
    clock: Clock
    redactor: Redactor
    border: Callable[[Connectors], Connectors]
    day: DayLimit | None = None
    mcp: Sequence[McpSettings] = ()
    notices: Notices | None = None
    traces: LiveTraces | None = None


async def run_claim(
    claim: Claim,
    equipment: Equipment,
    emit: Emit,
    *,
    answering: Callable[[Scheduler], ModelSettings],
    before: Callable[[Scheduler], object] = lambda _: None,
    stay: Stay | None = None,
) -> WorkingTree:
    """Run a claimed tree until it is at rest, and close the claim.

    The requests in its inbox come first, then `before`. `answering` chooses the model server. `stay`: when to leave it
    sooner or later than at rest. After a cancellation a later run continues from the last commit.
    """
    stay = stay or Stay()
    followed = None if equipment.traces is None else equipment.traces.follow(emit)
    emit = emit if followed is None else followed.emit
    notifier = None if equipment.notices is None else notifying.Notifier(equipment.notices, emit)
    try:
        run = Scheduler(
            claim,
            equipment.plan,
            clock=equipment.clock,
            emit=emit if notifier is None else notifier.emit,
            concurrency=equipment.concurrency,
            redactor=equipment.redactor,
        )
        if followed is not None:
            followed.open(run.tree)
        if notifier is not None:
            notifier.open(run)
        run.recover()
        run.take_requests()
        settings = answering(run)
        before(run)
        await _drive(run, equipment, settings, stay)
        # Requests may arrive while people are told, steps clean up and connections close.
        while (notifier is not None and await notifier.settle(run)) or run.take_requests():
            await _drive(run, equipment, settings, stay)
        await lasts(run)
        return run.tree
    finally:
        if notifier is not None:
            await notifier.close()
        claim.close()


async def fire_once(claim: Claim, equipment: Equipment, emit: Emit, settings: ModelSettings) -> None:
    """Run the first firing of a claimed tree alone, without a retry or another firing after it; close the claim."""
    with contextlib.closing(claim):
        run = Scheduler(claim, equipment.plan, clock=equipment.clock, emit=emit, redactor=equipment.redactor)
        run.recover()
        async with _runner(run, equipment, settings) as runner:
            for job in run.turn().jobs[:1]:
                runner.start(job)
                for outcome in await runner.wait(None):
                    run.deliver(outcome)
                run.turn()


def write(
    claim: Claim,
    plan: Plan,
    clock: Clock,
    redactor: Redactor,
    request: JsonObject | None,
    order: Callable[[Scheduler], object] = lambda _: None,
) -> WorkingTree:
    """Carry out in a claimed tree what waits in its inbox, then `request` and `order`; close the claim."""
    with contextlib.closing(claim):
        run = Scheduler(claim, plan, clock=clock, emit=lambda _: None, redactor=redactor)
        run.do(park_interrupted)
        run.take_requests()
        if request is not None:
            run.carry_out(request)
        order(run)
        run.write()
        return run.tree


def stop(claim: Claim, clock: Clock, redactor: Redactor, request: JsonObject | None) -> None:
    """Stop a claimed tree by `request`, or by one that waits in its inbox, and close the claim.

    This needs no steps. Requests of other kinds wait for the next run.
    """
    with contextlib.closing(claim):
        run = Scheduler(claim, Plan(()), clock=clock, emit=lambda _: None, redactor=redactor)
        run.take_requests("stop")
        if request is not None:
            run.carry_out(request)
        run.write()


async def _drive(run: Scheduler, equipment: Equipment, settings: ModelSettings, stay: Stay) -> None:
    async with _runner(run, equipment, settings) as runner:
        try:
            await drive(run, runner, stay)
        except asyncio.CancelledError:
            # So that readers need not read the journal, which is complete in any case.
            with contextlib.suppress(AlomaError):
                run.flush()
                run.publish_left()
            raise


@asynccontextmanager
async def _runner(run: Scheduler, equipment: Equipment, settings: ModelSettings) -> AsyncIterator[LocalRunner]:
    """What runs firings; at the end it is closed, and so are the connectors."""
    connectors = _NO_CONNECTORS
    if equipment.plan.asks_for("connectors"):
        connectors = equipment.border(
            table.open_connectors(settings, equipment.modules, run.tree.entries, equipment.mcp)
        )
    toolbox = Toolbox(connectors, equipment.lib, equipment.config)
    runner = LocalRunner(equipment.plan.steps, toolbox, LoopHost(run, equipment.day))
    try:
        with stdout_split(), stderr_redacted(equipment.redactor), Watchdog():
            yield runner
    finally:
        await runner.close()
        if connectors is not _NO_CONNECTORS:
            await connectors.aclose()


_NO_CONNECTORS = cast("Connectors", {})
"""For steps that ask for none."""
