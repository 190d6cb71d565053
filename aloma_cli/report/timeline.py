"""The timeline: a lane for each step, a bar for each run of a firing, its calls inside, and what was waited for."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from aloma_cli.clock import from_iso
from aloma_cli.report.axis import Axis, brief
from aloma_cli.report.lanes import Lane, Lanes
from aloma_cli.report.markup import Markup, region, tag
from aloma_cli.report.story import FiringRun, Story, spans_of
from aloma_cli.values import dataclass
from aloma_cli.view.format import duration, plural

ROW, TOP, BAR = 20, 26, 14
"""Pixels: the height of a row, of what is above the lanes, and of a bar."""

_APART = 8.0
"""Percents between two texts of the axis."""

_LEAST_WIDTH = 0.06
"""Percents: a browser draws nothing that has no width."""

_DEEPEST = 4
"""How deep a name of a lane is moved to the right at most."""

_LOOKS = ("fired", "looked", "failed", "running")


@dataclass(frozen=True, slots=True)
class Frame:
    """What all bars are drawn on. `until`: the end of what still runs. `places`: of the tasks in the record."""

    axis: Axis
    until: float
    places: dict[str, int]


def timeline(story: Story) -> Markup:
    """Two pictures side by side: the names of the lanes, and the lanes, which scroll and grow."""
    lanes = Lanes(story).all
    *tops, end = accumulate((lane.height * ROW for lane in lanes), initial=TOP)
    frame, height = _frame(story), end + 6
    drawn = (piece for lane, top in zip(lanes, tops, strict=True) for piece in _lane(lane, top, frame))
    names = tag("div", *map(_lane_name, lanes), class_="names", aria_hidden="true")
    chart = tag(
        "svg",
        _patterns(),
        *_marks(frame.axis, height),
        *drawn,
        id="lanes",
        width="100%",
        height=height,
        role="img",
        aria_label=_timeline_sentence(story, frame.axis.end - frame.axis.begin),
    )
    return region("Timeline", "timeline", names, tag("div", chart, class_="lanes"))


def look_of(run: FiringRun) -> str:
    """How a run is drawn: by its outcome, or as voided."""
    return run.outcome if run.outcome in _LOOKS else "voided"


def _frame(story: Story) -> Frame:
    is_waiting = any(wait.end is None for wait in story.waits)
    until = max(story.until, story.question.now) if is_waiting else story.until
    axis = Axis(from_iso(story.task.created_at), until, [(run.begin, run.end or until) for run in story.runs])
    return Frame(axis, until, {task.id: number for number, task in enumerate(story.tasks)})


def _timeline_sentence(story: Story, seconds: float) -> str:
    steps = len({run.step for run in story.runs})
    return f"Timeline of {plural(len(story.runs), 'run')} of {plural(steps, 'step')} in {duration(seconds)}"


def _patterns() -> Markup:
    stripes = tag("path", d="M0 6L6 0", class_="hatch")
    return tag("defs", tag("pattern", stripes, id="hatch", width=6, height=6, patternUnits="userSpaceOnUse"))


def _marks(axis: Axis, height: int) -> Iterator[Markup]:
    """The ticks of the axis, and the pauses that were cut. A text that would meet another one is left out."""
    for pause in axis.cuts:
        x, width = _percent(pause.left), _percent(pause.right - pause.left)
        yield tag("rect", x=x, y=TOP - 6, width=width, height=height - TOP + 6, class_="cut")
    texts = [((cut.left + cut.right) / 2, f"pause {duration(cut.end - cut.begin)}", "axis pause") for cut in axis.cuts]
    for seconds, at in axis.ticks:
        yield tag("line", x1=_percent(at), x2=_percent(at), y1=TOP - 6, y2=height, class_="tick")
        if all(abs(at - other) > _APART for other, _, _ in texts):
            later = axis.cuts and at > axis.cuts[0].left
            since = "0" if seconds < 0.0005 else brief(seconds)
            texts.append((at, f"+{since}" if later else since, "axis"))
    for at, told, look in texts:
        anchor = "start" if at < 4 else "end" if at > 96 else "middle"
        yield tag("text", told, x=_percent(at), y=12, text_anchor=anchor, class_=look)


def _lane_name(lane: Lane) -> Markup:
    """Its name. A page that allows no style but its own has classes for the depth and the height."""
    looks = (f"d{min(_DEEPEST, lane.depth - 1)}", f"r{lane.height}", "task" if lane.of else "")
    return tag("div", lane.label, title=lane.label, class_=" ".join(filter(None, looks)))


def _lane(lane: Lane, y: int, frame: Frame) -> Iterator[Markup]:
    if lane.of:
        yield from _heading(lane, y, frame.axis)
    for number, row in enumerate(lane.rows):
        for run in row:
            yield from _run_bar(run, y + number * ROW + 3, frame)
    for wait in lane.waits:
        yield _box(frame.axis, wait.begin, wait.end or frame.until, y + 3, BAR, f"wait {wait.kind}")


def _heading(lane: Lane, y: int, axis: Axis) -> Iterator[Markup]:
    yield tag("rect", x=0, y=y, width="100%", height=ROW, class_="band")
    begin = min(from_iso(task.created_at) for task in lane.of)
    end = max(from_iso(task.updated_at) for task in lane.of)
    yield _box(axis, begin, end, y + ROW // 2 - 1, 2, "span")


def _run_bar(run: FiringRun, y: int, frame: Frame) -> Iterator[Markup]:
    axis, look = frame.axis, look_of(run)
    at = f"{frame.places[run.task]}:{run.item}" if run.item is not None else None
    yield _box(axis, run.begin, run.end or frame.until, y, BAR, f"bar {look}", at)
    for call, begin, end in spans_of(run):
        yield _box(axis, begin, end, y + BAR - 5, 3, "call" if call.error is None else "call failed")
    if run.retry is not None and run.end is not None:
        x1, x2 = _percent(axis.at(run.end)), _percent(axis.at(min(run.retry, frame.until)))
        yield tag("line", x1=x1, x2=x2, y1=y + BAR / 2, y2=y + BAR / 2, class_="retry")


def _box(axis: Axis, begin: float, end: float, y: int, height: int, look: str, at: str | None = None) -> Markup:
    left = min(axis.at(begin), 100 - _LEAST_WIDTH)
    width = max(_LEAST_WIDTH, axis.at(end) - left)
    return tag("rect", x=_percent(left), y=y, width=_percent(width), height=height, class_=look, data_e=at)


def _percent(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".") + "%"
