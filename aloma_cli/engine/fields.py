"""The engine's own fields of a document: `$errors` and `$children`, and a subtask's result at its `into`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aloma_cli.content.job import SubtaskOrder
from aloma_cli.document.changes import Change
from aloma_cli.document.paths import MISSING, get
from aloma_cli.document.reserved import CHILDREN, ERRORS, unhandled_errors
from aloma_cli.engine.held import MOVED, WRITTEN
from aloma_cli.engine.room import Room
from aloma_cli.engine.working import WorkingTask
from aloma_cli.errors import InputError
from aloma_cli.jsontext import MAX_DEPTH, Json, JsonObject, Path, is_deeper, show_path
from aloma_cli.record.events import TaskRested
from aloma_cli.record.states import ENDINGS
from aloma_cli.record.summary import result_of

STRANDED_DEPTH = 3
"""How deep in the document what could not land is kept: `$errors`, its entry, the field in it."""

_GONE = "gone"
_LOST = {
    _GONE: ("PlaceGoneError", "is gone"),
    MOVED: (
        "PlaceMovedError",
        "may be another item now: items of its list were inserted, removed or moved; use keys instead of positions",
    ),
    WRITTEN: ("PlaceWrittenError", "was written by another meanwhile, and that value stays"),
}
"""The type of an error, and what it says of a place at which something was to land."""


def error_entry(document: JsonObject, key: str, entry: JsonObject) -> list[Change]:
    """The changes that write `$errors.<key>`."""
    errors = document.get(ERRORS)
    if not isinstance(errors, dict):
        return [Change("add", (ERRORS,), {key: entry})]
    return [Change("replace" if key in errors else "add", (ERRORS, key), entry)]


def forget_errors(document: JsonObject, keys: list[str]) -> list[Change]:
    """The changes that remove entries of `$errors`, and `$errors` itself when none is left."""
    if set(keys) == set(document[ERRORS]):
        return [Change("remove", (ERRORS,))]
    return [Change("remove", (ERRORS, key)) for key in keys]


def removed_errors(before: JsonObject, after: JsonObject) -> set[str]:
    """The entries of `$errors` that a commit removed."""
    return _keys(before.get(ERRORS)) - _keys(after.get(ERRORS))


def drop_empty_errors(document: JsonObject) -> list[Change]:
    """An emptied `$errors` goes."""
    return [Change("remove", (ERRORS,))] if document.get(ERRORS) == {} else []


def _keys(errors: Json) -> set[str]:
    return set(errors) if isinstance(errors, dict) else set()


def refuse_engine_fields(changes: list[Change]) -> None:
    """Raise InputError where somebody writes what the engine keeps."""
    for change in changes:
        if change.path and change.path[0] == CHILDREN:
            raise InputError(f"{show_path(change.path)} is kept by the engine; nobody else can write it")


def place_subtasks(room: Room, orders: Iterable[SubtaskOrder], groups: Iterable[str]) -> list[Path | None]:
    """Where the results of new subtasks will land. Makes the room, counts them as running, and declares `groups`.

    Raises InputError where that is no place, or one that is held already.
    """
    places = []
    for order in orders:
        places.append(None if order.into is None else room.take(order.into, f"subtask {order.name!r}"))
        room.make(count(room.document, order.group, total=1, running=1))
    for group in groups:
        room.make(count(room.document, group))
    return places


def count(document: JsonObject, group: str, **by: int) -> list[Change]:
    """The changes that move the numbers of `$children.<group>`, all of which are there from the first subtask on."""
    groups = document.get(CHILDREN)
    if not isinstance(groups, dict) or group not in groups:
        numbers = {"total": 0, "running": 0, **dict.fromkeys(ENDINGS, 0), **by}
        if isinstance(groups, dict):
            return [Change("add", (CHILDREN, group), numbers)]
        return [Change("add", (CHILDREN,), {group: numbers})]
    return [Change("replace", (CHILDREN, group, key), groups[group][key] + step) for key, step in by.items()]


def landing(parent: WorkingTask, child: WorkingTask, rest: TaskRested) -> list[Change]:
    """The changes that a subtask's end makes in its parent's document: its count, and its result at `into`.

    A stopped subtask lands nothing. Where the place is not what it was the result goes to `$errors`.
    """
    changes = count(parent.document, child.group or "", running=-1, **{rest.state: 1})
    if child.into is None or rest.state == "stopped":
        return changes
    value = _result(child, rest)
    lost = parent.held.lost.get(child.into) or (None if _has_room(parent.document, child.into) else _GONE)
    if lost is not None:
        name, value = f"subtask {child.id}", _fitting(value, child, STRANDED_DEPTH)
        return changes + stranded(parent.document, name, f"the result of {name}", child.into, lost, result=value)
    there = get(parent.document, child.into)
    value = _fitting(value, child, len(child.into))
    return [*changes, Change("add" if there is MISSING else "replace", child.into, value)]


def stranded(document: JsonObject, key: str, who: str, place: Path, lost: str, **kept: Json) -> list[Change]:
    """The changes that write `$errors.<key>` for what cannot land at its place; `lost` says why, `kept` is it."""
    kind, reason = _LOST[lost]
    message = f"{show_path(place)}, where {who} was to land, {reason}"
    return error_entry(document, key, {"type": kind, "message": message, "place": show_path(place), **kept})


def _fitting(value: JsonObject, child: WorkingTask, depth: int) -> JsonObject:
    """What lands `depth` levels below the document: `value`, unless that would nest deeper than a document may."""
    if not is_deeper(value, MAX_DEPTH - depth):
        return value
    message = f"the result of subtask {child.id} would be nested deeper than {MAX_DEPTH} levels here"
    return {**value, "result": None, "error": {"type": "DocumentError", "message": message}}


def _has_room(document: JsonObject, place: Path) -> bool:
    above, key = get(document, place[:-1]), place[-1]
    if isinstance(above, list):
        return isinstance(key, int) and key < len(above)
    return isinstance(above, dict) and isinstance(key, str)


def _result(child: WorkingTask, rest: TaskRested) -> JsonObject:
    value: dict[str, Any] = {"status": rest.state, "result": result_of(child, child.document), "task": child.id}
    errors = unhandled_errors(child.document)
    if errors:
        step, entry = next(iter(errors.items()))
        value["error"] = {"step": step, **(entry if isinstance(entry, dict) else {"message": entry})}
    elif rest.reason is not None:
        value["error"] = {"type": rest.state, "message": rest.reason}
    return value
