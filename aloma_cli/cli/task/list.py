"""`aloma task list`"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aloma_cli.cli import options

if TYPE_CHECKING:
    from aloma_cli.jsontext import JsonObject


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
    from aloma_cli.cli.output import put_json, visible
    from aloma_cli.cli.task.states import checked_state

    wanted = checked_state(state)
    records = [
        record
        for record in Records.at(workspace).records(subtasks=subtasks)
        if (wanted is None or record["state"] == wanted)
        and (name is None or name.casefold() in record["name"].casefold())
    ]
    if as_json:
        put_json([visible(record) for record in records])
    else:
        _print(records, narrowed=state is not None or name is not None)


def _print(records: list[JsonObject], *, narrowed: bool) -> None:
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
    write_table(columns, map(_row, records), sys.stdout, environ=os.environ, clock=SystemClock())
    if not records and sys.stdout.isatty():
        say("no such tasks" if narrowed else "no tasks yet; to make one: aloma task new NAME -d '{…}'")


def _row(record: JsonObject) -> list[Any]:
    fired = sum(step["fired"] for step in record["steps"])
    calls = record["usage"]["calls"] or None
    return [
        record["id"],
        record["state"],
        record["name"],
        record["created_at"],
        record["seconds"],
        fired,
        calls,
        record["tags"],
    ]
