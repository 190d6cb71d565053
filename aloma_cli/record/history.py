"""The numbered entries of a task: what `task log` shows, and what `task clone --at` counts by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from aloma_cli.document.changes import replay
from aloma_cli.errors import InputError
from aloma_cli.jsontext import JsonObject
from aloma_cli.record.events import Committed, Event, FiringFailed, FiringLooked, FiringVoided, TaskCreated

NUMBERED = (TaskCreated, Committed, FiringLooked, FiringVoided, FiringFailed)


def numbered(events: Iterable[Event], task: str, *, skipped: int = 0) -> Iterator[tuple[int | None, Event]]:
    """All of `events`, one by one, each with its number among the entries of `task`, if it has one.

    The creation of the task is number 0. Every commit and every end of a firing has the next number, other events have
    none. `events` are those of the task or of its whole tree; `skipped` entries after the creation are not among them.
    """
    number = 0
    for event in events:
        if event.task == task and isinstance(event, NUMBERED):
            yield number, event
            number += 1 + skipped if isinstance(event, TaskCreated) else 1
        else:
            yield None, event


def changes_of(event: Event) -> tuple[dict[str, Any], ...]:
    """What an event changed in the document of its task, as RFC 6902 operations."""
    match event:
        case TaskCreated():
            return ({"op": "add", "path": "", "value": event.data},)
        case Committed():
            return event.changes
    return ()


def events_of(events: Iterable[Event], task: str, entry: int) -> list[Event]:
    """The events of one entry: what its firing did since the entry before of the same firing, and its end.

    Raises InputError where there is no such entry.
    """
    last = -1
    before: dict[int | None, list[Event]] = {}
    for number, event in numbered(events, task):
        if event.task != task:
            continue
        firing = getattr(event, "firing", None)
        if number is None:
            before.setdefault(firing, []).append(event)
            continue
        last, own = number, before.pop(firing, ())
        if number == entry:
            return [*(own if firing is not None else ()), event]
    raise no_such_entry(task, entry, last)


def no_such_entry(task: str, entry: int, last: int) -> InputError:
    """The error for a number that is not in the log of `task`, whose last entry is `last`."""
    return InputError(
        f"the log of task {task} has no entry {entry}: its entries are 0 to {last}", hint=f"aloma task log {task}"
    )


def document_at(events: Iterable[Event], task: str, entry: int) -> tuple[JsonObject, int]:
    """The document of `task` after entry `entry`, and the number of the last entry up to there (-1: none)."""
    document: JsonObject = {}
    last = -1
    for number, event in numbered(events, task):
        if number is not None and number <= entry:
            document, _ = replay(document, changes_of(event))
            last = number
    return document, last
