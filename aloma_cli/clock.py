"""Clocks. They are passed in, so that tests control time."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

_MILLISECOND = len("2026-11-22T08:00:00.000")

LONGEST = 100 * 365.25 * 86_400.0
"""The maximum of any duration: 100 years, in seconds."""


DURATION = "a number of seconds from 0 to 100 years"
POSITIVE_DURATION = "a number of seconds above 0 and up to 100 years"


def is_duration(value: object) -> bool:
    """Whether `value` is a DURATION."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LONGEST


def is_positive_duration(value: object) -> bool:
    """Whether `value` is a POSITIVE_DURATION."""
    return is_duration(value) and value != 0


class Clock(Protocol):
    """The time as the engine reads it."""

    def now(self) -> float:
        """The wall clock: seconds since 1970 (UTC)."""

    def elapsed(self) -> float:
        """Seconds since some fixed moment; never runs backwards."""


class SystemClock:
    """The machine's clock."""

    now = staticmethod(time.time)
    elapsed = staticmethod(time.monotonic)


class ForwardClock:
    """`clock` for the record of one tree: its time never runs backwards or stops.

    If the wall clock is set back, or is earlier than `since` (seconds since 1970), time continues from its last value.
    So a timer takes at most its own length, and no duration is negative.
    """

    def __init__(self, clock: Clock, *, since: float = 0.0) -> None:
        self._wall = clock.now
        self.elapsed = clock.elapsed
        self._ahead = since - self.elapsed()
        self._millisecond, self._text = -1, ""

    def now(self) -> float:
        wall, elapsed = self._wall(), self.elapsed()
        if wall < elapsed + self._ahead:
            return elapsed + self._ahead
        self._ahead = wall - elapsed
        return wall

    def tick(self) -> tuple[float, str]:
        """The time now, as `now` has it and as ISO 8601."""
        now = self.now()
        millisecond = int(now * 1000)
        if millisecond != self._millisecond:  # quick turns share one
            self._millisecond, self._text = millisecond, to_iso(now)
        return now, self._text


def to_iso(seconds: float) -> str:
    """Seconds since 1970 as ISO 8601 in UTC with milliseconds: `2026-11-22T08:00:00.000Z`."""
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat(timespec='milliseconds')[:_MILLISECOND]}Z"


def from_iso(text: str) -> float:
    """Seconds since 1970 from the output of `to_iso`."""
    return datetime.fromisoformat(text).timestamp()
