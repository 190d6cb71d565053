"""What is said of steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aloma_cli.jsontext import JsonObject

if TYPE_CHECKING:
    from aloma_cli.content.step import Step


NO_STEPS = "there are no steps yet; one is a file steps/NAME.py with a `condition` and a `content`"


def step_record(step: Step) -> JsonObject:
    """What `--json` prints of a step; types in the condition are words such as `str`."""
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
        "asks_for": list(step.parameters),
        "specificity": step.condition.specificity,
        "condition": step.condition.describe(),
        "source": str(step.source.path) if step.source is not None else None,
    }
