"""`aloma task calls`"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Annotated

from aloma_cli.api.reader import Records
from aloma_cli.api.task import TreeEvents
from aloma_cli.cli import exit_codes, options
from aloma_cli.cli.output import for_people, put_json, result
from aloma_cli.cli.pager import write_paged
from aloma_cli.cli.parameters import Argument, Option
from aloma_cli.cli.table import put_table
from aloma_cli.cli.task.call_number import call_number
from aloma_cli.document.stash import hide_stash
from aloma_cli.errors import NotFoundError
from aloma_cli.ids import root_of
from aloma_cli.jsontext import JsonObject, cut
from aloma_cli.record.calls import ANSWERED, RecordedCall, calls_of
from aloma_cli.view.prompts import first_line, target, write_call
from aloma_cli.view.tables import Column

_COLUMNS = (
    Column("call", "count"),
    Column("step"),
    Column("function", dispensable=True),
    Column("to", dispensable=True),
    Column("tokens", "count", dispensable=True),
    Column("cost", "money", dispensable=True),
    Column("time", "seconds", dispensable=True),
    Column("state", "state"),
    Column("answer"),
)
_LONGEST_ANSWER = 300


def calls(
    task: options.LastTask = "@last",
    number: Annotated[str | None, Argument("[N]", "The number of a call: show it whole.")] = None,
    as_json: Annotated[bool, Option(("--json",), "Print the calls, or call N, as JSON.")] = False,
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma task calls
      aloma task calls 3
      aloma task calls 01jd3k 3
      aloma task calls @last --json | jq '.[] | .usage'

    The calls of a task and its subtasks are numbered in the order in which they
    were recorded. With N: what was asked and answered, tokens, price and time.
    """
    if number is None and task.isdecimal() and not task.startswith("0"):
        task, number = "@last", task
    home = Records.at(workspace)
    found = home.find(task)
    events = TreeEvents(home.store, root_of(found))
    if number is None:
        _print_calls(_within(found, calls_of(events)), as_json=as_json)
    else:
        _print_call(found, list(calls_of(events)), call_number(number), as_json=as_json)
    if events.damage is not None:
        raise events.damage
    return exit_codes.DONE


def _within(task: str, calls: Iterator[RecordedCall]) -> list[RecordedCall]:
    """The calls of a root with its subtasks, or of a subtask alone, by number."""
    own = (call for call in calls if task in (call.task, root_of(task)))
    return sorted(own, key=lambda call: call.number)


def _print_calls(calls: list[RecordedCall], *, as_json: bool) -> None:
    if as_json:
        put_json([_visible(call) for call in calls])
    else:
        # Where all calls are alike, their function says nothing.
        alike = for_people() and len({call.function for call in calls}) == 1
        rows = (_call_row(call, None if alike else call.function) for call in calls)
        put_table(_COLUMNS, rows, write_paged)


def _print_call(task: str, calls: list[RecordedCall], number: int, *, as_json: bool) -> None:
    call = next((call for call in calls if call.number == number), None)
    if call is None:
        raise NotFoundError(
            f"task {root_of(task)} has no call {number}: it made {len(calls)}", hint=f"run `aloma task calls {task}`"
        )
    if as_json:
        put_json(_visible(call))
    else:
        write_call(call, result(), environ=os.environ, write=write_paged)


def _call_row(call: RecordedCall, function: str | None) -> list[object]:
    tokens = (call.usage.get("input_tokens") or 0) + (call.usage.get("output_tokens") or 0)
    answer = first_line(call)
    return [
        call.number,
        call.step,
        function,
        target(call),
        tokens or None,
        call.usage.get("cost"),
        call.seconds,
        None if call.state == ANSWERED and for_people() else call.state,
        cut(answer, _LONGEST_ANSWER) if for_people() else answer,
    ]


def _visible(call: RecordedCall) -> JsonObject:
    visible: JsonObject = hide_stash(call.to_json())
    return visible
