"""The record of one task as JSON: what `task show --json` prints and `task.json` holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from aloma_cli.clock import Clock, from_iso
from aloma_cli.engine.fields import result_of, unhandled_errors
from aloma_cli.engine.working import WorkingTask, WorkingTree
from aloma_cli.jsontext import JsonObject
from aloma_cli.record.figures import Figures
from aloma_cli.record.tree import duration

USAGE = ("calls", "answers", "simulated", "unpriced", "input_tokens", "output_tokens", "cost")
"""What calls cost: `cost` is in US dollars, of those calls only whose price is known (`unpriced` counts the others)."""

SCHEMA = 1
"""The version of this record; `docs/format.md` describes it."""


def summary(tree: WorkingTree, task_id: str) -> JsonObject:
    """The record of a task, without its document."""
    task = tree.tasks[task_id]
    rest = task.rest
    over = _over([task, *tree.descendants(task_id)])
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
        "seconds": round(duration(task), 3),
        "version": task.version,
        "result": None if task.completed is None else result_of(task),
        "reason": rest.reason if rest else None,
        "errors": unhandled_errors(task.document),
        "missing": list(rest.missing) if rest else [],
        "cycle": list(rest.cycle) if rest else [],
        "usage": {name: _figures(_sum(over.values()))[name] for name in USAGE},
        "steps": [{"step": step, **_figures(one)} for step, one in sorted(over.items())],
        "running": [{"step": flight.step, "since": flight.at} for flight in task.flights.values()],
        "waiting": [
            {"step": step, "until": retry.at, "reason": retry.reason} for step, retry in sorted(task.retries.items())
        ],
        "parked_until": task.parked_until,
        "questions": [asked for one in [task, *tree.descendants(task_id)] for asked in _questions(one)],
        "answering": tree.answering,
        "children": [_child(tree.tasks[child]) for child in task.children],
    }


def figures(tree: WorkingTree, task_id: str, clock: Clock) -> JsonObject:
    """What `task.figures()` gives (`content/handles.py`)."""
    task = tree.tasks[task_id]
    over = _over([task, *tree.descendants(task_id)])
    total = _sum(over.values())
    return {
        "seconds": round(clock.now() - from_iso(task.created_at), 3),
        "calls": total.calls,
        "input_tokens": total.input_tokens,
        "output_tokens": total.output_tokens,
        "cost": round(total.cost, 9),
        "failures": total.failed,
        "steps": {step: _figures(one) for step, one in sorted(over.items())},
    }


def _over(tasks: Iterable[WorkingTask]) -> dict[str, Figures]:
    """What each step did in all of `tasks`."""
    found: defaultdict[str, list[Figures]] = defaultdict(list)
    for task in tasks:
        for step, figures in task.figures.items():
            found[step].append(figures)
    return {step: _sum(parts) for step, parts in found.items()}


def _sum(parts: Iterable[Figures]) -> Figures:
    total = Figures()
    for part in parts:
        for name in Figures.__slots__:
            setattr(total, name, getattr(total, name) + getattr(part, name))
    return total


def _figures(figures: Figures) -> dict[str, Any]:
    return {**asdict(figures), "seconds": round(figures.seconds, 3), "cost": round(figures.cost, 9)}


def _questions(task: WorkingTask) -> Iterable[JsonObject]:
    for place, asked in task.questions.items():
        more = {name: asked.get(name) for name in ("until", "schema", "default")}
        yield {"task": task.id, "question": asked["question"], "into": place, **more}


def _child(child: WorkingTask) -> JsonObject:
    return {"id": child.id, "name": child.name, "state": child.state, "group": child.group}
