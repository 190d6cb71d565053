"""Which lane of the timeline each run is drawn in: one for each step of a task, with subtasks as lanes inside."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import field

from aloma_cli.record.tree import TaskFacts
from aloma_cli.report.story import FiringRun, Story, Wait
from aloma_cli.values import dataclass

MOST_ALONE = 8
"""Up to this many subtasks of one group have lanes of their own; more of them share lanes."""

MOST_TASKS = 40
"""In a larger tree all subtasks of a group share their lanes."""

MOST_ROWS = 8
"""The most rows of a lane, in which runs at the same time are drawn below each other."""


@dataclass(slots=True)
class Lane:
    """`rows`: the runs, each row without overlaps as far as there are enough of them. `of`: the tasks that a heading is
    for; it has no rows, but `waits`."""

    label: str
    depth: int
    rows: list[list[FiringRun]] = field(default_factory=list)
    of: Sequence[TaskFacts] = ()
    waits: list[Wait] = field(default_factory=list)

    @property
    def height(self) -> int:
        """How many rows it takes."""
        return max(1, len(self.rows))


class Lanes:
    """All lanes of a story, from the top."""

    def __init__(self, story: Story) -> None:
        self._tree = story.tree
        self._apart = len(story.tasks) <= MOST_TASKS
        self._runs: defaultdict[str, list[FiringRun]] = defaultdict(list)
        for run in story.runs:
            self._runs[run.task].append(run)
        self._waits: defaultdict[str, list[Wait]] = defaultdict(list)
        for wait in story.waits:
            self._waits[wait.task].append(wait)
        self.all = [*self._block(story.task.name, [story.task], 0)]

    def _block(self, name: str, tasks: Sequence[TaskFacts], depth: int) -> Iterator[Lane]:
        waits = [wait for task in tasks for wait in self._waits[task.id]]
        if depth or waits:
            yield Lane(name, depth, of=tasks, waits=waits)
        steps: dict[str, list[FiringRun]] = {}
        for task in tasks:
            for run in self._runs[task.id]:
                steps.setdefault(run.step, []).append(run)
        for step, runs in steps.items():
            yield Lane(step, depth + 1, _rows(runs))
        groups: dict[str, list[TaskFacts]] = {}
        for child in (self._tree.tasks[one] for task in tasks for one in task.children):
            groups.setdefault(child.group or "", []).append(child)
        for group, children in groups.items():
            yield from self._group(group, children, depth + 1)

    def _group(self, group: str, children: list[TaskFacts], depth: int) -> Iterator[Lane]:
        if len(children) > MOST_ALONE or (not self._apart and len(children) > 1):
            yield from self._block(f"{group} × {len(children):,}", children, depth)
            return
        for child in children:
            yield from self._block(child.name, [child], depth)


def _rows(runs: list[FiringRun]) -> list[list[FiringRun]]:
    rows: list[list[FiringRun]] = []
    free: list[float] = []
    for run in sorted(runs, key=lambda one: one.begin):
        at = next((at for at, end in enumerate(free) if end <= run.begin), None)
        if at is None and len(rows) < MOST_ROWS:
            at = len(rows)
            rows.append([])
            free.append(0.0)
        elif at is None:
            at = free.index(min(free))
        rows[at].append(run)
        free[at] = max(free[at], _end_of(run))
    return rows


def _end_of(run: FiringRun) -> float:
    return float("inf") if run.end is None else run.end if run.retry is None else max(run.end, run.retry)
