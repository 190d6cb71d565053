"""`aloma task gc`"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from aloma_cli.cli import options
from aloma_cli.cli.exit_codes import INTERRUPTED
from aloma_cli.cli.output import result
from aloma_cli.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aloma_cli.api.gc import Criteria, Garbage

_DAYS = 30
"""The age that is meant where nothing at all is said of which tasks to delete."""

_FACTS = ("id", "state", "name", "updated_at")
"""What is told of a task, by the names in its record."""


def gc(
    older_than: Annotated[
        str | None,
        typer.Option("--older-than", metavar="AGE", help="Nothing happened to it for so long: 12h, 30d, 2w."),
    ] = None,
    state: Annotated[
        list[str] | None,
        typer.Option("--state", "-s", metavar="STATE", help="In this state; may be repeated. Else all that ended."),
    ] = None,
    larger_than: Annotated[
        str | None, typer.Option("--larger-than", metavar="SIZE", help="It takes at least so much: 500kB, 10MB.")
    ] = None,
    keep: Annotated[
        int | None, typer.Option("--keep", metavar="N", min=0, help="Not the newest N of those that match.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be deleted.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what is deleted, and what is not, as JSON.")] = False,
    workspace: options.Workspace = None,
) -> None:
    """Delete the record of old tasks and their subtasks.

    \b
    Examples:
      aloma task gc                                     what ended 30 days ago or earlier
      aloma task gc --older-than 12h --state error
      aloma task gc --larger-than 10MB --dry-run
      aloma task gc --keep 100 --yes

    What is named above must all be so. A task that ended is done, ignored, incomplete, stopped or in error; one that
    waits, asks, is limited or was interrupted, also in a subtask, is deleted only where --state names that.
    One that runs never is.

    Asks before it deletes; where nobody can be asked --yes is needed, else nothing is deleted and it exits with 2.
    """
    from aloma_cli.api.gc import delete_garbage, find_garbage
    from aloma_cli.api.records import Records

    criteria = _criteria(older_than, state, larger_than, keep)
    home = Records.at(workspace)
    garbage = find_garbage(home.store, criteria, home.clock.now())
    sure = yes and not dry_run
    if not sure:
        _show(garbage, as_json=as_json, deleted=False)
        if dry_run or (garbage.tasks and not _agreed(as_json=as_json)):
            return
    deleted = delete_garbage(home.store, garbage.tasks)
    if sure:
        deleted.skipped = garbage.skipped | deleted.skipped
        _show(deleted, as_json=as_json, deleted=True)
    elif garbage.tasks:
        _tell(deleted, deleted=True)


def _criteria(older_than: str | None, state: list[str] | None, larger_than: str | None, keep: int | None) -> Criteria:
    from aloma_cli.api.gc import Criteria
    from aloma_cli.cli.task.states import checked_state
    from aloma_cli.cli.units import bytes_of, seconds_of
    from aloma_cli.record.states import ENDINGS

    if older_than is None and not state and larger_than is None and keep is None:
        older_than = f"{_DAYS}d"
    return Criteria(
        states=frozenset(_recorded(map(checked_state, state)) if state else ENDINGS),
        older_than=seconds_of(older_than, "--older-than") if older_than is not None else 0,
        larger_than=bytes_of(larger_than, "--larger-than") if larger_than is not None else 0,
        keep=keep or 0,
    )


def _recorded(states: Iterable[str]) -> Iterator[str]:
    """The states that are on record for tasks in `states`. A task that a process runs is not deleted in any case."""
    for state in states:
        yield from ("processing", "waiting") if state == "interrupted" else (state,)


def _agreed(*, as_json: bool) -> bool:
    """Whether a person wants it. Raises InputError where there is none to ask."""
    if as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InputError("nothing was deleted: nobody was asked", hint="add --yes to delete, --dry-run only to look")
    try:
        return typer.confirm("Delete them for good?", err=True)
    except typer.Abort:
        raise typer.Exit(INTERRUPTED) from None


def _show(garbage: Garbage, *, as_json: bool, deleted: bool) -> None:
    if as_json:
        _print_json(garbage, deleted=deleted)
        return
    from aloma_cli.clock import SystemClock
    from aloma_cli.view.tables import Column, write_table

    columns = (
        Column("id", "id"),
        Column("state", "state"),
        Column("name"),
        Column("changed", "time"),
        Column("size", "size"),
    )
    rows = [[*(task.record[name] for name in _FACTS), task.size] for task in garbage.tasks]
    write_table(columns, rows, result(), environ=os.environ, clock=SystemClock())
    result().flush()
    _tell(garbage, deleted=deleted)


def _tell(garbage: Garbage, *, deleted: bool) -> None:
    from aloma_cli.cli.output import say
    from aloma_cli.view.format import data_size, plural

    for root, reason in garbage.skipped.items():
        say(f"aloma: task {root} is left: {reason}")
    if garbage.tasks:
        what = f"{plural(len(garbage.tasks), 'task')}, {data_size(garbage.size)}"
        say(f"{what} freed" if deleted else what)
    else:
        say("nothing was deleted" if garbage.skipped else "nothing to delete")


def _print_json(garbage: Garbage, *, deleted: bool) -> None:
    from aloma_cli.cli.output import put_json

    put_json(
        {
            "schema": 1,
            "deleted": deleted,
            "tasks": [{**{name: task.record[name] for name in _FACTS}, "size": task.size} for task in garbage.tasks],
            "skipped": [{"id": root, "reason": reason} for root, reason in garbage.skipped.items()],
            "bytes": garbage.size,
        }
    )
