"""Charts of many tasks: bars over time, and each task as a dot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import ceil, log10

from aloma_cli.report.axis import brief
from aloma_cli.report.buckets import Buckets
from aloma_cli.report.markup import Markup, tag
from aloma_cli.view.format import duration

_HEIGHT, _TOP, _BOTTOM = 150, 18, 22
_WIDEST = 8.0
"""Percents that a bar takes at most."""

_LETTER = 1.7
"""Percents that a letter takes on a phone."""

_SECONDS = (0.01, 0.1, 1, 10, 60, 600, 3600, 21_600, 86_400, 604_800, 2_592_000)

Dot = tuple[float, float, str, str]
"""A moment (seconds since 1970), the seconds that a task took, its look, and what it is called."""


def bars(label: str, buckets: Buckets, parts: Sequence[Mapping[str, float]], shown: Callable[[float], str]) -> Markup:
    """A bar for each part of the time. `parts`: the amounts of each by look, from the ground. `shown`: one in words."""
    most = max((sum(part.values()) for part in parts), default=0) or 1
    pieces = [piece for number, part in enumerate(parts) for piece in _stacked_bar(number, part, buckets, most, shown)]
    names = [(100 * (number + 0.5) / len(parts), buckets.name(number)) for number in range(len(parts))]
    return _chart(label, [tag("text", shown(most), x=0, y=11, class_="axis"), *pieces, *_bucket_names(names)])


def dots(label: str, buckets: Buckets, tasks: Iterable[Dot]) -> Markup:
    """A dot for each task: when it began, and how long it took, on a logarithmic scale."""
    drawn = [*tasks]
    marks = _marks([seconds for _, seconds, _, _ in drawn])
    begin, end = buckets.starts[0].timestamp(), max((at for at, *_ in drawn), default=0.0)
    pieces = [*_grid_lines(marks)]

    def place(moment: float) -> float:
        return 5 + 94 * (moment - begin) / ((end - begin) or 1)

    for at, seconds, look, name in drawn:
        told = tag("title", f"{name}: {duration(seconds)}, {look}")
        pieces.append(
            tag("ellipse", told, cx=f"{place(at):.2f}%", cy=_y(seconds, marks), rx=4, ry=4, class_=f"dot s-{look}")
        )
    starts = [(place(start.timestamp()), buckets.name(number)) for number, start in enumerate(buckets.starts)]
    return _chart(label, [*pieces, *_bucket_names([one for one in starts if one[0] < 100])])


def _chart(label: str, pieces: Sequence[Markup]) -> Markup:
    return tag("svg", *pieces, width="100%", height=_HEIGHT, role="img", aria_label=label, class_="chart")


def _stacked_bar(
    number: int, part: Mapping[str, float], buckets: Buckets, most: float, shown: Callable[[float], str]
) -> Iterator[Markup]:
    wide, ground = min(_WIDEST, 84 / len(buckets)), float(_HEIGHT - _BOTTOM)
    left = 100 * (number + 0.5) / len(buckets) - wide / 2
    told = ", ".join(f"{shown(amount)} {look}" for look, amount in part.items())
    for look, amount in part.items():
        height = (_HEIGHT - _TOP - _BOTTOM) * amount / most
        ground -= height
        title = tag("title", f"{buckets.name(number)}: {told}")
        size = {"x": f"{left:.3f}%", "y": f"{ground:.1f}", "width": f"{wide:.3f}%", "height": f"{height:.1f}"}
        yield tag("g", title, tag("rect", class_=f"s-{look}", **size))


def _bucket_names(names: Sequence[tuple[float, str]]) -> Iterator[Markup]:
    """A line below a chart, with as many of the `names` at their places (percents) as there is room for on a phone."""
    yield tag("line", x1=0, x2="100%", y1=_HEIGHT - _BOTTOM, y2=_HEIGHT - _BOTTOM, class_="tick")
    half = _LETTER / 2 * max(len(name) for _, name in names)
    step, end = ceil(len(names) * 3 * half / 100), -half
    for at, name in names[::step]:
        middle = min(100 - half, max(half, at))
        if middle - half >= end:
            end = middle + half * 1.2
            anchor, x = ("start", 0.0) if at < half else ("end", 100.0) if at > 100 - half else ("middle", at)
            yield tag("text", name, x=f"{x:.2f}%", y=_HEIGHT - 6, text_anchor=anchor, class_="axis")


def _marks(seconds: Sequence[float]) -> list[float]:
    """The marks of the scale around what was measured."""
    least, most = max(0.01, min(seconds, default=1)), max(seconds, default=1)
    first = max((at for at, mark in enumerate(_SECONDS) if mark <= least), default=0)
    last = next((at for at, mark in enumerate(_SECONDS) if mark >= most), len(_SECONDS) - 1)
    return [*_SECONDS[first : max(last, first + 1) + 1]]


def _y(seconds: float, marks: Sequence[float]) -> float:
    low, high = log10(marks[0]), log10(marks[-1])
    share = (log10(min(marks[-1], max(marks[0], seconds))) - low) / (high - low)
    return round(_HEIGHT - _BOTTOM - 4 - share * (_HEIGHT - _TOP - _BOTTOM), 1)


def _grid_lines(marks: Sequence[float]) -> Iterator[Markup]:
    for mark in marks:
        y = _y(mark, marks)
        yield tag("line", x1=0, x2="100%", y1=y, y2=y, class_="tick")
        yield tag("text", brief(mark), x=0, y=y - 3, class_="axis")
