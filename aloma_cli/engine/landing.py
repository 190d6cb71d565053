"""What the end of a subtask leaves in its parent's document: its count, and its result."""

from __future__ import annotations

from typing import Any

from aloma_cli.document.changes import Change
from aloma_cli.document.paths import MISSING, get
from aloma_cli.document.reserved import CHILDREN, unhandled_errors
from aloma_cli.engine.failure import GONE, STRANDED_DEPTH, stranded
from aloma_cli.engine.working import WorkingTask
from aloma_cli.jsontext import MAX_DEPTH, JsonObject, Path, is_deeper
from aloma_cli.record.events import TaskRested
from aloma_cli.record.states import ENDINGS
from aloma_cli.record.summary import result_of


def count(document: JsonObject, group: str, **by: int) -> list[Change]:
    """The changes that move the numbers of `$children.<group>`; the first subtask makes all of them."""
    groups = document.get(CHILDREN)
    if not isinstance(groups, dict) or group not in groups:
        numbers = {"total": 0, "running": 0, **dict.fromkeys(ENDINGS, 0), **by}
        if isinstance(groups, dict):
            return [Change("add", (CHILDREN, group), numbers)]
        return [Change("add", (CHILDREN,), {group: numbers})]
    return [Change("replace", (CHILDREN, group, key), groups[group][key] + step) for key, step in by.items()]


def landing(parent: WorkingTask, child: WorkingTask, rest: TaskRested) -> list[Change]:
    """The changes that a subtask's end makes in its parent's document: its count, and its result at `into`.

    A stopped subtask lands nothing. Where its place was moved or written, the result goes to `$errors`.
    """
    changes = count(parent.document, child.group or "", running=-1, **{rest.state: 1})
    if child.into is None or rest.state == "stopped":
        return changes
    value = _result(child, rest)
    lost = parent.held.lost.get(child.into) or (None if _has_room(parent.document, child.into) else GONE)
    if lost is not None:
        name, value = f"subtask {child.id}", _fitting(value, child, STRANDED_DEPTH)
        return changes + stranded(parent.document, name, f"the result of {name}", child.into, lost, result=value)
    old = get(parent.document, child.into)
    value = _fitting(value, child, len(child.into))
    return [*changes, Change("add" if old is MISSING else "replace", child.into, value)]


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
