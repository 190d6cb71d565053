"""`aloma task gc`"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Annotated

import typer

from aloma_cli.api.gc import Criteria, Garbage, delete_garbage, find_garbage
from aloma_cli.api.reader import Records
from aloma_cli.cli import options
from aloma_cli.cli.exit_codes import DONE, INTERRUPTED
from aloma_cli.cli.output import put_json, result, say
from aloma_cli.cli.parameters import Option
from aloma_cli.cli.table import put_table
from aloma_cli.cli.task.states import checked_state
from aloma_cli.cli.units import bytes_of, seconds_of
from aloma_cli.errors import InputError
from aloma_cli.record.states import AT_WORK, ENDINGS
from aloma_cli.view.format import data_size, plural
from aloma_cli.view.tables import Column

_DAYS = 30
"""The default age if no filter is given."""

_FACTS = ("id", "state", "name", "updated_at")
"""What is shown of a task, by the names in its record."""

_COLUMNS = (
    Column("id", "id"),
    Column("state", "state"),
    Column("name"),
    Column("changed", "time"),
    Column("size", "size"),
)


def gc(
    older_than: Annotated[
        str | None, Option(("--older-than",), "Unchanged for at least this long: 12h, 30d, 2w.", "AGE")
    ] = None,
    state: Annotated[
        list[str] | None, Option(("--state", "-s"), "In this state; may be repeated.", "STATE", offers="state")
    ] = None,
    larger_than: Annotated[str | None, Option(("--larger-than",), "At least this large: 500kB, 10MB.", "SIZE")] = None,
    keep: Annotated[int | None, Option(("--keep",), "Keep the newest N matching tasks.", "N", 0)] = None,
    yes: Annotated[bool, Option(("--yes", "-y"), "Delete without asking.")] = False,
    dry_run: Annotated[bool, Option(("--dry-run",), "Only show what would be deleted.")] = False,
    as_json: Annotated[bool, Option(("--json",), "Print deleted and skipped tasks as JSON.")] = False,
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma task gc                # those that ended 30 or more days ago
      aloma task gc --older-than 12h --state error
      aloma task gc --larger-than 10MB --dry-run
      aloma task gc --keep 100 --yes

    All given filters must match. Without --state, only tasks that ended match: done,
    ignored, incomplete, stopped or in error, with all their subtasks. Running tasks
    are never deleted.

    It asks before it deletes. Without a terminal to ask at, nothing is deleted unless
    --yes is given, and it exits with 2.
    """
    criteria = _criteria(older_than, state, larger_than, keep)
    home = Records.at(workspace)
    garbage = find_garbage(home.store, criteria, home.clock.now())
    if not yes or dry_run:
        _print_garbage(garbage, as_json=as_json, deleted=False)
        if dry_run or not garbage.tasks:
            return DONE
        if (agreed := _confirm(as_json=as_json)) is not True:
            return DONE if agreed is False else INTERRUPTED
        _say_sum(delete_garbage(home.store, garbage.tasks), deleted=True)
    else:
        deleted = delete_garbage(home.store, garbage.tasks)
        deleted.skipped = garbage.skipped | deleted.skipped
        _print_garbage(deleted, as_json=as_json, deleted=True)
    return DONE


def _criteria(older_than: str | None, state: list[str] | None, larger_than: str | None, keep: int | None) -> Criteria:
    if older_than is None and not state and larger_than is None and keep is None:
        older_than = f"{_DAYS}d"
    return Criteria(
        states=frozenset(_recorded_states(map(checked_state, state)) if state else ENDINGS),
        older_than=seconds_of(older_than, "--older-than") if older_than is not None else 0,
        larger_than=bytes_of(larger_than, "--larger-than") if larger_than is not None else 0,
        keep=keep or 0,
    )


def _recorded_states(states: Iterable[str]) -> Iterator[str]:
    """The states on record for tasks in `states`. Running tasks are never deleted."""
    for state in states:
        yield from AT_WORK if state == "interrupted" else (state,)


def _confirm(*, as_json: bool) -> bool | None:
    """Whether the person at the terminal agrees; None if the question is interrupted. Raises InputError without one."""
    if as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InputError(
            "nothing was deleted: there is no terminal to confirm at",
            hint="add --yes to delete, or --dry-run to look only",
        )
    try:
        return typer.confirm("Delete them for good?", err=True)
    except typer.Abort:
        return None


def _print_garbage(garbage: Garbage, *, as_json: bool, deleted: bool) -> None:
    if as_json:
        _print_json(garbage, deleted=deleted)
        return
    rows = [[*(task.record[name] for name in _FACTS), task.size] for task in garbage.tasks]
    put_table(_COLUMNS, rows)
    result().flush()
    _say_sum(garbage, deleted=deleted)


def _say_sum(garbage: Garbage, *, deleted: bool) -> None:
    for root, reason in garbage.skipped.items():
        say(f"aloma: skipped task {root}: {reason}")
    if garbage.tasks:
        what = f"{plural(len(garbage.tasks), 'task')}, {data_size(garbage.size)}"
        say(f"{what} freed" if deleted else what)
    else:
        say("nothing was deleted" if garbage.skipped else "nothing to delete")


def _print_json(garbage: Garbage, *, deleted: bool) -> None:
    put_json(
        {
            "schema": 1,
            "deleted": deleted,
            "tasks": [{**{name: task.record[name] for name in _FACTS}, "size": task.size} for task in garbage.tasks],
            "skipped": [{"id": root, "reason": reason} for root, reason in garbage.skipped.items()],
            "bytes": garbage.size,
        }
    )
