"""`aloma task list`"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aloma_cli.cli import options

if TYPE_CHECKING:
    from aloma_cli.api.task import Task


def list_tasks(
    state: Annotated[
        str | None, typer.Option("--state", "-s", metavar="STATE", help="Only tasks in this state.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", "-n", metavar="TEXT", help="Only tasks with this in their name.")
    ] = None,
    subtasks: Annotated[bool, typer.Option("--all", "-a", help="Subtasks as well, after the task they belong to.")] = (
        False
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print the records as a JSON list.")] = False,
    workspace: options.Workspace = None,
) -> None:
    """List the tasks of the workspace, the newest last.

    \b
    Examples:
      aloma task list
      aloma task list --state error --json | jq -r '.[].id'
    """
    from aloma_cli.api.records import Records
    from aloma_cli.cli.exits import tell
    from aloma_cli.cli.output import put_json, visible
    from aloma_cli.cli.task.states import checked_state

    wanted = checked_state(state)
    tasks = [
        task
        for task in Records.at(workspace).tasks(subtasks=subtasks, damaged=tell)
        if (wanted is None or task.state == wanted) and (name is None or name.casefold() in task.name.casefold())
    ]
    if as_json:
        put_json([visible(task.record) for task in tasks])
    else:
        _print(tasks, narrowed=state is not None or name is not None)


def _print(tasks: list[Task], *, narrowed: bool) -> None:
    from aloma_cli.cli.output import say
    from aloma_cli.clock import SystemClock
    from aloma_cli.view.tables import Column, write_table

    columns = (
        Column("id"),
        Column("state", "state"),
        Column("name"),
        Column("created", "time"),
        Column("took", "seconds"),
        Column("fired", "count"),
        Column("calls", "count"),
        Column("tags"),
    )
    write_table(columns, map(_row, tasks), sys.stdout, environ=os.environ, clock=SystemClock())
    if not tasks and sys.stdout.isatty():
        say("no such tasks" if narrowed else "no tasks yet; to make one: aloma task new NAME -d '{…}'")


def _row(task: Task) -> list[Any]:
    record = task.record
    fired = sum(step["fired"] for step in record["steps"])
    calls = record["usage"]["calls"] or None
    return [
        task.id,
        task.state,
        task.name,
        record["created_at"],
        record["seconds"],
        fired,
        calls,
        record["tags"],
    ]
