"""The record of one task as JSON: what `task show --json` prints, `task list` reads and `task.json` holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypedDict

from aloma_cli.clock import Clock, from_iso
from aloma_cli.document.reserved import RESERVED, unhandled_errors
from aloma_cli.jsontext import Json, JsonObject
from aloma_cli.record.tree import SentCall, TaskFacts, Tree

SCHEMA = 1
"""The version of this record; `docs/format.md` describes it."""


class TaskRecord(TypedDict):
    """A task without its document. Times are ISO texts; `usage` and `steps` count its subtasks as well.

    `wake_at`: the moment at which an idle tree continues by itself; None if none is known.
    """

    schema: int
    id: str
    name: str
    state: str
    closed: bool
    tags: list[str]
    parent: str | None
    created_at: str
    updated_at: str
    seconds: float
    version: int
    result: Json
    reason: str | None
    limit: JsonObject | None
    expected: JsonObject | None
    errors: dict[str, JsonObject]
    missing: list[dict[str, Any]]
    cycle: list[dict[str, Any]]
    usage: dict[str, Any]
    steps: list[dict[str, Any]]
    running: list[dict[str, Any]]
    waiting: list[dict[str, Any]]
    parked_until: str | None
    wake_at: str | None
    questions: list[JsonObject]
    unsettled: list[JsonObject]
    answering: JsonObject | None
    children: list[dict[str, Any]]


def summary(tree: Tree, task_id: str, document: JsonObject, wake_at: str | None = None) -> TaskRecord:
    """The record of a task that has this document; `wake_at` is known only to the process that runs it."""
    task = tree.tasks[task_id]
    rest, tasks = task.rest, [task, *tree.descendants(task_id)]
    return {
        "schema": SCHEMA,
        "id": task.id,
        "name": task.name,
        "state": task.state,
        "closed": task.closed,
        "tags": list(task.tags),
        "parent": task.parent,
        "created_at": task.created_at,
        "updated_at": task.updated_at,
        "seconds": round(max(0.0, from_iso(task.updated_at) - from_iso(task.created_at)), 3),
        "version": task.version,
        "result": None if task.completed is None else result_of(task, document),
        "reason": rest.reason if rest else None,
        "limit": tree.limit if task.state == "limited" else None,
        "expected": tree.expected if task.parent is None else None,
        "errors": unhandled_errors(document),
        "missing": list(rest.missing) if rest else [],
        "cycle": list(rest.cycle) if rest else [],
        "usage": task.total.usage_json(),
        "steps": [{"step": step, **one.to_json()} for step, one in task.figures.items()],
        "running": [{"step": flight.step, "since": flight.at} for flight in task.flights.values()],
        "waiting": [
            {"step": step, "until": retry.at, "reason": retry.reason} for step, retry in sorted(task.retries.items())
        ],
        "parked_until": task.parked_until,
        "wake_at": wake_at,
        "questions": [asked for one in tasks for asked in questions_of(one)],
        "unsettled": [_unsettled(call) for one in tasks for call in one.unsettled if not call.asks],
        "answering": tree.answering,
        "children": [_child(tree.tasks[child]) for child in task.children],
    }


def figures(tree: Tree, task_id: str, clock: Clock) -> JsonObject:
    """What `task.figures()` gives (`content/handles/task.py`)."""
    task = tree.tasks[task_id]
    total = task.total
    return {
        "seconds": round(clock.now() - from_iso(task.created_at), 3),
        "calls": total.calls,
        "input_tokens": total.input_tokens,
        "output_tokens": total.output_tokens,
        "cost": round(total.cost, 9),
        "failures": total.failed,
        "steps": {step: one.to_json() for step, one in sorted(task.figures.items())},
    }


def result_of(task: TaskFacts, document: JsonObject) -> Json:
    """The value that a task was completed with; else its document without the reserved fields."""
    if task.completed is not None and "result" in task.completed:
        return task.completed["result"]
    return {key: value for key, value in document.items() if key not in RESERVED}


def questions_of(task: TaskFacts) -> Iterable[JsonObject]:
    """The open questions of a task alone, as in `questions` of a record."""
    for place, asked in task.questions.items():
        more = {name: asked.get(name) for name in _KEPT}
        yield {"task": task.id, "question": asked["question"], "into": place, **more}
    for call in task.unsettled:
        if call.asks:
            yield approval(call)


_KEPT = ("until", "schema", "default", "context", "asked_at", "step")


def approval(call: SentCall) -> JsonObject:
    """The question whether a call may be made, as in `questions` of a record."""
    asked = call.event.arguments or {}
    return {
        "task": call.event.task,
        "question": str(asked.get("question")),
        "into": None,
        "until": None,
        "schema": asked.get("schema"),
        "default": None,
        "context": asked.get("arguments"),
        "asked_at": call.event.at,
        "step": call.event.step,
        "call": call.number,
    }


def _unsettled(call: SentCall) -> JsonObject:
    sent = call.event
    return {
        "task": sent.task,
        "call": call.number,
        "since": sent.at,
        "firing": sent.firing,
        "step": sent.step,
        "function": sent.call,
        "arguments": sent.arguments,
    }


def _child(child: TaskFacts) -> JsonObject:
    return {"id": child.id, "name": child.name, "state": child.state, "group": child.group}
