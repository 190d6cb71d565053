"""Removes secrets from everything that comes in from steps, connectors and people.

All of it passes through here before any other part of the engine sees it, so no other part needs to know about secrets.
References (ids of tasks, names of steps, keys of calls) stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aloma_cli.content.job import Effects, Outcome, Question, Raised, Returned, SubtaskOrder
from aloma_cli.document.changes import Change, apply
from aloma_cli.document.diff import diff
from aloma_cli.document.paths import MISSING, get
from aloma_cli.jsontext import JsonObject, Path
from aloma_cli.record.events import AnEvent, CallAnswered, CallProgress, CallSent, Logged, NoticeFailed
from aloma_cli.redact import Redactor

_REFERENCES = ("kind", "task", "step")
_STEP = 500


def clean_event(redactor: Redactor, event: AnEvent) -> AnEvent:
    """An event that a running firing notes."""
    if isinstance(event, Logged):
        return replace(event, text=redactor.text(event.text))
    if isinstance(event, NoticeFailed):
        return replace(event, reason=redactor.text(event.reason))
    if isinstance(event, CallSent):
        return replace(event, arguments=redactor.value(event.arguments))
    if isinstance(event, CallAnswered):
        told = {name: redactor.value(getattr(event, name)) for name in ("arguments", "answer", "error", "about")}
        return replace(event, **told)
    if isinstance(event, CallProgress) and event.text is not None:
        is_growing = event.state == "streaming"
        return replace(event, text=_tail(redactor.growing(event.text)) if is_growing else redactor.text(event.text))
    return event


def _tail(text: str) -> str:
    """The last part of a growing text. Its beginning moves in steps, so that a view can break it into steady lines."""
    return text[max(0, len(text) // _STEP - 1) * _STEP :]


def clean_request(redactor: Redactor, body: JsonObject) -> JsonObject:
    """What a person asks of a task."""
    return {name: item if name in _REFERENCES else redactor.value(item) for name, item in body.items()}


def clean_outcome(redactor: Redactor, outcome: Outcome, base: JsonObject) -> Outcome:
    """The end of a firing that started from the document `base`."""
    if isinstance(outcome, Raised):
        return outcome._replace(error=redactor.value(outcome.error), read=_read(redactor, outcome))
    if isinstance(outcome, Returned):
        changes = clean_changes(redactor, outcome.changes, base)
        effects = _effects(redactor, outcome.effects)
        cleaned = changes is not outcome.changes
        return outcome._replace(changes=changes, effects=effects, read=_read(redactor, outcome), cleaned=cleaned)
    return outcome


def clean_changes(redactor: Redactor, changes: list[Change], base: JsonObject) -> list[Change]:
    """The changes that a firing made to `base`.

    Writing a secret again where its name already is, is not a change. A secret as a key overwrites the field that has
    its name, as it would have overwritten itself. If the firing changed that field as well, the new key is numbered.
    """
    if not any(_holds_secret(redactor, change) for change in changes):
        return changes
    clean: list[Change] = []
    document = base
    for change in changes:
        clean.append(_clean(redactor, change, document, [*changes, *clean]))
        document = apply(document, clean[-1:])
    return diff(base, document)


def _holds_secret(redactor: Redactor, change: Change) -> bool:
    key = _new_key(change)
    return redactor.value(change.value) is not change.value or (key is not None and redactor.text(key) is not key)


def _new_key(change: Change) -> str | None:
    """The key that a change adds to the document; the keys above it exist already."""
    key = change.path[-1] if change.op == "add" and change.path else None
    return key if isinstance(key, str) else None


def _clean(redactor: Redactor, change: Change, document: JsonObject, others: Sequence[Change]) -> Change:
    clean = change._replace(value=redactor.value(change.value))
    key = _new_key(change)
    if key is None or redactor.text(key) is key:
        return clean
    return _renamed(redactor, clean, redactor.text(key), document, others)


def _renamed(redactor: Redactor, change: Change, name: str, document: JsonObject, others: Sequence[Change]) -> Change:
    parent = change.path[:-1]
    place = (*parent, name)
    if get(document, place) is MISSING:
        return change._replace(path=place)
    if any(other.path[: len(place)] == place for other in others):
        taken = get(document, parent).keys()
        return change._replace(path=(*parent, redactor.unused(name, taken)))
    return Change("replace", place, change.value)


def _effects(redactor: Redactor, effects: Effects) -> Effects:
    if not effects.trace:
        return effects
    return replace(
        effects,
        subtasks=[_order(redactor, order) for order in effects.subtasks],
        groups=list(map(redactor.text, effects.groups)),
        stops=dict(zip(effects.stops, map(redactor.text, effects.stops.values()), strict=True)),
        completed=redactor.value(effects.completed),
        name=None if effects.name is None else redactor.text(effects.name),
        tags=None if effects.tags is None else tuple(map(redactor.text, effects.tags)),
        settings=redactor.value(effects.settings),
        questions=[_question(redactor, question) for question in effects.questions],
    )


def _order(redactor: Redactor, order: SubtaskOrder) -> SubtaskOrder:
    return replace(
        order,
        name=redactor.text(order.name),
        data=redactor.value(order.data),
        into=None if order.into is None else _redacted_place(redactor, order.into),
        group=redactor.text(order.group),
    )


def _question(redactor: Redactor, asked: Question) -> Question:
    return replace(
        asked,
        question=redactor.text(asked.question),
        into=_redacted_place(redactor, asked.into),
        schema=redactor.value(asked.schema),
        default=redactor.value(asked.default),
        context=redactor.value(asked.context),
    )


def _read(redactor: Redactor, outcome: Returned | Raised) -> list[Path]:
    """What a step read. It may have asked for a key that the document lacks."""
    return [_redacted_place(redactor, path) for path in outcome.read]


def _redacted_place(redactor: Redactor, path: Path) -> Path:
    return tuple(redactor.text(key) if isinstance(key, str) else key for key in path)
