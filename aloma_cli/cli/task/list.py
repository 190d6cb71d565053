"""`aloma task list`"""

from __future__ import annotations

import os
import sys
from itertools import count, islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aloma_cli.cli import options
from aloma_cli.cli.exit_codes import code_of_error, tell
from aloma_cli.cli.output import result, say
from aloma_cli.clock import from_iso
from aloma_cli.jsontext import JsonObject

if TYPE_CHECKING:
    from aloma_cli.api.records import Records
    from aloma_cli.errors import StoreError

MOST = 50
"""How many tasks a terminal is shown unless `--limit` asks for more."""

SEARCHED = 1000
"""Among how many of the newest tasks a terminal searches for a state or a name unless `--limit` is given."""


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
    limit: Annotated[
        int | None,
        typer.Option("--limit", metavar="N", min=1, help=f"The newest N only; {MOST} at a terminal, else all."),
    ] = None,
    long: Annotated[
        bool, typer.Option("--long", "-l", help="Also bytes on disk, subtasks, commits and last change.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the records, with sizes, as a JSON list.")] = False,
    workspace: options.Workspace = None,
) -> None:
    """List the tasks of the workspace, the newest last.

    \b
    Examples:
      aloma task list
      aloma task list -l --limit 10
      aloma task list --state error --json | jq -r '.[].id'
    """
    from aloma_cli.api.records import Records
    from aloma_cli.cli.task.states import checked_state

    wanted = None if state is None else checked_state(state)

    def matches(record: JsonObject) -> bool:
        return wanted in (None, record["state"], _state(record)) and (
            name is None or name.casefold() in record["name"].casefold()
        )

    home = Records.at(workspace)
    narrowed = state is not None or name is not None
    page = limit is None and not as_json and result().isatty()
    newest, searched = home.store.newest_first(), count()
    # The counter comes second, so it counts no id that was not there.
    roots = (root for root, _ in zip(newest.ids, searched, strict=False))
    unreadable: list[StoreError] = []
    read = home.records(islice(roots, SEARCHED) if page else roots, subtasks=subtasks, unreadable=unreadable.append)
    trees = filter(None, ([*filter(matches, tree)] for tree in read))
    most = MOST if page else limit
    found = list(islice(trees, None if most is None else min(most, sys.maxsize)))
    records = [record for tree in reversed(found) for record in tree]
    if as_json:
        _print_json(records, home)
    else:
        _print_table(records, home if long else None)
        if not records and result().isatty():
            say("no such tasks" if narrowed else "no tasks yet; to make one: aloma task new NAME -d '{…}'")
        if page and (older := newest.total - next(searched)) > 0:
            _say_older(older, newest.total, narrowed=narrowed)
    for error in unreadable:
        tell(error)
    if unreadable:
        raise typer.Exit(code_of_error(unreadable[0]))


def _print_json(records: list[JsonObject], home: Records) -> None:
    from aloma_cli.cli.output import put_json, visible_record

    put_json([visible_record({**record, "size": home.size(record)}) for record in records])


def _print_table(records: list[JsonObject], sized: Records | None) -> None:
    """`sized` gives the sizes of the long form; without it the form is short."""
    from aloma_cli.clock import SystemClock
    from aloma_cli.view.tables import Column, write_table

    columns = [
        Column("id", "id"),
        Column("state", "state"),
        Column("name"),
        Column("created", "time", dispensable=True),
        Column("took", "seconds", dispensable=True),
        Column("fired", "count", dispensable=True),
        Column("calls", "count", dispensable=True),
        Column("tags", dispensable=True),
    ]
    clock = SystemClock()
    rows = [_row(record, clock.now()) for record in records]
    if sized is not None:
        columns += [
            Column("size", "size"),
            Column("subtasks", "count", dispensable=True),
            Column("commits", "count", dispensable=True),
            Column("changed", "time", dispensable=True),
        ]
        rows = [[*row, sized.size(record), *_long(record)] for row, record in zip(rows, records, strict=True)]
    write_table(columns, rows, result(), environ=os.environ, clock=clock)


def _row(record: JsonObject, now: float) -> list[Any]:
    fired = sum(step["fired"] for step in record["steps"])
    calls = record["usage"]["calls"] or None
    seconds = record["seconds"]
    if record["held"]:
        seconds = max(seconds, now - from_iso(record["created_at"]))
    return [record["id"], _state(record), record["name"], record["created_at"], seconds, fired, calls, record["tags"]]


def _state(record: JsonObject) -> str:
    from aloma_cli.record.states import seen

    return seen(record["state"], held=bool(record["held"]))


def _long(record: JsonObject) -> list[Any]:
    return [len(record["children"]) or None, record["version"], record["updated_at"]]


def _say_older(older: int, total: int, *, narrowed: bool) -> None:
    found = f"{older:,} older ones were not searched; to search" if narrowed else f"and {older:,} older ones; to see"
    say(f"… {found} all: --limit {total}")
