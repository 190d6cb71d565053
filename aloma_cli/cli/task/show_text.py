"""`aloma task show` for people: state, steps, subtasks, errors, document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from aloma_cli.api.reader import Records
from aloma_cli.api.task import Task
from aloma_cli.api.waiting import waiting
from aloma_cli.cli.failures import failures
from aloma_cli.cli.next_steps import next_steps
from aloma_cli.cli.output import for_people, put, put_wrapped, result
from aloma_cli.cli.releases import release_here
from aloma_cli.cli.table import put_table
from aloma_cli.clock import SystemClock, from_iso
from aloma_cli.document.stash import hide_stash
from aloma_cli.ids import root_of
from aloma_cli.jsontext import JsonObject, cut, pretty
from aloma_cli.loader.answering import Answering
from aloma_cli.record.figures import Figures
from aloma_cli.record.states import ACTIVE, is_asleep, seen, took
from aloma_cli.view.entries import explained, spent
from aloma_cli.view.format import clean, duration, legible, value_text
from aloma_cli.view.tables import STEPS, Column, step_row
from aloma_cli.view.terminal import size_of

_FACTS = (
    Column("task"),
    Column("state", "state"),
    Column("created", "time"),
    Column("took", "seconds"),
    Column("id", "id"),
)
_SUBTASKS = (Column("subtask"), Column("state", "state"), Column("id", "id"))

_MOST_SUBTASKS = 20
_LEAST_DOCUMENT = 10
_LONGEST_RESULT = 200
_LONGEST_LINE = 2000


def print_task(task: Task, home: Records, workspace: str | None = None) -> None:
    """Print a task; on a terminal about as many lines as it has."""
    record = task.record
    holder = home.store.holder(root_of(task.id)) if task.state in ACTIVE else None
    asleep = is_asleep(record)
    state, seconds = seen(record["state"], held=holder is not None, asleep=asleep), record["seconds"]
    if holder is not None:
        seconds = took(record, SystemClock().now())
    late = waiting(home.store, partial(release_here, workspace), SystemClock().now(), root_of(task.id))
    remarks = [*_standing(record, holder), *late, *_answering(record), *_usage(record["usage"]), *_troubles(task)]
    steps = [step_row(step) for step in record["steps"]]
    subtasks = [
        [child["name"], seen(child["state"], held=holder is not None, asleep=asleep), child["id"]]
        for child in record["children"]
    ]
    _table(_FACTS, [[record["name"], state, record["created_at"], seconds, record["id"]]])
    for line in remarks:
        put_wrapped(f"  {line}")
    _table(STEPS, steps, blank=True)
    more = _cut(subtasks, _MOST_SUBTASKS)
    _table(_SUBTASKS, subtasks, blank=True)
    if more:
        put(f"  … and {more:,} more: aloma task list --all")
    _print_document(task, used=len(remarks) + len(steps) + len(subtasks) + 10)


def _unheld(record: JsonObject) -> str:
    """What to do for a task that is not at rest, and that no process runs."""
    resume = f"aloma task resume {record['id']}"
    if record["state"] == "created":
        return f"not started yet; to run it: `aloma worker`, or {resume}"
    if record.get("wake_at"):
        return f"continues at {record['wake_at']}, under `aloma worker`, or with {resume}"
    return f"interrupted; to continue: {resume}"


def _standing(record: JsonObject, holder: str | None) -> Iterable[str]:
    if record["state"] in ACTIVE:
        yield f"run by {holder}" if holder else _unheld(record)
    if record["tags"]:
        yield f"tags: {clean(', '.join(record['tags']))}"
    now = SystemClock().now()
    for flight in record["running"] if holder else ():
        yield f"running: {clean(flight['step'])} for {duration(now - from_iso(flight['since']))}"
    if record.get("expected"):  # not in records of earlier programs
        yield f"expected: {value_text(record['expected'], _LONGEST_RESULT)}"
    if record["reason"]:
        yield f"reason: {clean(record['reason'])}"
    if record["result"] is not None:
        yield f"result: {value_text(record['result'], _LONGEST_RESULT)}"
    for wait in record["waiting"]:
        yield f"waiting: {clean(wait['step'])} until {wait['until']}: {clean(wait['reason'])}"


def _answering(record: JsonObject) -> Iterable[str]:
    """The model server, if the task has called it."""
    if record.get("answering") and record["usage"]["calls"]:
        yield f"model server: {clean(Answering.from_json(record['answering']).words)}"


def _usage(usage: JsonObject) -> Iterable[str]:
    counts = {name: count for name, count in usage.items() if name in Figures.__slots__}
    answers = usage.get("answers", usage["calls"])  # not in records of earlier programs
    if used := spent(Figures(**{**counts, "answers": answers})):
        yield f"used: {', '.join(used)}"


def _troubles(task: Task) -> Iterable[str]:
    yield from failures(task)
    yield from explained(task.record["missing"], task.record.get("cycle", ()))
    yield from next_steps(task.record)


def _print_document(task: Task, *, used: int) -> None:
    lines: list[Any] = pretty(hide_stash(task.data)).split("\n")
    more = _cut(lines, max(_LEAST_DOCUMENT, size_of(result()).height - used))
    long = for_people() and any(len(line) > _LONGEST_LINE for line in lines)
    put("")
    put("\n".join(legible(cut(line, _LONGEST_LINE)) for line in lines) if for_people() else "\n".join(lines))
    if more or long:
        rest = f"and {more:,} more lines" if more else "some lines are cut"
        put(f"  … {rest}: aloma task show {task.id} --data")


def _cut(lines: list[Any], most: int) -> int:
    """Drop the lines after the first `most`, for people only, and return how many those were."""
    more = len(lines) - most if for_people() and len(lines) > most + 1 else 0
    if more:
        del lines[most:]
    return more


def _table(columns: Sequence[Column], rows: list[list[Any]], *, blank: bool = False) -> None:
    if rows:
        if blank:
            put("")
        put_table(columns, rows)
