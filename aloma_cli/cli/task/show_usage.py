"""`aloma task show --usage`: what the calls of a task took, by step and model, and by subtask."""

from __future__ import annotations

from collections.abc import Mapping

from aloma_cli.api.reader import Records
from aloma_cli.api.task import TreeEvents
from aloma_cli.cli import exit_codes
from aloma_cli.cli.output import for_people, put, put_json, put_wrapped
from aloma_cli.cli.table import put_table
from aloma_cli.ids import is_within, root_of
from aloma_cli.jsontext import JsonObject
from aloma_cli.record.events import CallAnswered, Committed, TaskCreated
from aloma_cli.record.figures import Figures
from aloma_cli.record.spending import Role, role_of
from aloma_cli.view.tables import Column
from aloma_cli.view.usage import COLUMNS, cells, remarks, with_total

SCHEMA = 1
"""The version of the JSON that is printed."""

_STEPS = (Column("step"), Column("model"), *COLUMNS)
_TASKS = (Column("task"), Column("id", "id"), *COLUMNS)


def show_usage(home: Records, text: str, *, as_json: bool) -> int:
    """Print the usage of a task with its subtasks. Raises the damage behind which its record cannot be read."""
    task = home.find(text)
    events = TreeEvents(home.store, root_of(task))
    names: dict[str, str] = {}
    calls: list[CallAnswered] = []
    for event in events:
        if isinstance(event, CallAnswered) and is_within(event.task, task):
            calls.append(event)
        elif isinstance(event, TaskCreated) or (isinstance(event, Committed) and event.name is not None):
            names[event.task] = event.name or ""
    grouped = Figures.grouped((call, [(call.step, role_of(call))]) for call in calls)
    steps = dict(sorted(grouped.items(), key=lambda group: (group[0][0], group[0][1].shown)))
    tasks = Figures.grouped((call, [call.task]) for call in calls)
    total = Figures.of(*calls)
    if as_json:
        put_json(_usage_json(task, steps, tasks, names, total))
    else:
        _print_usage(steps, tasks, names, total)
    if events.damage is not None:
        raise events.damage
    return exit_codes.DONE


def _print_usage(
    steps: Mapping[tuple[str, Role], Figures], tasks: Mapping[str, Figures], names: Mapping[str, str], total: Figures
) -> None:
    by_step = [[step, role.shown, *cells(figures)] for (step, role), figures in steps.items()]
    _table(_STEPS, by_step, total)
    if len(tasks) > 1:
        by_task = [[names.get(task, ""), task, *cells(figures)] for task, figures in tasks.items()]
        if for_people():
            put("")
            _table(_TASKS, by_task, total)
    for remark in remarks(total) if for_people() else ():
        put_wrapped(f"  {remark}")
    if not total.calls and for_people():
        put("no calls yet")


def _table(columns: tuple[Column, ...], rows: list[list[object]], total: Figures) -> None:
    shown = with_total(rows, total) if for_people() else rows
    put_table(columns, shown)


def _usage_json(
    task: str,
    steps: Mapping[tuple[str, Role], Figures],
    tasks: Mapping[str, Figures],
    names: Mapping[str, str],
    total: Figures,
) -> JsonObject:
    return {
        "schema": SCHEMA,
        "id": task,
        "steps": [
            {
                "step": step,
                "model": role.served or role.asked,
                "asked": role.asked,
                "function": role.function,
                **figures.usage_json(),
            }
            for (step, role), figures in steps.items()
        ],
        "tasks": [{"id": one, "name": names.get(one), **figures.usage_json()} for one, figures in tasks.items()],
        "total": total.usage_json(),
    }
