"""A tree of tasks as JSON for a page: each log with its changes, what woke each firing and what it read, and the calls.

A page makes each state of a document from the changes. Nothing is in it twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aloma_cli.document.paths import parse_path
from aloma_cli.document.stash import hide_in_changes, hide_stash
from aloma_cli.explain.blame import ROOT_PATH
from aloma_cli.explain.graph import Wake
from aloma_cli.jsontext import Json, JsonObject, show_path
from aloma_cli.record import events as ev
from aloma_cli.record.calls import RecordedCall
from aloma_cli.record.spending import role_of
from aloma_cli.record.tree import TaskFacts
from aloma_cli.record.who import person
from aloma_cli.report.story import Item, Story
from aloma_cli.view.entries import facts, text
from aloma_cli.view.prompts import call_figures, parts

SCHEMA = 1

LONGEST_PART = 20_000
"""Characters of one prompt or answer; the rest is only counted."""


def record(story: Story) -> JsonObject:
    """Everything that the script of a page knows.

    `tasks`: `id`, `name`, `state`, `parent`, `into`, `data`, and the lines of its `log`. `calls`, by their numbers.
    `conditions`: the paths that each step's condition names today.
    """
    steps = story.question.steps
    used = {run.step for run in story.runs}
    return {
        "schema": SCHEMA,
        "task": story.task.id,
        "tasks": [_task(story, task) for task in story.tasks],
        "calls": {str(number): one for number, one in _numbered_calls(story)},
        "conditions": {name: sorted(map(list, steps[name].condition.paths)) for name in used if name in steps},
    }


def _task(story: Story, task: TaskFacts) -> JsonObject:
    created = story.ledger.tasks[task.id].created
    return {
        "id": task.id,
        "name": task.name,
        "state": task.state,
        "parent": task.parent,
        "into": None if task.into is None else list(task.into),
        "data": hide_stash(created.data),
        "log": [_log_line(story, item) for item in story.items.get(task.id, ())],
    }


def _log_line(story: Story, item: Item) -> JsonObject:
    """A line of a log, without what is empty."""
    entry, event = item.entry, item.event
    told: JsonObject = {
        "at": entry.at,
        "word": entry.word,
        "number": item.number,
        "step": entry.step,
        "seconds": None if entry.seconds is None else round(entry.seconds, 3),
        "facts": list(facts(entry)),
        "text": text(entry),
        "logs": [[logged.level, logged.text] for logged in item.logs],
        **(_commit(event) if isinstance(event, ev.Committed) else {}),
        **_firing_json(story, item),
    }
    return {key: value for key, value in told.items() if value not in (None, "", [], ())}


def _commit(event: ev.Committed) -> JsonObject:
    return {
        "version": event.version,
        "changes": hide_in_changes(event.changes),
        "by": None if event.by == "firing" else event.by,
        "who": person(event.who) if event.by == "person" else None,
        "child": event.child,
        "answers": list(event.answers),
        "asked": [[one["question"], show_path(tuple(one["into"]))] for one in event.asked],
        "result": [hide_stash(event.completed["result"])] if event.completed and "result" in event.completed else None,
    }


def _firing_json(story: Story, item: Item) -> JsonObject:
    """What the firing of a line started from, what woke it, what it read and called."""
    number = getattr(item.event, "firing", None)
    if item.run is None or number is None:
        return {}
    wake, started = story.wakes.get(number), story.ledger.firings[number].started
    return {
        "firing": number,
        "from": started.version,
        "attempt": None if item.run.attempt == 1 else item.run.attempt,
        "woken": None if wake is None else _woken(wake),
        "read": [_path_keys(path) for path in getattr(item.event, "read", ())],
        "calls": [call.number for call in item.run.calls],
    }


def _woken(wake: Wake) -> list[Json]:
    """By whom, through which field, and, of a firing: its number and how it crossed to another task."""
    return [wake.source, show_path(wake.path), None if wake.by is None else wake.by.number, wake.via]


def _path_keys(path: str) -> list[str]:
    return [] if path == ROOT_PATH else list(parse_path(path))


def _numbered_calls(story: Story) -> Iterable[tuple[int, JsonObject]]:
    before: dict[int, list[RecordedCall]] = {}
    for number, call in sorted(story.calls.items()):
        earlier = before.setdefault(call.firing, [])
        yield number, _call_json(call, earlier)
        earlier.append(call)


def _call_json(call: RecordedCall, earlier: list[RecordedCall]) -> JsonObject:
    told: dict[str, Any] = {
        "step": call.step,
        "function": call.function,
        "state": call.state,
        "model": None if call.event is None else role_of(call.event).shown,
        "facts": list(call_figures(call)),
        "cost": call.usage.get("cost"),
        "parts": [[part.title, _bounded(part.text, call)] for part in parts(call, earlier)],
    }
    return {key: value for key, value in told.items() if value is not None}


def _bounded(text: str, call: RecordedCall) -> str:
    more = len(text) - LONGEST_PART
    return (
        text
        if more <= 0
        else f"{text[:LONGEST_PART]}…\n({more:,} more characters: aloma task calls {call.task} {call.number})"
    )
