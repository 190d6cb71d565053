"""What a task waits for or was stopped by, and what to type then."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aloma_cli.jsontext import JsonObject
from aloma_cli.view.wording import clean

# By the words of the reason that `budget.py` gives; each goes on for a while, from what is spent.
_RAISES = (
    (re.compile(r"calls are made"), "--max-calls +10"),
    (re.compile(r"tokens are used.* may take (\d+)"), "--max-tokens +{}"),
    (re.compile(r"seconds are used"), "--max-time +60"),
    (re.compile(r"\$"), "--max-cost +0.50"),
)


def advice(record: JsonObject) -> Iterator[str]:
    """The lines for a task that rests, by its record (`docs/format.md`); none where nothing is to be done."""
    if record["state"] == "limited":
        yield f"→ to go on: aloma task resume {record['id']}{_raise(record['reason'] or '')}"
    elif record["state"] == "incomplete" and not record["closed"]:
        if any(leg.get("redo") for leg in record["cycle"]):
            yield "→ a step that waits for something outside: task.park(seconds) before step.redo()"
        yield f"→ to help it out: aloma task set {record['id']} path=…"
        yield f"→ to go on as it is: aloma task resume {record['id']}"
    yield from questions(record)


def questions(record: JsonObject) -> Iterator[str]:
    """What people are asked, and how to answer."""
    several = len(record["questions"]) > 1
    for asked in record["questions"]:
        yield from question(asked["task"], asked["question"], asked["into"] if several else None, asked["until"])


def question(task_id: str, text: str, into: str | None, until: str | None) -> Iterator[str]:
    """One question. `into` where the task asks several; `until` (ISO) where a default is written then."""
    yield f"? {clean(text)}{f'   (until {until})' if until else ''}"
    yield f"→ aloma task answer {task_id} VALUE{'' if into is None else f' --into {into}'}"


def _raise(reason: str) -> str:
    for words, option in _RAISES:
        found = words.search(reason)
        if found:
            return " " + option.format(*found.groups())
    return ""
