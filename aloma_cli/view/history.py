"""A task's log as data: numbered entries, each with what it changed, called and logged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from aloma_cli.clock import to_iso
from aloma_cli.record.events import CallAnswered, Event, Logged
from aloma_cli.record.history import changes_of, numbered
from aloma_cli.view.entries import Entry, Firing
from aloma_cli.view.live.screen import Screen


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of the log.

    `number`: see `record/history.py`; a firing still in flight has none. `changes` are RFC 6902 operations.
    """

    number: int | None
    entry: Entry
    changes: tuple[dict[str, Any], ...] = ()
    calls: tuple[CallAnswered, ...] = ()
    logs: tuple[Logged, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """The log of one task: its records, and the screen its events add up to."""

    task: str
    records: tuple[Record, ...]
    screen: Screen

    @property
    def last_number(self) -> int:
        return max((record.number for record in self.records if record.number is not None), default=0)


def read_history(events: Iterable[Event], task: str) -> History:
    """The log of `task`. `events` are those of its whole tree."""
    reader = _Reader(task)
    for number, event in numbered(events, task):
        reader.read(number, event)
    return History(task, (*reader.records, *reader.unfinished()), reader.screen)


class _Reader:
    def __init__(self, task: str) -> None:
        self.screen = Screen()
        self.records: list[Record] = []
        self._task = task
        self._calls: defaultdict[int, list[CallAnswered]] = defaultdict(list)
        self._logs: defaultdict[int, list[Logged]] = defaultdict(list)

    def read(self, number: int | None, event: Event) -> None:
        entry = self.screen.entry(event)
        if event.task != self._task:
            return
        if isinstance(event, CallAnswered):
            self._calls[event.firing].append(event)
        elif isinstance(event, Logged):
            self._logs[event.firing].append(event)
        elif entry is not None:
            self._enter(number, event, entry)

    def _enter(self, number: int | None, event: Event, entry: Entry) -> None:
        if entry.word != "landed":
            entry = replace(entry, task=None)
        record = Record(number, entry) if entry.firing is None else self._of_firing(number, entry, entry.firing)
        self.records.append(replace(record, changes=changes_of(event)))

    def unfinished(self) -> list[Record]:
        """The firings still in flight after the last event."""
        firings = [firing for firing in self.screen.running.values() if firing.task == self._task]
        entries = [Entry(to_iso(one.since), "running", step=one.step, firing=one) for one in firings]
        return [self._of_firing(None, *pair) for pair in zip(entries, firings, strict=True)]

    def _of_firing(self, number: int | None, entry: Entry, firing: Firing) -> Record:
        calls, logs = self._calls.pop(firing.number, ()), self._logs.pop(firing.number, ())
        return Record(number, entry, calls=tuple(calls), logs=tuple(logs))
