"""What a task waits for or was stopped by, and what to type then."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aloma_cli.jsontext import JsonObject, dumps
from aloma_cli.view.format import clean, plural

_SHOWN = 5

# By the words of the reason that `budget.py` gives; each goes on for a while, from what is spent.
_RAISES = (
    (re.compile(r"calls are made"), "--max-calls +10"),
    (re.compile(r"tokens are used.* may take (\d+)"), "--max-tokens +{}"),
    (re.compile(r"seconds are used"), "--max-time +60"),
    (re.compile(r"\$"), "--max-cost +0.50"),
)


_LONGEST_CHOICES = 60


def advice(record: JsonObject) -> Iterator[str]:
    """The lines for a task that rests, by its record (`docs/format.md`); none where nothing is to be done."""
    if record["state"] == "limited":
        yield f"→ to go on: aloma task resume {record['id']}{_raise(record['reason'] or '')}"
    elif record["state"] == "stopped" and not record["closed"]:
        yield f"→ to continue it: aloma task resume {record['id']}"
    elif record["state"] == "incomplete" and not record["closed"]:
        if any(leg.get("redo") for leg in record["cycle"]):
            yield "→ a step that waits for something outside: task.park(seconds) before step.redo()"
        yield f"→ to help it out: aloma task set {record['id']} path=…"
        yield f"→ to go on as it is: aloma task resume {record['id']}"
    elif record["state"] == "ignored" and record["reason"]:
        yield '→ a step changes its task by writing into data: data["key"] = value'
    lost = [clean(child["name"]) for child in record["children"] if child["state"] == "ignored"]
    if lost:
        verb = "was" if len(lost) == 1 else "were"
        yield f"{plural(len(lost), 'subtask')} {verb} ignored: {', '.join(lost[:_SHOWN])}"
    yield from questions(record)


def questions(record: JsonObject) -> Iterator[str]:
    """What people are asked, and how to answer."""
    several = len(record["questions"]) > 1
    for asked in record["questions"]:
        yield from question(asked, several=several)


def question(asked: JsonObject, *, several: bool) -> Iterator[str]:
    """One question, as in the record. `several`: the answer has to name it."""
    until = asked.get("until")  # where a default is written then
    into = f" --into {asked['into']}" if several else ""
    yield f"? {clean(asked['question'])}{f'   (until {until})' if until else ''}"
    yield f"→ aloma task answer {asked['task']} {_choices(asked.get('schema'))}{into}"


def _choices(schema: JsonObject | None) -> str:
    """`true|false` for a question with few answers, else VALUE."""
    if (schema or {}).get("type") == "boolean":
        return "true|false"
    choices = (schema or {}).get("enum") or ()
    words = "|".join(choice if isinstance(choice, str) else dumps(choice) for choice in choices)
    return words if words and len(words) <= _LONGEST_CHOICES and " " not in words else "VALUE"


def _raise(reason: str) -> str:
    for words, option in _RAISES:
        found = words.search(reason)
        if found:
            return " " + option.format(*found.groups())
    return ""
