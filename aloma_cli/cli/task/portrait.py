"""`aloma task show` for people: state, agents, subtasks, errors, document."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from aloma_cli.cli.output import put
from aloma_cli.clock import SystemClock
from aloma_cli.jsontext import JsonObject, pretty
from aloma_cli.view.tables import Column, write_table

_AGENTS = (
    Column("agent"),
    Column("fired", "count"),
    Column("looked", "count"),
    Column("failed", "count"),
    Column("voided", "count"),
    Column("calls", "count"),
    Column("tokens", "count"),
    Column("time", "seconds"),
)
_FACTS = (Column("task"), Column("state", "state"), Column("created", "time"), Column("took", "seconds"), Column("id"))
_SUBTASKS = (Column("subtask"), Column("state", "state"), Column("id"))


def print_portrait(record: JsonObject, data: JsonObject) -> None:
    """Print what `record` and the document say of a task."""
    _table(
        _FACTS, [[record["name"], record["state"], record["created_at"], record["seconds"], record["id"]]], blank=False
    )
    _lines(_remarks(record))
    _table(_AGENTS, [_agent(step) for step in record["steps"]])
    _table(_SUBTASKS, [[child["name"], child["state"], child["id"]] for child in record["children"]])
    put("")
    put(pretty(data))


def _remarks(record: JsonObject) -> Iterable[str]:
    if record["tags"]:
        yield f"tags: {', '.join(record['tags'])}"
    usage = record["usage"]
    if usage["simulated"]:
        yield f"{usage['simulated']} of {usage['calls']} answers simulated"
    if usage["cost"]:
        known = f" ({usage['unpriced']} calls without a known price)" if usage["unpriced"] else ""
        yield f"cost: ${usage['cost']:.4f}{known}"
    if record["reason"]:
        yield f"reason: {record['reason']}"
    for wait in record["waiting"]:
        yield f"{wait['step']} is tried again at {wait['until']}: {wait['reason']}"
    for step, error in record["errors"].items():
        yield f"error in {step}: {error.get('type', '')}: {error.get('message', '')}"
    if record["errors"] and not record["closed"]:
        yield f"to try again: aloma task resume {record['id']}"
    for miss in record["missing"]:
        more = f" (and {miss['more']} more)" if miss["more"] else ""
        yield f"nearest: {miss['step']}: {'; '.join(miss['missing'])}{more}"


def _agent(step: JsonObject) -> list[Any]:
    tokens = step["input_tokens"] + step["output_tokens"]
    counts = [step[name] or None for name in ("fired", "looked", "failed", "voided", "calls")]
    return [step["step"], *counts, tokens or None, step["seconds"]]


def _lines(lines: Iterable[str]) -> None:
    for line in lines:
        put(f"  {line}")


def _table(columns: Sequence[Column], rows: list[list[Any]], *, blank: bool = True) -> None:
    if rows:
        if blank:
            put("")
        write_table(columns, rows, sys.stdout, environ=os.environ, clock=SystemClock())
