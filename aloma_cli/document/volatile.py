"""Values that differ each time although a step makes no progress: times of writing, and ids of subtasks.

A time is volatile only between the start of the task and the time of writing: a step that works through the hours of
last week does make progress.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from aloma_cli.values import dataclass

_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?")
# A quick test: searching for this end of a time is many times faster, and most strings have none.
_LIKE_TIME = re.compile(r"-\d\d-\d\d[T ]\d\d:\d\d")
_TOLERANCE = 1.0
_FIRST_EPOCH = 1e9
"""A clock before this (the year 2001) is not set, and any count would look like its time."""


@dataclass(frozen=True, slots=True)
class Volatile:
    """The volatile values of one task: `root` is the id of its tree, `since` its start (seconds since 1970)."""

    root: str
    since: float

    def plain_text(self, text: str, now: float) -> str:
        """`text` with every volatile value replaced by a constant."""
        if _LIKE_TIME.search(text):
            text = _TIME.sub(lambda found: "<time>" if self._is_time(found[0], now) else found[0], text)
        if self.root in text:
            # The second number distinguishes the subtasks of one firing; the first counts firings.
            text = re.sub(rf"{self.root}\.\d+\.(\d+)", r"<subtask>.\1", text)
        return text

    def is_epoch(self, number: float, now: float) -> bool:
        """Whether a number is a time of writing, in seconds or milliseconds since 1970."""
        return self._covers(number, now) or self._covers(number, now, unit=1000)

    def _is_time(self, text: str, now: float) -> bool:
        try:
            time = datetime.fromisoformat(text)
        except ValueError:
            return False
        # A time without a zone may be in UTC or in local time.
        readings = (time, time.replace(tzinfo=UTC)) if time.tzinfo is None else (time,)
        return any(self._covers(reading.timestamp(), now) for reading in readings)

    def _covers(self, time: float, now: float, *, unit: int = 1) -> bool:
        begin, end = (self.since - _TOLERANCE) * unit, (now + _TOLERANCE) * unit
        return self.since >= _FIRST_EPOCH and begin <= time <= end
