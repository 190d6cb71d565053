"""Time, passed in wherever it is needed, so that tests can hold it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

LONGEST = 100 * 365.25 * 86_400.0
"""The longest time that anything may take, wait or be waited for: 100 years, in seconds."""


DURATION = "a number of seconds from 0 to 100 years"
POSITIVE_DURATION = "a number of seconds above 0 and up to 100 years"


def is_duration(value: object) -> bool:
    """Whether `value` is a DURATION."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LONGEST


def is_positive_duration(value: object) -> bool:
    """Whether `value` is a POSITIVE_DURATION."""
    return is_duration(value) and value != 0


class Clock(Protocol):
    """What the engine asks of time."""

    def now(self) -> float:
        """The wall clock: seconds since 1970 (UTC)."""

    def elapsed(self) -> float:
        """Seconds since some fixed moment; never runs backwards."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        return time.time()

    def elapsed(self) -> float:
        return time.monotonic()


class ForwardClock:
    """`clock` as the record of one tree needs it: its time never runs backwards, and never stands still.

    Where the wall clock was set back, by hand or to before `since` (seconds since 1970), time goes on from where it
    was. So a timer takes at most its own length, and nothing takes less than no time.
    """

    def __init__(self, clock: Clock, *, since: float = 0.0) -> None:
        self._clock = clock
        self._ahead = since - clock.elapsed()

    def now(self) -> float:
        wall, elapsed = self._clock.now(), self._clock.elapsed()
        if wall < elapsed + self._ahead:
            return elapsed + self._ahead
        self._ahead = wall - elapsed
        return wall

    def elapsed(self) -> float:
        return self._clock.elapsed()


def to_iso(seconds: float) -> str:
    """Seconds since 1970 as ISO 8601 in UTC with milliseconds: `2026-11-22T08:00:00.000Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_iso(text: str) -> float:
    """The seconds since 1970 that `to_iso` wrote."""
    return datetime.fromisoformat(text).timestamp()
