"""The engine's own fields of a document: `$errors` and `$children`, and a subtask's result at its `into`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aloma_cli.document import MISSING, Change, apply, get, make_room
from aloma_cli.engine.outcome import SubtaskOrder
from aloma_cli.engine.state import TaskState
from aloma_cli.errors import InputError
from aloma_cli.events import ENDINGS, TaskRested
from aloma_cli.jsontext import MAX_DEPTH, Json, JsonObject, Path, is_deeper, show_path

ERRORS = "$errors"
CHILDREN = "$children"
KEPT = (ERRORS, CHILDREN)
"""What is about one task only, and so is not handed on to its subtasks."""


def error_entry(document: JsonObject, key: str, entry: JsonObject) -> list[Change]:
    """The changes that write `$errors.<key>`."""
    errors = document.get(ERRORS)
    if not isinstance(errors, dict):
        return [Change("add", (ERRORS,), {key: entry})]
    return [Change("replace" if key in errors else "add", (ERRORS, key), entry)]


def unhandled_errors(document: JsonObject) -> dict[str, JsonObject]:
    """The entries of `$errors` that nobody has marked handled."""
    errors = document.get(ERRORS)
    if not isinstance(errors, dict):
        return {}
    return {
        key: entry for key, entry in errors.items() if not (isinstance(entry, dict) and entry.get("handled") is True)
    }


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


def place_subtasks(
    document: JsonObject, orders: list[SubtaskOrder], taken: Mapping[Path, str]
) -> tuple[list[Path | None], list[Change]]:
    """Where the results of new subtasks will land, and the changes that make room and count them as running.

    `taken` are the places that live subtasks hold already. Raises InputError where two would land at one place.
    """
    places: list[Path | None] = []
    changes: list[Change] = []
    held = dict(taken)
    for order in orders:
        place = None
        if order.into is not None:
            place, room = make_room(document, order.into)
            if place in held:
                raise InputError(
                    f"subtask {order.name!r} would land at {show_path(place)}, and so will {held[place]!r}"
                )
            held[place] = order.name
            document = apply(document, room)
            changes += room
        counted = count(document, order.group, total=1, running=1)
        document = apply(document, counted)
        changes += counted
        places.append(place)
    return places, changes


def count(document: JsonObject, group: str, **by: int) -> list[Change]:
    """The changes that move the numbers of `$children.<group>`, all of which are there from the first subtask on."""
    groups = document.get(CHILDREN)
    if not isinstance(groups, dict) or group not in groups:
        numbers = {"total": 0, "running": 0, **dict.fromkeys(ENDINGS, 0), **by}
        if isinstance(groups, dict):
            return [Change("add", (CHILDREN, group), numbers)]
        return [Change("add", (CHILDREN,), {group: numbers})]
    return [Change("replace", (CHILDREN, group, key), groups[group][key] + step) for key, step in by.items()]


def landing(parent: TaskState, child: TaskState, rest: TaskRested) -> list[Change]:
    """The changes that a subtask's end makes in its parent's document: its count, and its result at `into`.

    A stopped subtask lands nothing. Where the place is gone the result goes to `$errors`.
    """
    changes = count(parent.document, child.group or "", running=-1, **{rest.state: 1})
    if child.into is None or rest.state == "stopped":
        return changes
    value = _result(child, rest)
    if not _has_room(parent.document, child.into):
        entry = {
            "type": "PlaceGoneError",
            "message": f"{show_path(child.into)}, where subtask {child.id} was to land, is gone",
            "result": value,
        }
        return changes + error_entry(parent.document, f"subtask {child.id}", entry)
    if is_deeper(value, MAX_DEPTH - len(child.into)):
        value = _too_deep(value, child)
    there = get(parent.document, child.into)
    return [*changes, Change("add" if there is MISSING else "replace", child.into, value)]


def _too_deep(value: JsonObject, child: TaskState) -> JsonObject:
    """What lands where the result itself would make the parent's document deeper than a document may be."""
    message = f"the result of subtask {child.id} would be nested deeper than {MAX_DEPTH} levels here"
    return {**value, "result": None, "error": {"type": "DocumentError", "message": message}}


def _has_room(document: JsonObject, place: Path) -> bool:
    above, key = get(document, place[:-1]), place[-1]
    if isinstance(above, list):
        return isinstance(key, int) and key < len(above)
    return isinstance(above, dict) and isinstance(key, str)


def _without_stash(document: JsonObject) -> JsonObject:
    """What is stashed stays with the task: at another place it would be shown."""
    return {key: value for key, value in document.items() if key != "$stash"}


def _result(child: TaskState, rest: TaskRested) -> JsonObject:
    completed = child.completed
    value: dict[str, Any] = {
        "status": rest.state,
        "result": completed["result"] if completed is not None else _without_stash(child.document),
        "task": child.id,
    }
    errors = unhandled_errors(child.document)
    if errors:
        step, entry = next(iter(errors.items()))
        value["error"] = {"step": step, **(entry if isinstance(entry, dict) else {"message": entry})}
    elif rest.reason is not None:
        value["error"] = {"type": rest.state, "message": rest.reason}
    return value
