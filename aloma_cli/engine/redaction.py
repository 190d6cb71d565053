"""What comes in from steps, connectors and people, without the secrets in it.

All of it passes here before anything else of the engine sees it, so that nothing behind needs to know of secrets.
Whatever refers to what is there already (ids of tasks, names of steps, keys of calls) stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aloma_cli.content.job import Effects, Outcome, Question, Raised, Returned, SubtaskOrder
from aloma_cli.document.changes import Change, apply
from aloma_cli.document.diff import diff
from aloma_cli.document.paths import MISSING, get
from aloma_cli.jsontext import JsonObject, Path
from aloma_cli.record.events import AnEvent, CallAnswered, Logged
from aloma_cli.redact import Redactor

_REFERENCES = ("kind", "task", "step")


def clean_event(scrubber: Redactor, event: AnEvent) -> AnEvent:
    """What a firing that runs tells."""
    if isinstance(event, Logged):
        return replace(event, text=scrubber.text(event.text))
    if isinstance(event, CallAnswered):
        told = {name: scrubber.value(getattr(event, name)) for name in ("arguments", "answer", "error", "about")}
        return replace(event, **told)
    return event


def clean_request(scrubber: Redactor, body: JsonObject) -> JsonObject:
    """What a person asks of a task."""
    return {name: item if name in _REFERENCES else scrubber.value(item) for name, item in body.items()}


def clean_outcome(scrubber: Redactor, outcome: Outcome, base: JsonObject) -> Outcome:
    """The end of a firing that started from the document `base`."""
    if isinstance(outcome, Raised):
        return replace(outcome, error=scrubber.value(outcome.error))
    if isinstance(outcome, Returned):
        changes = clean_changes(scrubber, outcome.changes, base)
        return replace(outcome, changes=changes, effects=_effects(scrubber, outcome.effects))
    return outcome


def clean_changes(scrubber: Redactor, changes: list[Change], base: JsonObject) -> list[Change]:
    """The changes that a firing made to `base`.

    Writing a secret once more where its name stands already is no change. A secret as a key overwrites the field that
    has its name, as it would have overwritten itself; unless the firing changed that field as well: then the new one
    is numbered.
    """
    if not any(_holds_secret(scrubber, change) for change in changes):
        return changes
    clean: list[Change] = []
    document = base
    for change in changes:
        clean.append(_clean(scrubber, change, document, [*changes, *clean]))
        document = apply(document, clean[-1:])
    return diff(base, document)


def _holds_secret(scrubber: Redactor, change: Change) -> bool:
    key = _new_key(change)
    return scrubber.value(change.value) is not change.value or (key is not None and scrubber.text(key) is not key)


def _new_key(change: Change) -> str | None:
    """The key that a change brings into the document; all others on its way are there."""
    key = change.path[-1] if change.op == "add" and change.path else None
    return key if isinstance(key, str) else None


def _clean(scrubber: Redactor, change: Change, document: JsonObject, others: Sequence[Change]) -> Change:
    clean = change._replace(value=scrubber.value(change.value))
    key = _new_key(change)
    if key is None or scrubber.text(key) is key:
        return clean
    return _renamed(scrubber, clean, scrubber.text(key), document, others)


def _renamed(scrubber: Redactor, change: Change, name: str, document: JsonObject, others: Sequence[Change]) -> Change:
    parent = change.path[:-1]
    place = (*parent, name)
    if get(document, place) is MISSING:
        return change._replace(path=place)
    if any(other.path[: len(place)] == place for other in others):
        taken = get(document, parent).keys()
        return change._replace(path=(*parent, scrubber.unused(name, taken)))
    return Change("replace", place, change.value)


def _effects(scrubber: Redactor, effects: Effects) -> Effects:
    if not effects.trace:
        return effects
    return replace(
        effects,
        subtasks=[_order(scrubber, order) for order in effects.subtasks],
        groups=list(map(scrubber.text, effects.groups)),
        stops=dict(zip(effects.stops, map(scrubber.text, effects.stops.values()), strict=True)),
        completed=scrubber.value(effects.completed),
        name=None if effects.name is None else scrubber.text(effects.name),
        tags=None if effects.tags is None else tuple(map(scrubber.text, effects.tags)),
        settings=scrubber.value(effects.settings),
        questions=[_question(scrubber, question) for question in effects.questions],
    )


def _order(scrubber: Redactor, order: SubtaskOrder) -> SubtaskOrder:
    return replace(
        order,
        name=scrubber.text(order.name),
        data=scrubber.value(order.data),
        into=None if order.into is None else _place(scrubber, order.into),
        group=scrubber.text(order.group),
    )


def _question(scrubber: Redactor, asked: Question) -> Question:
    return replace(
        asked,
        question=scrubber.text(asked.question),
        into=_place(scrubber, asked.into),
        schema=scrubber.value(asked.schema),
        default=scrubber.value(asked.default),
    )


def _place(scrubber: Redactor, path: Path) -> Path:
    return tuple(scrubber.text(key) if isinstance(key, str) else key for key in path)
