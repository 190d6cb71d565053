"""Hours, days or weeks of a stretch of time, for charts."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime, timedelta, tzinfo

_MOST_HOURS, _MOST_DAYS = 48, 60


class Buckets:
    """The time from `begin` to `end` (seconds since 1970) in at most some 60 parts. `zone`: None is the machine's."""

    def __init__(self, begin: float, end: float, zone: tzinfo | None = None) -> None:
        first, last = (datetime.fromtimestamp(at, zone) for at in (begin, max(begin, end)))
        days = (last - first).days
        if days * 24 < _MOST_HOURS:
            self.unit, step = "hour", timedelta(hours=1)
            start = first.replace(minute=0, second=0, microsecond=0)
        else:
            weeks = max(1, -(-days // 7 // _MOST_DAYS))
            self.unit = "day" if days <= _MOST_DAYS else "week" if weeks == 1 else f"{weeks} weeks"
            step = timedelta(days=1) if days <= _MOST_DAYS else timedelta(weeks=weeks)
            start = first.replace(hour=0, minute=0, second=0, microsecond=0)
        self.starts: list[datetime] = []
        while start <= last:
            self.starts.append(start)
            start += step
        self._moments = [one.timestamp() for one in self.starts]

    def __len__(self) -> int:
        return len(self.starts)

    def of(self, moment: float) -> int:
        """The number of the part in which a moment lies."""
        return max(0, bisect_right(self._moments, moment) - 1)

    def name(self, number: int) -> str:
        """`28 Nov, 16:00`, `28 Nov`, `28 Nov 2026`."""
        start = self.starts[number]
        more = {"hour": f", {start:%H}:00", "day": ""}.get(self.unit, f" {start:%Y}")
        return f"{start.day} {start:%b}{more}"
