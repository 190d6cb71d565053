"""Run a claimed tree: what the run needs is opened before and closed after it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

from aloma_cli.content.content import Toolbox
from aloma_cli.content.streams import lent_to_steps
from aloma_cli.engine.local import LocalRunner
from aloma_cli.engine.loop import LoopHost, Stay, drive, until_durable
from aloma_cli.engine.plan import Plan
from aloma_cli.engine.turn import Scheduler
from aloma_cli.errors import AlomaError
from aloma_cli.later import Later

if TYPE_CHECKING:
    from aloma_cli.api import notifying
    from aloma_cli.api.orders import Order
    from aloma_cli.api.setup import Setup
    from aloma_cli.clock import Clock
    from aloma_cli.connectors import table
    from aloma_cli.connectors.base import Connectors
    from aloma_cli.connectors.settings import ModelSettings
    from aloma_cli.engine import unsettled
    from aloma_cli.engine.transaction import Emit
    from aloma_cli.engine.working import WorkingTree
    from aloma_cli.jsontext import JsonObject
    from aloma_cli.redact import Redactor
    from aloma_cli.store.protocol import Claim
else:
    notifying = Later("aloma_cli.api.notifying")
    table = Later("aloma_cli.connectors.table")
    unsettled = Later("aloma_cli.engine.unsettled")


async def run_claim(
    claim: Claim,
    setup: Setup,
    emit: Emit,
    before: Order | None,
    stay: Stay,
    *,
    settings: ModelSettings | None = None,
) -> WorkingTree:
    """Run a claimed tree until it is at rest, and close the claim.

    The requests in its inbox come first, then `before`. `stay`: when to leave it sooner or later than at rest.
    `settings`: the model server; None: as `Setup.answering`. After a cancellation a later run continues from the last
    commit.
    """
    notifier = None
    try:
        traces, notices = setup.traces(), setup.notices()
        followed = None if traces is None else traces.follow(emit)
        emit = emit if followed is None else followed.emit
        notifier = None if notices is None else notifying.Notifier(notices, emit)
        run = Scheduler(
            claim,
            setup.plan,
            clock=setup.clock,
            emit=emit if notifier is None else notifier.emit,
            concurrency=setup.loaded.config.limits.concurrency,
            redactor=setup.redactor,
        )
        if followed is not None:
            followed.open(run.tree)
        if notifier is not None:
            notifier.open(run)
        run.recover()
        run.take_requests()
        settings = settings or setup.answering(run)
        if before is not None:
            before(run)
        await _drive(run, setup, settings, stay)
        # Requests may arrive while notices are sent, steps clean up and connections close.
        while (notifier is not None and await notifier.settle(run)) or run.take_requests():
            await _drive(run, setup, settings, stay)
        if run.behind is not None:
            await until_durable(run.behind)
        return run.tree
    finally:
        if notifier is not None:
            await notifier.close()
        claim.close()


async def fire_once(claim: Claim, setup: Setup, emit: Emit, settings: ModelSettings) -> None:
    """Run the first firing of a claimed tree alone, without a retry or another firing after it; close the claim."""
    with contextlib.closing(claim):
        run = Scheduler(claim, setup.plan, clock=setup.clock, emit=emit, redactor=setup.redactor)
        run.recover()
        async with _runner(run, setup, settings) as runner:
            for job in run.turn().jobs[:1]:
                runner.start(job)
                while not run.arrived:
                    await runner.wait(None)
                run.turn()


def write(claim: Claim, setup: Setup, request: JsonObject | None, order: Order | None = None) -> WorkingTree:
    """Carry out in a claimed tree what waits in its inbox, then `request` and `order`; close the claim."""
    with contextlib.closing(claim):
        run = Scheduler(claim, setup.plan, clock=setup.clock, emit=lambda _: None, redactor=setup.redactor)
        run.do(unsettled.park_interrupted)
        run.take_requests()
        if request is not None:
            run.carry_out(request)
        if order is not None:
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


async def _drive(run: Scheduler, setup: Setup, settings: ModelSettings, stay: Stay) -> None:
    async with _runner(run, setup, settings) as runner:
        try:
            await drive(run, runner, stay)
        except asyncio.CancelledError:
            # So that readers need not read the journal, which is complete in any case.
            with contextlib.suppress(AlomaError):
                run.flush()
                run.publish_left()
            raise


@asynccontextmanager
async def _runner(run: Scheduler, setup: Setup, settings: ModelSettings) -> AsyncIterator[LocalRunner]:
    """What runs firings; at the end it is closed, and so are the connectors."""
    loaded, connectors, day = setup.loaded, _NO_CONNECTORS, None
    if setup.plan.asks_for("connectors"):
        day = setup.day_limit()
        opened = table.open_connectors(settings, loaded.connector_modules, run.tree.entries, loaded.mcp_servers())
        connectors = setup.intercept(opened)
    toolbox = Toolbox(connectors, loaded.lib, loaded.environment)
    runner = LocalRunner(setup.plan.steps, toolbox, LoopHost(run, day), run.deliver)
    try:
        with lent_to_steps(setup.redactor):
            yield runner
    finally:
        await runner.close()
        if connectors is not _NO_CONNECTORS:
            await connectors.aclose()


_NO_CONNECTORS = cast("Connectors", {})
"""For steps that ask for none."""
