"""`aloma usage`"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from datetime import datetime
from functools import partial
from typing import Annotated, Any

from aloma_cli.api.reader import Records
from aloma_cli.api.task import read_record
from aloma_cli.cli import exit_codes, options
from aloma_cli.cli.output import for_people, put_json, say
from aloma_cli.cli.parameters import Option
from aloma_cli.cli.table import put_table
from aloma_cli.cli.units import seconds_of
from aloma_cli.clock import from_iso, to_iso
from aloma_cli.errors import AlomaError, InputError
from aloma_cli.jsontext import JsonObject
from aloma_cli.record.events import CallAnswered
from aloma_cli.record.figures import Figures
from aloma_cli.record.spending import Role, role_of
from aloma_cli.view.tables import Column
from aloma_cli.view.usage import COLUMNS, cells, remarks, with_total

SCHEMA = 1
"""The version of the JSON that is printed."""

WAYS = ("model", "step", "tag", "day")
"""What calls can be grouped by."""

_UNTAGGED = "(no tag)"


def usage(
    since: Annotated[str | None, Option(("--since",), "Only the calls of this time: 12h, 7d, 2w.", "AGE")] = None,
    by: Annotated[str, Option(("--by",), "model, step, tag or day.", "WHAT", offers=WAYS)] = "model",
    as_json: Annotated[bool, Option(("--json",), "Print the figures as JSON.")] = False,
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma usage
      aloma usage --since 7d --by day
      aloma usage --by tag --json | jq .total.cost

    Calls, tokens and cost of all tasks, failed calls included. A task with
    several tags counts under each of them. Deleted tasks do not count.
    """
    if by not in WAYS:
        raise InputError(f"--by {by!r} is not known", hint=f"use one of {', '.join(WAYS)}")
    home = Records.at(workspace)
    begin = 0.0 if since is None else home.clock.now() - seconds_of(since, "--since")
    found = list(home.store.answered(begin))
    keys = _grouping(by, home)
    groups = Figures.grouped((call, keys(root, call)) for root, call in found)
    total = Figures.of(*(call for _, call in found))
    if as_json:
        put_json(_groups_json(by, begin if since else None, groups, total))
    elif not groups and for_people():
        say("no calls yet" if since is None else f"no calls in the last {since}")
    else:
        _print_groups(by, groups, total)
    return exit_codes.DONE


def _grouping(by: str, home: Records) -> Callable[[str, CallAnswered], Iterable[Hashable]]:
    """What a call of a root is counted under."""
    tags: dict[str, list[str]] = {}
    match by:
        case "step":
            return lambda _, call: (call.step,)
        case "day":
            return lambda _, call: (datetime.fromtimestamp(from_iso(call.at)).astimezone().date().isoformat(),)
        case "tag":
            return lambda root, _: _tags_of(home, root, tags)
    return lambda _, call: (role_of(call),)


def _tags_of(home: Records, root: str, known: dict[str, list[str]]) -> list[str]:
    """The tags of a task; those of one that cannot be read are not known."""
    if root not in known:
        try:
            known[root] = read_record(home.store, root)["tags"] or [_UNTAGGED]
        except AlomaError:
            known[root] = [_UNTAGGED]
    return known[root]


def _print_groups(by: str, groups: dict[Any, Figures], total: Figures) -> None:
    rows = [[_key_text(key), *cells(groups[key])] for key in _sorted(by, groups)]
    shown = with_total(rows, total) if for_people() and by != "tag" else rows
    put_table([Column(by), *COLUMNS], shown)
    for remark in remarks(total) if for_people() else ():
        say(f"  {remark}")


def _sorted(by: str, groups: dict[Any, Figures]) -> list[Any]:
    """Days in their order; anything else by its cost, then its tokens."""
    if by == "day":
        return sorted(groups)
    return sorted(groups, key=lambda key: (-groups[key].cost, -groups[key].tokens, _key_text(key)))


def _key_text(key: Any) -> str:
    return key.shown if isinstance(key, Role) else str(key)


def _groups_json(by: str, begin: float | None, groups: dict[Any, Figures], total: Figures) -> JsonObject:
    row = partial(_key_json, by)
    return {
        "schema": SCHEMA,
        "since": None if begin is None else to_iso(begin),
        "by": by,
        "rows": [{**row(key), **groups[key].usage_json()} for key in _sorted(by, groups)],
        "total": total.usage_json(),
    }


def _key_json(by: str, key: Any) -> JsonObject:
    if isinstance(key, Role):
        return {"model": key.served or key.asked, "asked": key.asked, "function": key.function}
    return {by: None if key == _UNTAGGED else key}
