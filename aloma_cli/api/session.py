"""One stretch of running a claimed tree, with everything it needs opened before and closed after."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType

from aloma_cli.clock import Clock
from aloma_cli.connectors import ModelSettings, open_connectors
from aloma_cli.engine.gate import Gate
from aloma_cli.engine.ledger import Emit
from aloma_cli.engine.local import LocalRunner
from aloma_cli.engine.loop import LoopRecorder, drive
from aloma_cli.engine.offer import Toolbox
from aloma_cli.engine.plan import Plan
from aloma_cli.engine.prints import stderr_scrubbed, stdout_split
from aloma_cli.engine.run import Run
from aloma_cli.engine.state import Tree
from aloma_cli.engine.watchdog import Watchdog
from aloma_cli.errors import AlomaError
from aloma_cli.loader import Environment, Libraries
from aloma_cli.scrub import Scrubber
from aloma_cli.step import Step
from aloma_cli.store import Claim


@dataclass(frozen=True, slots=True)
class Equipment:
    """What the steps of a run have at hand."""

    steps: Mapping[str, Step]
    settings: ModelSettings
    modules: Mapping[str, ModuleType]
    lib: Libraries
    config: Environment
    concurrency: int
    clock: Clock
    scrubber: Scrubber


async def run_claim(
    claim: Claim,
    equipment: Equipment,
    emit: Emit,
    *,
    before: Callable[[Run], object] = lambda _: None,
    wait: bool = False,
) -> Tree:
    """Run a claimed tree until it is at rest, and give the claim up; `before` may ask the run for something first.

    With `wait` it goes on through rests that wait for a person.

    When it is cancelled, what was committed stays, and a later run goes on from there.
    """
    try:
        plan = Plan(equipment.steps.values())
        run = Run(
            claim,
            plan,
            clock=equipment.clock,
            emit=emit,
            concurrency=equipment.concurrency,
            scrubber=equipment.scrubber,
        )
        run.recover()
        before(run)
        await _drive(run, equipment, wait=wait)
        return run.tree
    finally:
        claim.close()


async def _drive(run: Run, equipment: Equipment, *, wait: bool) -> None:
    connectors = open_connectors(equipment.settings, equipment.modules, run.tree.entries)
    toolbox = Toolbox(connectors, equipment.lib, equipment.config, Gate(run.budget, run.tree, run.clock))
    runner = LocalRunner(toolbox, LoopRecorder(run), run.clock)
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
