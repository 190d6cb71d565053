"""The end of a long log, found from the end of the record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from aloma_cli.jsontext import JsonObject
from aloma_cli.record.batch import Batch
from aloma_cli.record.events import Event, FiringStarted, FiringVoided, Logged, TaskCreated, TaskRested, TreeOpened
from aloma_cli.record.history import NUMBERED
from aloma_cli.view.entries import word_of

_NUMBERED_FIGURES = ("looked", "failed", "voided")


class Ending(NamedTuple):
    """The creation of a task, and its last events. `skipped` numbered entries between them were left out."""

    events: list[Event]
    skipped: int


def read_ending(created: Event, back: Iterable[Batch], record: JsonObject, last: int) -> Ending | None:
    """The events of the last `last` entries of a root, from its batches, newest first, and its published record.

    None where more than these must be read to show them: the root has subtasks, a firing runs or was interrupted, a
    question is open, or the log is short.
    """
    if record["children"] or record["running"]:
        return None
    found: list[Event] = []
    awaited: set[object] = set()
    started: set[object] = {None}
    for event in (event for batch in back for event in reversed(batch.events)):
        if _needs_earlier(event):
            return None
        found.append(event)
        if last and word_of(event) is not None and not isinstance(event, Logged):
            last -= 1
            awaited |= _firings_in(event)
        if isinstance(event, FiringStarted) and event.run == 1:
            started.add(event.firing)
        if not last and awaited <= started:
            # A firing that began earlier ended before these entries.
            events = [event for event in reversed(found) if getattr(event, "firing", None) in started]
            return _numbered_ending(created, events, record)
    return None


def _needs_earlier(event: Event) -> bool:
    return isinstance(event, TaskCreated | TreeOpened) or (isinstance(event, TaskRested) and event.state == "question")


def _firings_in(event: Event) -> set[object]:
    """The firings that the entry of `event` is about."""
    return {getattr(event, "firing", None), *(event.others if isinstance(event, FiringVoided) else ())}


def _numbered_ending(created: Event, events: list[Event], record: JsonObject) -> Ending | None:
    if not isinstance(created, TaskCreated):
        return None
    ends = sum(step[figure] for step in record["steps"] for figure in _NUMBERED_FIGURES)
    kept = sum(isinstance(event, NUMBERED) for event in events)
    return Ending([replace(created, name=record["name"]), *events], record["version"] + ends - kept)
