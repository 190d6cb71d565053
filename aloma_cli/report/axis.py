"""Time as a width: moments as percents, with long times in which nothing ran cut out."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise

from aloma_cli.values import dataclass
from aloma_cli.view.format import duration

_SHARE = 0.25
"""A pause is cut if it takes longer than this share of the time with something running,"""
_LEAST = 2.0
"""and longer than these seconds."""

_CUT_WIDTH = 0.05
"""The width of a pause that was cut, as a share of all that was not."""

_MOST_CUTS = 12
_TICKS = 6

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time (seconds since 1970) and its place (percents). `is_cut`: nothing ran, and it is drawn short."""

    begin: float
    end: float
    left: float
    right: float
    is_cut: bool = False


class Axis:
    """The time from `begin` to `end` (seconds since 1970). `busy`: when something ran."""

    def __init__(self, begin: float, end: float, busy: Iterable[Span]) -> None:
        self.begin, self.end = begin, max(end, begin + 0.001)
        merged = _merged(busy)
        least = max(_LEAST, _SHARE * sum(till - since for since, till in merged))
        edges = [begin, *(edge for span in merged for edge in span), self.end]
        idle = zip(edges[::2], edges[1::2], strict=True)
        pauses = [(since, till) for since, till in idle if till - since > least]
        if sum(till - since for since, till in pauses) >= self.end - begin:
            pauses = []  # nothing would be left
        longest = sorted(pauses, key=lambda span: span[0] - span[1])[:_MOST_CUTS]
        self.stretches = _placed(self.begin, self.end, sorted(longest))
        self._begins = [one.begin for one in self.stretches]

    def at(self, moment: float) -> float:
        """Where a moment is, in percents."""
        found = self.stretches[max(0, bisect_right(self._begins, moment) - 1)]
        share = (moment - found.begin) / ((found.end - found.begin) or 1)
        return found.left + min(1.0, max(0.0, share)) * (found.right - found.left)

    @property
    def cuts(self) -> list[Stretch]:
        return [one for one in self.stretches if one.is_cut]

    @property
    def ticks(self) -> list[tuple[float, float]]:
        """Round numbers of seconds since the beginning of each stretch that is not cut, with their places."""
        drawn = [one for one in self.stretches if not one.is_cut]
        scale = max((one.end - one.begin) / ((one.right - one.left) or 1) for one in drawn) * 100
        step = _round(scale / _TICKS)
        marks = ((one, number * step) for one in drawn for number in range(int((one.end - one.begin) / step) + 1))
        return [(seconds, self.at(one.begin + seconds)) for one, seconds in marks]


def brief(seconds: float) -> str:
    """A mark of an axis of time: `50ms`, `8.3s`, `2m05s`."""
    return duration(seconds) if seconds >= 1 else f"{seconds * 1000:.0f}ms"


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for since, till in sorted(spans):
        if merged and since <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(till, merged[-1][1])
        else:
            merged.append((since, till))
    return merged


def _placed(begin: float, end: float, pauses: list[Span]) -> list[Stretch]:
    edges = [begin, *(edge for span in pauses for edge in span), end]
    kept = (end - begin) - sum(till - since for since, till in pauses)
    cut = _CUT_WIDTH * (kept or 1.0)
    whole = kept + cut * len(pauses)
    stretches, left = [], 0.0
    for number, (since, till) in enumerate(pairwise(edges)):
        is_cut = number % 2 == 1
        right = left + 100 * (cut if is_cut else till - since) / whole
        if till > since or is_cut:
            stretches.append(Stretch(since, till, left, right, is_cut))
        left = right
    return stretches


def _round(seconds: float) -> float:
    """The next larger of 1, 2, 5, 10, 15, 30 of a unit of time."""
    for unit, marks in (
        (0.001, (1, 2, 5, 10, 20, 50, 100, 200, 500)),
        (1, (1, 2, 5, 10, 15, 30)),
        (60, (1, 2, 5, 10, 15, 30)),
    ):
        for mark in marks:
            if mark * unit >= seconds:
                return mark * unit
    hours = next((hours for hours in (1, 2, 6, 12) if hours * 3600 >= seconds), 24)
    while hours * 3600 < seconds:
        hours *= 2
    return hours * 3600.0
