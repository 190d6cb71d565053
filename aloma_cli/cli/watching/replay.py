"""Replay a task from its record, at the recorded pace or faster."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from aloma_cli.clock import Clock, from_iso
from aloma_cli.record.events import Event
from aloma_cli.record.history import no_such_entry, numbered
from aloma_cli.record.tree import Tree
from aloma_cli.view.format import duration

if TYPE_CHECKING:
    from aloma_cli.api.task import Task

    Emit = Callable[[Event], None]

LONGEST_WAIT = 2.0
"""Seconds that a wait takes at most in a replay."""

SLOWEST, FASTEST = 0.01, 1000.0
"""The bounds of a speed."""


class Beat(NamedTuple):
    """An event of a replay, the recorded seconds since the one before, and the seconds to wait for it."""

    event: Event
    recorded: float
    seconds: float

    @property
    def is_cut(self) -> bool:
        """Whether the wait is shortened."""
        return self.seconds == LONGEST_WAIT and self.recorded > LONGEST_WAIT


def pause(recorded: float, speed: float) -> float:
    """The seconds that `recorded` seconds take."""
    return min(max(0.0, recorded) / speed, LONGEST_WAIT)


def beats(events: Iterable[Event], since: float, speed: float) -> Iterator[Beat]:
    """`events` with their waits; `since`: seconds since 1970 of what was before the first one."""
    for event in events:
        at = max(since, from_iso(event.at))
        yield Beat(event, at - since, pause(at - since, speed))
        since = at


def split_at(events: Sequence[Event], task: str, entry: int) -> int:
    """How many of `events` come before the entry of this number: those up to the end of the one before.

    Raises InputError where the log of `task` has no such entry.
    """
    before = last = -1
    for at, (number, _) in enumerate(numbered(events, task)):
        if number is not None:
            last = number
            before = at if number < entry else before
    if not 0 <= entry <= last:
        raise no_such_entry(task, entry, last)
    return before + 1


class ReplayClock:
    """The time of a replay: it moves evenly from event to event. It is that of `clock` once it is `released`."""

    def __init__(self, clock: Clock, since: float) -> None:
        self._clock = clock
        self._from = self._to = since
        self._began, self._seconds = clock.elapsed(), 0.0
        self._is_free = False
        self.elapsed = clock.elapsed

    def now(self) -> float:
        if self._is_free:
            return self._clock.now()
        share = (self.elapsed() - self._began) / self._seconds if self._seconds else 1.0
        return self._from + min(1.0, share) * (self._to - self._from)

    def move(self, seconds: float, to: float) -> None:
        """Reach the moment `to` in this many seconds."""
        self._from, self._to, self._began, self._seconds = self._to, to, self.elapsed(), seconds

    def release(self) -> None:
        """Follow the clock from now on: the replay has come to the present."""
        self._is_free = True


class EventReplay:
    """The recorded `events` of a tree from `first` on, as what `run_and_show` works at."""

    def __init__(self, events: Sequence[Event], first: int, speed: float, clock: Clock) -> None:
        self._events, self._first, self._speed = events, first, speed
        self.since = from_iso(events[max(0, first - 1)].at)
        self.clock = ReplayClock(clock, self.since)

    @property
    def before(self) -> Tree | None:
        """What the events add up to that are not replayed."""
        return Tree.of(self._events[: self._first]) if self._first else None

    async def run(self, emit: Emit, *, then: Callable[[Emit], Awaitable[Task]], say: Callable[[str], object]) -> Task:
        """Pass the events on, each at its time; `then` gives the task, and the events after them."""
        for beat in beats(self._events[self._first :], self.since, self._speed):
            if beat.is_cut:
                say(f"aloma: {duration(beat.recorded)} without an event, shown in {duration(beat.seconds)}")
            self.clock.move(beat.seconds, from_iso(beat.event.at))
            if beat.seconds:
                await asyncio.sleep(beat.seconds)
            emit(beat.event)
        return await then(emit)
