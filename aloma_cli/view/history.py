"""A task's log as data: numbered entries, each with what it changed, called and logged."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any

from aloma_cli.clock import to_iso
from aloma_cli.record.calls import CallCount, RecordedCall
from aloma_cli.record.events import Event, FiringVoided, Logged
from aloma_cli.record.history import changes_of, numbered
from aloma_cli.values import dataclass
from aloma_cli.view.entries import Entry, Firing
from aloma_cli.view.live.screen import Screen


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of the log.

    `number`: see `record/history.py`; a firing still in flight has none. `changes` are RFC 6902 operations. `earlier`
    are the calls of the same firing before its last void.
    """

    number: int | None
    entry: Entry
    changes: tuple[dict[str, Any], ...] = ()
    calls: tuple[RecordedCall, ...] = ()
    earlier: tuple[RecordedCall, ...] = ()
    logs: tuple[Logged, ...] = ()


class History:
    """The log of one task. `events` are those of its whole tree; they are read again for each use of the log.

    With `entry` or `step` its records are the creation and the entry of this number or those of this step alone; with
    `last` the last ones of them, that many. `skipped`: see `record/history.py`.
    """

    def __init__(
        self,
        events: Iterable[Event],
        task: str,
        *,
        entry: int | None = None,
        step: str | None = None,
        last: int | None = None,
        skipped: int = 0,
    ) -> None:
        self.task = task
        self._events = events
        self._entry = entry
        self._step = step
        self._last = last
        self._skipped = skipped

    @cached_property
    def screen(self) -> Screen:
        """What all events add up to."""
        screen = Screen()
        for event in self._events:
            screen.fold(event)
        return screen

    @property
    def numbers_calls(self) -> bool:
        """Whether the calls in its records have their numbers in the tree: all of it was read."""
        return not self._skipped

    @cached_property
    def last_number(self) -> int:
        return max((number for number, _ in self._numbered() if number is not None), default=0)

    def _numbered(self) -> Iterator[tuple[int | None, Event]]:
        return numbered(self._events, self.task, skipped=self._skipped)

    def records(self) -> Iterator[Record]:
        """The entries, one by one, each as soon as its event is read; last the firings still in flight.

        With `last` they come after all events are read.
        """
        wanted = filter(self._is_wanted, self._all_records())
        return wanted if self._last is None else iter(deque(wanted, self._last))

    def _all_records(self) -> Iterator[Record]:
        reader = HistoryReader(self.task)
        for number, event in self._numbered():
            record = reader.read(number, event)
            if record is not None:
                yield record
        yield from reader.unfinished()

    def _is_wanted(self, record: Record) -> bool:
        return record.number == 0 or (self._entry in (None, record.number) and self._step in (None, record.entry.step))


class HistoryReader:
    """Makes the records of one task from the events of its tree, one by one. `screen`: what they add up to."""

    def __init__(self, task: str) -> None:
        self.screen = Screen()
        self._task = task
        self._count = CallCount()
        self._calls: defaultdict[int, list[RecordedCall]] = defaultdict(list)
        self._earlier: dict[int, list[RecordedCall]] = {}
        self._logs: defaultdict[int, list[Logged]] = defaultdict(list)

    def read(self, number: int | None, event: Event) -> Record | None:
        """The record that the next event ends; `number`: its number in the log."""
        entry, call = self.screen.entry(event), self._count.take(event)
        if event.task != self._task:
            return None
        if call is not None:
            self._calls[call.firing].append(call)
        elif isinstance(event, Logged):
            self._logs[event.firing].append(event)
        elif entry is not None:
            return self._record_of(number, event, entry)
        return None

    def _record_of(self, number: int | None, event: Event, entry: Entry) -> Record:
        if entry.word != "landed":
            entry = replace(entry, task=None)
        record = Record(number, entry) if entry.firing is None else self._of_firing(number, entry, entry.firing)
        return replace(record, changes=changes_of(event))

    def unfinished(self) -> list[Record]:
        """The firings still in flight after the last event."""
        firings = [firing for firing in self.screen.running.values() if firing.task == self._task]
        entries = [Entry(to_iso(one.since), "running", step=one.step, firing=one) for one in firings]
        return [self._of_firing(None, *pair) for pair in zip(entries, firings, strict=True)]

    def _of_firing(self, number: int | None, entry: Entry, firing: Firing) -> Record:
        sent = (call for call in self._count.unanswered() if call.firing == firing.number)
        calls, logs = [*self._calls.pop(firing.number, ()), *sent], self._logs.pop(firing.number, ())
        calls.sort(key=lambda call: call.number)
        earlier = self._earlier.pop(firing.number, [])
        if isinstance(entry.event, FiringVoided) and entry.event.again:
            self._earlier[firing.number] = [*earlier, *calls]
        return Record(number, entry, calls=tuple(calls), earlier=tuple(earlier), logs=tuple(logs))
