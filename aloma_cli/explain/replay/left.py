"""What a firing left: the document and all it asked of its task, as one JSON value, on record and today."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from aloma_cli.content.job import Effects, Outcome, Raised, Returned
from aloma_cli.document.changes import apply
from aloma_cli.document.merge import merge
from aloma_cli.document.paths import make_room
from aloma_cli.document.reserved import CHILDREN, ERRORS
from aloma_cli.errors import InputError
from aloma_cli.explain.ledger import End, TaskLedger
from aloma_cli.jsontext import Json, JsonObject, Path
from aloma_cli.record import events as ev


def left_today(task: TaskLedger, version: int, tags: Sequence[str], outcome: Outcome) -> JsonObject:
    """What the run of today leaves of the newest document; it started from `version` and these `tags`."""
    if isinstance(outcome, Raised):
        return _failure(outcome.error)
    if not isinstance(outcome, Returned):
        return {"error": {"type": "StepLimited", "message": str(outcome)}}
    current: Any = task.document
    theirs = [change for at, one in task.writes.items() if at > version for change in one.changes]
    changes = merge(outcome.changes, theirs, current)[0] if theirs else outcome.changes
    effects = outcome.effects
    data, subtasks, questions = _with_room(apply(current, changes), effects)
    return _without_defaults(
        {
            "data": _own_data(data),
            "name": effects.name,
            "tags": _new_tags(tags, effects.tags),
            "complete": effects.completed,
            "stop": effects.stops or None,
            "settings": effects.settings or None,
            "redo": effects.redo,
            "parked": effects.park is not None,
            "subtasks": subtasks,
            "questions": questions,
        }
    )


def left_on_record(task: TaskLedger, tags: Sequence[str], end: End, children: Iterable[ev.TaskCreated]) -> JsonObject:
    """What is on record; `task` as of the end of the firing, `tags` as they were before it."""
    if isinstance(end, ev.FiringFailed):
        return _failure(end.error)
    if not isinstance(end, ev.Committed):
        return {"data": _own_data(task.document)}
    return _without_defaults(
        {
            "data": _own_data(task.document),
            "name": end.name,
            "tags": _new_tags(tags, end.tags),
            "complete": end.completed,
            "stop": end.stopped,
            "settings": end.settings,
            "redo": end.redo,
            "parked": end.parked_until is not None,
            "subtasks": [_subtask(one.name, one.data, one.into, one.group, wait=one.wait_for) for one in children],
            "questions": [_question_json(one["question"], one["into"], one.get("schema")) for one in end.asked],
        }
    )


def _failure(error: JsonObject) -> JsonObject:
    return {"error": {key: error.get(key) for key in ("type", "message")}}


def _new_tags(before: Sequence[str], after: Sequence[str] | None) -> JsonObject | None:
    """The tags that were added and removed: others may have added more meanwhile."""
    if after is None:
        return None
    old, new = Counter(before), Counter(after)
    return {"added": sorted((new - old).elements()), "removed": sorted((old - new).elements())}


def _own_data(document: Json) -> JsonObject:
    """The document without the counts that the engine keeps, and without an empty `$errors`, which it removes."""
    return {key: value for key, value in document.items() if key != CHILDREN and (key, value) != (ERRORS, {})}


def _with_room(document: Json, effects: Effects) -> tuple[Json, list[JsonObject], list[JsonObject]]:
    subtasks, questions = [], []
    for order in effects.subtasks:
        document, place = _room_for(document, order.into)
        subtasks.append(_subtask(order.name, order.data, place, order.group, wait=order.wait_for))
    for asked in effects.questions:
        document, place = _room_for(document, asked.into)
        questions.append(_question_json(asked.question, place, asked.schema))
    return document, subtasks, questions


def _room_for(document: Json, into: Path | None) -> tuple[Json, Path | None]:
    """The document with room for a value that lands later, as the engine makes it."""
    if into is None:
        return document, None
    try:
        place, changes = make_room(document, into)
    except InputError:  # the engine refuses it, too
        return document, into
    return apply(document, changes), place


def _subtask(name: str, data: JsonObject, into: Path | None, group: str | None, *, wait: bool) -> JsonObject:
    return {"name": name, "data": data, "into": None if into is None else list(into), "group": group, "wait": wait}


def _question_json(question: str, into: Path | None, schema: JsonObject | None) -> JsonObject:
    return {"question": question, "into": list(into or ()), "schema": schema}


def _without_defaults(left: JsonObject) -> JsonObject:
    return {key: value for key, value in left.items() if value not in (None, False, []) or key == "data"}
