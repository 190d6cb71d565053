"""A step in words and as JSON."""

from __future__ import annotations

from collections.abc import Mapping

from aloma_cli.condition.describe import written
from aloma_cli.content.step import Step
from aloma_cli.errors import NotFoundError, did_you_mean
from aloma_cli.jsontext import JsonObject

NO_STEPS = "this workspace has no steps; write one with `aloma step new NAME`"


def step_record(step: Step) -> JsonObject:
    """What `--json` prints; types in `condition` are words such as `str`, and bare ones in `condition_text`."""
    retry = step.retry
    return {
        "name": step.name,
        "summary": step.content.summary,
        "enabled": step.enabled,
        "priority": step.priority,
        "rearm": step.rearm,
        "withdraw": step.withdraw,
        "timeout": step.timeout,
        "retry": None if retry is None else {"times": retry.times, "wait": retry.wait},
        "asks_for": list(step.content.parameters),
        "specificity": step.condition.specificity,
        "condition": step.condition.describe(),
        "condition_text": written(step.condition.pattern),
        "source": str(step.source.path) if step.source is not None else None,
    }


def step_named(steps: Mapping[str, Step], name: str) -> Step:
    """The step called `name`. Raises NotFoundError."""
    if name not in steps:
        hint = did_you_mean(name, steps) or "run `aloma step list` for the names"
        raise NotFoundError(f"there is no step {name!r}", hint=hint)
    return steps[name]
