"""Which steps came nearest to firing, and what kept them."""

from __future__ import annotations

from collections.abc import Iterable

from aloma_cli.jsontext import JsonObject
from aloma_cli.step import Step

SHOWN = 3
"""How many steps, and how many mismatches of each, are worth telling."""


def nearest_misses(steps: Iterable[Step], document: JsonObject) -> tuple[JsonObject, ...]:
    """The steps that came nearest, best first: [{step, missing: [sentence, …], more: how many are left out}]."""
    ranked = sorted(
        (step for step in steps if not step.condition.matches(document)),
        key=lambda step: step.condition.nearness(document),
        reverse=True,
    )
    return tuple(_miss(step, document) for step in ranked[:SHOWN])


def _miss(step: Step, document: JsonObject) -> JsonObject:
    sentences = [str(mismatch) for mismatch in step.condition.mismatches(document)]
    return {"step": step.name, "missing": sentences[:SHOWN], "more": max(0, len(sentences) - SHOWN)}
