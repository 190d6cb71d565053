"""Which steps came nearest to firing, and what kept them."""

from __future__ import annotations

from collections.abc import Iterable

from aloma_cli.condition import Mismatch
from aloma_cli.content.step import Step
from aloma_cli.document.paths import MISSING, get
from aloma_cli.errors import did_you_mean
from aloma_cli.jsontext import KINDS, JsonObject, Path, show_path

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
    sentences = [f"{mismatch}{_hint(mismatch, document)}" for mismatch in step.condition.mismatches(document)]
    return {"step": step.name, "missing": sentences[:SHOWN], "more": max(0, len(sentences) - SHOWN)}


def _hint(mismatch: Mismatch, document: JsonObject) -> str:
    """What the author probably meant, where the condition looks like a slip of the pen."""
    if mismatch.wanted in _QUOTED:
        kind = mismatch.wanted.strip('"')
        return f" (the string {mismatch.wanted}; for any {_KINDS[kind]} write {kind} without quotes)"
    meant = _meant(mismatch.path, document) if mismatch.missing else None
    return f" (the document has {show_path(meant)}: did you mean that?)" if meant else ""


_KINDS = {kind.__name__: word for kind, word in KINDS.items()}
_QUOTED = {f'"{kind}"' for kind in _KINDS}


def _meant(path: Path, document: JsonObject) -> Path | None:
    """The place of the document that is called nearly as `path`, where a single key of it is misspelt."""
    for at, key in enumerate(path):
        owner = get(document, path[:at])
        if not isinstance(owner, dict) or not isinstance(key, str):
            return None
        if key not in owner:
            near = did_you_mean(key, owner)
            meant = (*path[:at], near.split("`")[1], *path[at + 1 :]) if near else ()
            return meant if meant and get(document, meant) is not MISSING else None
    return None
