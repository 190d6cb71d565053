"""Fire one step once, for a look at what it does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aloma_cli.api.session import fire_once
from aloma_cli.api.workspace import Workspace

if TYPE_CHECKING:
    from aloma_cli.api.setup import Intercept
    from aloma_cli.content.step import Step
    from aloma_cli.engine.transaction import Emit
    from aloma_cli.jsontext import JsonObject


async def fire(
    home: Workspace, step: Step, data: JsonObject, emit: Emit, *, intercept: Intercept | None = None
) -> None:
    """Fire `step` once on `data`, if its condition holds: no other step runs, and nothing is recorded.

    `intercept` may answer its calls in another way. Raises InputError if `data` is not a JSON object, and what
    `Setup.check` raises.
    """
    alone = Workspace(loaded=replace(home.loaded, steps={step.name: step}))
    alone.setup = replace(
        home.setup,
        loaded=alone.loaded,
        steps=alone.steps,
        store=alone.store,
        intercept=intercept or home.setup.intercept,
        tells=False,
        _day=home.setup.day_limit(),
    )
    new = alone.create(step.name, data)
    await fire_once(new.claim, alone.setup, emit, new.choice.settings)
