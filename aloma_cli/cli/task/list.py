"""`aloma task list`"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import partial
from itertools import count, islice, takewhile
from typing import Annotated, Any, NamedTuple

from aloma_cli.api.reader import Records
from aloma_cli.api.waiting import waiting
from aloma_cli.cli import options
from aloma_cli.cli.exit_codes import tell_all
from aloma_cli.cli.output import put_json, result, say, visible_record
from aloma_cli.cli.parameters import Option
from aloma_cli.cli.releases import release_here
from aloma_cli.cli.task.states import checked_state
from aloma_cli.cli.units import seconds_of
from aloma_cli.clock import SystemClock
from aloma_cli.errors import StoreError
from aloma_cli.ids import first_task_id
from aloma_cli.jsontext import JsonObject
from aloma_cli.record.states import as_seen, is_asleep, on_record, took
from aloma_cli.view.tables import Column, write_table

MOST = 50
"""How many tasks a terminal shows by default."""

SEARCHED = 250
"""How many of the newest tasks a filter at a terminal searches by default."""

_COLUMNS = (
    Column("id", "id"),
    Column("state", "state"),
    Column("name"),
    Column("created", "time", dispensable=True),
    Column("took", "seconds", dispensable=True),
    Column("fired", "count", dispensable=True),
    Column("calls", "count", dispensable=True),
    Column("tags", dispensable=True),
)
_LONG_COLUMNS = (
    Column("size", "size"),
    Column("subtasks", "count", dispensable=True),
    Column("commits", "count", dispensable=True),
    Column("changed", "time", dispensable=True),
)


def list_tasks(
    state: Annotated[
        list[str] | None, Option(("--state", "-s"), "In this state; may be repeated.", "STATE", offers="state")
    ] = None,
    name: Annotated[str | None, Option(("--name", "-n"), "With this text in the name.", "TEXT")] = None,
    tag: Annotated[list[str] | None, Option(("--tag",), "With this tag; may be repeated.", "TAG", offers="tag")] = None,
    since: Annotated[str | None, Option(("--since",), "Created within this time: 12h, 7d, 2w.", "AGE")] = None,
    subtasks: Annotated[bool, Option(("--all", "-a"), "Also subtasks, each after its parent.")] = False,
    limit: Annotated[
        int | None, Option(("--limit",), f"The newest N only; default: {MOST} at a terminal.", "N", 1)
    ] = None,
    long: Annotated[bool, Option(("--long", "-l"), "Also size, subtasks, commits and last change.")] = False,
    as_json: Annotated[bool, Option(("--json",), "Print the records, with sizes, as a JSON list.")] = False,
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma task list
      aloma task list -l --limit 10
      aloma task list --tag invoice --since 7d
      aloma task list --state error --json | jq -r '.[].id'

    All given filters must match. Of several states one must match; of several tags all.
    """
    wanted = _Filter([checked_state(one) for one in state or ()], name or "", set(tag or ()), since)
    home = Records.at(workspace)
    page = limit is None and since is None and not as_json and result().isatty()
    found = _search(home, wanted, MOST if page else limit, subtasks=subtasks, bounded=page)
    if as_json:
        for record in found.records:
            del record["recorded"]
        put_json([visible_record({**record, "size": home.size(record)}) for record in found.records])
    else:
        _print_table(found.records, home if long else None)
        if not found.records and result().isatty():
            say("no matching tasks" if wanted.narrows else "no tasks yet; to make one: aloma task new NAME -d '{…}'")
        if page and found.older > 0:
            _say_older(found, narrowed=wanted.narrows)
        for remark in waiting(home.store, partial(release_here, workspace), SystemClock().now()):
            say(remark)
    return tell_all(found.unreadable)


class _Filter(NamedTuple):
    """Which tasks are wanted."""

    states: list[str]
    name: str
    tags: set[str]
    since: str | None

    @property
    def narrows(self) -> bool:
        return bool(self.states or self.name or self.tags or self.since)

    def matches(self, record: JsonObject) -> bool:
        return (
            (not self.states or record["state"] in self.states or record["recorded"] in self.states)
            and self.name.casefold() in record["name"].casefold()
            and self.tags.issubset(record["tags"])
        )


class _Found(NamedTuple):
    """`records`: the oldest tree first. `older`: how many of all `total` trees were not read."""

    records: list[JsonObject]
    unreadable: list[StoreError]
    older: int
    total: int


def _search(home: Records, wanted: _Filter, most: int | None, *, subtasks: bool, bounded: bool) -> _Found:
    """The newest `most` trees that are wanted. `bounded`: read no more than SEARCHED of them."""
    newest, searched = home.store.newest_first(() if subtasks else on_record(wanted.states)), count()
    # The counter comes second, so it counts no id that was not there.
    roots: Iterator[str] = (root for root, _ in zip(newest.ids, searched, strict=False))
    if wanted.since is not None:
        first = first_task_id(home.clock.now() - seconds_of(wanted.since, "--since"))
        roots = takewhile(lambda root: root >= first, roots)
    if bounded and not newest.narrowed:
        roots = islice(roots, SEARCHED)
    unreadable: list[StoreError] = []
    read = home.records(roots, subtasks=subtasks, unreadable=unreadable.append)
    trees = filter(None, ([*filter(wanted.matches, _as_seen(tree))] for tree in read))
    found = list(islice(trees, None if most is None else min(most, sys.maxsize)))
    records = [record for tree in reversed(found) for record in tree]
    return _Found(records, unreadable, newest.total - next(searched), newest.total)


def _print_table(records: list[JsonObject], sizes: Records | None) -> None:
    """`sizes`: where the sizes of the long form are read; None for the short form."""
    clock = SystemClock()
    rows = [_row(record, clock.now()) for record in records]
    if sizes is not None:
        for row, record in zip(rows, records, strict=True):
            row += [sizes.size(record), len(record["children"]) or None, record["version"], record["updated_at"]]
    columns = [*_COLUMNS, *(_LONG_COLUMNS if sizes is not None else ())]
    write_table(columns, rows, result(), environ=os.environ, clock=clock)


def _row(record: JsonObject, now: float) -> list[Any]:
    fired = sum(step["fired"] for step in record["steps"])
    calls = record["usage"]["calls"] or None
    seconds = took(record, now) if record["held"] else record["seconds"]
    return [record["id"], record["state"], record["name"], record["created_at"], seconds, fired, calls, record["tags"]]


def _as_seen(tree: list[JsonObject]) -> list[JsonObject]:
    """The records of a tree, with the states that its tasks have now; `recorded` are those in the record."""
    asleep = is_asleep(tree[0])
    return [
        {**as_seen(record, held=bool(record["held"]), asleep=asleep), "recorded": record["state"]} for record in tree
    ]


def _say_older(found: _Found, *, narrowed: bool) -> None:
    words = (
        f"{found.older:,} older ones were not searched; to search"
        if narrowed
        else f"and {found.older:,} older ones; to see"
    )
    say(f"… {words} all: --limit {found.total}")
