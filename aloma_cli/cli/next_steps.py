"""What a task waits for or was stopped by, and what to type next."""

from __future__ import annotations

import math
from collections.abc import Iterator

from aloma_cli.budget import DAY, LIMITS
from aloma_cli.explain import cures
from aloma_cli.jsontext import JsonObject, cut, dumps
from aloma_cli.record.states import SUSPENDED
from aloma_cli.view.context import context_lines
from aloma_cli.view.format import clean, plural

_SHOWN = 5
_LONGEST_ARGUMENTS = 400


def next_steps(record: JsonObject) -> Iterator[str]:
    """The lines for a task at rest, from its record (`docs/format.md`); none if nothing is to be done."""
    reached = record.get("limit")
    if record["state"] == "limited" and reached and reached["name"] == DAY:
        yield f"→ tomorrow, or with a higher limits.per_day in aloma.yaml: aloma task resume {record['id']}"
    elif record["state"] in SUSPENDED:
        yield f"→ to continue: aloma task resume {record['id']}{_raise(reached)}"
    elif record["state"] == "stopped" and not record["closed"]:
        yield f"→ to continue: aloma task resume {record['id']}"
    elif record["state"] == "incomplete" and not record["closed"] and not record["cycle"]:
        yield f"→ to write what it lacks: aloma task set {record['id']} path=…"
    elif record["state"] == "incomplete" and not record["closed"]:
        if any(commit.get("redo") for commit in record["cycle"]):
            yield "→ a step that waits for something outside: task.park(seconds) before step.redo()"
        yield f"→ to get it unstuck: aloma task set {record['id']} path=…"
        yield f"→ to continue it as it is: aloma task resume {record['id']}"
    elif record["state"] == "ignored" and record["reason"]:
        yield '→ a step changes its task by writing into data: data["key"] = value'
    ignored = [clean(child["name"]) for child in record["children"] if child["state"] == "ignored"]
    if ignored:
        verb = "was" if len(ignored) == 1 else "were"
        yield f"{plural(len(ignored), 'subtask')} {verb} ignored: {', '.join(ignored[:_SHOWN])}"
    yield from questions(record)
    yield from unsettled(record)


def unsettled(record: JsonObject) -> Iterator[str]:
    """The calls whose outcome is unknown, and how to settle them."""
    for call in record.get("unsettled") or ():  # not in records of earlier programs
        yield from _unsettled(call)


def _unsettled(call: JsonObject) -> Iterator[str]:
    given = cut(dumps(call["arguments"]), _LONGEST_ARGUMENTS)
    yield f"? call {call['call']} was sent, and its outcome is unknown: {clean(call['function'])} {clean(given)}"
    yield f"→ if it was carried out: aloma task settle {call['task']} {call['call']} --done VALUE"
    yield f"→ if it was not: aloma task settle {call['task']} {call['call']} --again, or --failed REASON"


def questions(record: JsonObject) -> Iterator[str]:
    """The open questions, and how to answer them."""
    several = len(record["questions"]) > 1
    for asked in record["questions"]:
        yield from question(asked, several=several)


def question(asked: JsonObject, *, several: bool) -> Iterator[str]:
    """One question, as in the record. `several`: the answer has to name it."""
    until = asked.get("until")  # the default is the answer from then on
    yield f"? {clean(asked['question'])}{f'   (until {until})' if until else ''}"
    if asked.get("call") is None:  # the question about a call says all of it
        yield from (f"  {line}" for line in context_lines(asked.get("context")))
    yield f"→ {cures.answer(asked, several=several)}"


def _raise(reached: JsonObject | None) -> str:
    """The option that raises the limit which was reached."""
    for limit in LIMITS:
        if reached and reached["name"] == limit.name:
            more = max(limit.step, reached["needed"] or 0)
            return f" {limit.option} +{math.ceil(more) if limit.step >= 1 else f'{math.ceil(more * 100) / 100:.2f}'}"
    return ""
