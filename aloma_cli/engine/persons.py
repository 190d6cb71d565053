"""A person is just another writer: questions of a task, answers to them, and values set from outside."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from aloma_cli.clock import to_iso
from aloma_cli.document import MISSING, Change, apply, get, make_room, parse_path, resolve, same
from aloma_cli.engine.fields import refuse_engine_fields
from aloma_cli.engine.outcome import Question
from aloma_cli.engine.state import TaskState, Tree
from aloma_cli.errors import InputError
from aloma_cli.jsontext import MAX_DEPTH, Json, JsonObject, Path, is_deeper, show_path

_MOST_SHOWN = 4


def place_questions(
    document: JsonObject, questions: list[Question], now: float
) -> tuple[tuple[JsonObject, ...], list[Change]]:
    """The questions as the record keeps them, and the changes that make room for the answers. Raises InputError."""
    asked: list[JsonObject] = []
    changes: list[Change] = []
    for question in questions:
        place, room = make_room(document, question.into)
        document = apply(document, room)
        changes += room
        kept: JsonObject = {"question": question.question, "into": list(place)}
        if question.schema is not None:
            kept["schema"] = question.schema
        if question.timeout is not None:
            kept |= {"default": question.default, "until": to_iso(now + question.timeout)}
        asked.append(kept)
    return tuple(asked), changes


class Asked(NamedTuple):
    """A request, checked against the task it is about. `answers` are the places of the questions it answers."""

    task: TaskState
    changes: list[Change] = []  # noqa: RUF012  (never altered)
    answers: tuple[str, ...] = ()


def read_request(tree: Tree, body: JsonObject) -> Asked:
    """What a request (`docs/format.md`) comes to now. Raises InputError where it makes no sense."""
    task, kind = tree.tasks.get(body.get("task", tree.root_id)), body.get("kind")
    if task is None:
        raise InputError(f"there is no task {body.get('task')}")
    if kind == "stop" and isinstance(body.get("reason"), str):
        return Asked(task)
    if task.closed:
        raise InputError(f"task {task.id} is closed ({task.state}): nothing changes it any more")
    if kind == "redo" and isinstance(body.get("step"), str):
        return Asked(task)
    if kind == "set":
        changes = _set(task.document, body)
        refuse_engine_fields(changes)
        # Whoever writes where an answer was to go has answered.
        written = {show_path(change.place) for change in changes}
        return Asked(task, changes, tuple(place for place in task.questions if place in written))
    if kind == "answer" and "value" in body:
        task = task if task.questions else _who_asks(tree, task)
        place = _question(task, body.get("into"))
        value = _checked_answer(task.questions[place], body)
        return Asked(task, answer(task, place, value), (place,))
    raise InputError(f"{kind!r} is no request that can be carried out")


def _who_asks(tree: Tree, task: TaskState) -> TaskState:
    """The one subtask that asks, where `task` itself does not. Raises InputError where there are several."""
    asking = [one for one in tree.descendants(task.id) if one.questions and not one.closed]
    if len(asking) > 1:
        commands = "; ".join(f"aloma task answer {one.id} VALUE" for one in asking[:_MOST_SHOWN])
        raise InputError(f"{len(asking)} subtasks of {task.id} ask something", hint=commands)
    return asking[0] if asking else task


def answer(task: TaskState, place: str, value: Json) -> list[Change]:
    """The changes that write an answer where it was to go. Raises InputError where that place is gone."""
    return _assign(task.document, tuple(task.questions[place]["into"]), value)


def _question(task: TaskState, into: str | None) -> str:
    """The place of the question that is to be answered: the only one, unless `into` names it."""
    places = list(task.questions)
    if not places:
        raise InputError(
            f"task {task.id} asks nothing", hint=f"to write into its data: aloma task set {task.id} path=…"
        )
    if into is None and len(places) > 1:
        raise InputError(f"task {task.id} asks {len(places)} questions", hint=f"--into one of {', '.join(places)}")
    if into is not None and into not in places:
        raise InputError(f"task {task.id} asks nothing into {into}", hint=f"it asks into {', '.join(places)}")
    return into or places[0]


def _checked_answer(question: JsonObject, body: JsonObject) -> Json:
    """The answer that a request gives: its value, or where only that fits, the text that was typed."""
    if "schema" not in question:
        return body["value"]
    from aloma_cli.connectors.reading import complaints

    wrong = complaints(body["value"], question["schema"])
    if not wrong:
        return body["value"]
    if isinstance(body.get("text"), str) and not complaints(body["text"], question["schema"]):
        return body["text"]
    raise InputError(f"that does not answer {question['question']!r}: {'; '.join(wrong)}")


def _set(document: JsonObject, body: JsonObject) -> list[Change]:
    """The changes of a `set`: first what is removed, then what is written."""
    changes: list[Change] = []
    for text in body.get("unset", []):
        place = resolve(document, parse_path(text))
        if get(document, place) is MISSING:
            raise InputError(f"there is nothing at {show_path(place)} to remove")
        changes.append(Change("remove", place))
        document = apply(document, changes[-1:])
    return changes + assign(document, ((tuple(keys), value) for keys, value in body.get("set", [])))


def assign(document: JsonObject, assignments: Iterable[tuple[Path, Json]]) -> list[Change]:
    """The changes that write values at their places, making the parents that are missing. Raises InputError."""
    changes: list[Change] = []
    for keys, value in assignments:
        made = _assign(document, keys, value)
        document = apply(document, made)
        changes += made
    return changes


def _assign(document: JsonObject, keys: Path, value: Json) -> list[Change]:
    place, room = make_room(document, keys)
    if is_deeper(value, MAX_DEPTH - len(place)):
        raise InputError(f"the value for {show_path(place)} would be nested deeper than {MAX_DEPTH} levels there")
    there = get(apply(document, room), place)
    if there is not MISSING and same(there, value):
        return room
    return [*room, Change("add" if there is MISSING else "replace", place, value)]
