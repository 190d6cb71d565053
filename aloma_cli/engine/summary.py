"""The record of one task as JSON: what `task show --json` prints and `task.json` holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from aloma_cli.engine.fields import unhandled_errors
from aloma_cli.engine.state import StepFigures, TaskState, Tree, duration
from aloma_cli.jsontext import JsonObject

SCHEMA = 1
"""The version of this record; `docs/format.md` describes it."""


def summary(tree: Tree, task_id: str) -> JsonObject:
    """The record of a task, without its document."""
    task = tree.tasks[task_id]
    rest = task.rest
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
        "result": task.completed["result"] if task.completed else None,
        "reason": rest.reason if rest else None,
        "errors": unhandled_errors(task.document),
        "missing": list(rest.missing) if rest else [],
        "usage": usage(figures for one in [task, *tree.descendants(task_id)] for figures in one.figures.values()),
        "steps": [{"step": step, **_figures(figures)} for step, figures in sorted(task.figures.items())],
        "running": [{"step": flight.step, "since": flight.at} for flight in task.flights.values()],
        "waiting": [
            {"step": step, "until": retry.at, "reason": retry.reason} for step, retry in sorted(task.retries.items())
        ],
        "children": [_child(tree.tasks[child]) for child in task.children],
    }


def usage(figures: Iterable[StepFigures]) -> JsonObject:
    """What calls cost: `cost` is in US dollars, and of those calls only whose price is known (`unpriced` tells)."""
    total = StepFigures()
    for one in figures:
        for name in ("calls", "simulated", "unpriced", "input_tokens", "output_tokens", "cost"):
            setattr(total, name, getattr(total, name) + getattr(one, name))
    kept = _figures(total)
    return {name: kept[name] for name in ("calls", "simulated", "unpriced", "input_tokens", "output_tokens", "cost")}


def _figures(figures: StepFigures) -> dict[str, Any]:
    return {**asdict(figures), "seconds": round(figures.seconds, 3), "cost": round(figures.cost, 9)}


def _child(child: TaskState) -> JsonObject:
    return {"id": child.id, "name": child.name, "state": child.state, "group": child.group}
