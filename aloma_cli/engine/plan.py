"""Which steps may fire, by the rule of the rising edge. Pure: it looks at a task's state and alters nothing.

A step is armed until it fires. It is armed again when its condition has been seen false after a commit, when its
content asked for it (`redo`), when its entry in `$errors` was removed, when it only looked and a commit touched
something it reads, and, with `rearm = "change"`, by every commit of somebody else that alters something it reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from aloma_cli.content.step import Step
from aloma_cli.document.changes import Change
from aloma_cli.document.merge import alters
from aloma_cli.engine.working import WorkingFlight, WorkingTask
from aloma_cli.jsontext import JsonObject

VOIDS_BEFORE_ALONE = 3
"""After so many voids in a row a firing runs alone, so that it is sure to land."""


class Plan:
    """The enabled steps of a workspace, in the order in which they start."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self.steps: dict[str, Step] = {step.name: step for step in sorted(steps, key=start_order) if step.enabled}
        self._readers = _Node()
        for step in self.steps.values():
            for path in step.condition.paths:
                self._readers.add(path, step.name)

    def judge(self, document: JsonObject) -> dict[str, bool]:
        """Whether each step's condition holds."""
        return {name: step.condition.matches(document) for name, step in self.steps.items()}

    def readers(self, changes: Iterable[Change]) -> set[str]:
        """The steps whose condition names a path at, under or above one of the changes."""
        found: set[str] = set()
        for change in changes:
            self._readers.collect(change.place, found)
        return found

    def armed_by(
        self,
        task: WorkingTask,
        truth: Mapping[str, bool],
        changes: Sequence[Change],
        readers: set[str],
        *,
        author: str | None,
    ) -> list[str]:
        """The disarmed steps that a commit of `changes`, not yet made, arms.

        `truth` is judged after it, `readers` are those of the changes, `author` is the step that made it.
        """
        return sorted(
            name
            for name in readers & task.disarmed
            if not truth[name] or name in task.looked or (name != author and self._follows(name, changes, task))
        )

    def _follows(self, name: str, changes: Sequence[Change], task: WorkingTask) -> bool:
        step = self.steps[name]
        return step.rearm == "change" and any(alters(change, step.condition.paths, task.document) for change in changes)

    def rearmed_on_opening(self, task: WorkingTask, truth: Mapping[str, bool]) -> list[str]:
        """The disarmed steps whose condition is not the one they fired on, or does not hold (which was not seen when
        the step was away); not those whose firing is to be repeated.
        """
        flying = {flight.step for flight in task.flights.values()}
        return sorted(
            name
            for name in task.disarmed & self.steps.keys() - flying
            if not truth[name] or task.conditions.get(name) != self.steps[name].condition.fingerprint
        )

    def to_repeat(self, task: WorkingTask) -> list[WorkingFlight]:
        """The voided firings that may run again now."""
        alone = alone_in(task)
        return [flight for flight in task.flights.values() if not flight.running and (alone is None or flight is alone)]

    def to_start(self, task: WorkingTask, truth: Mapping[str, bool], *, now: str, limit: int) -> list[Step]:
        """The steps to fire now, in order; at most as many as keep `limit` firings in flight."""
        if task.completed is not None or task.closed or task.awaited or alone_in(task) is not None:
            return []
        if task.parked_until is not None and now < task.parked_until:
            return []
        ready: Iterable[Step] = self.ready(task, truth, now=now)
        if task.trail.lap is not None:
            ready = (step for step in ready if step.name in task.retries)
        elif task.trail.watched:
            # A step that fires again and again takes its turn with the others.
            ready = sorted(ready, key=lambda step: task.last_start.get(step.name, 0))
        return [step for step, _ in zip(ready, range(limit - len(task.flights)), strict=False)]

    def ready(self, task: WorkingTask, truth: Mapping[str, bool], *, now: str) -> Iterator[Step]:
        """The steps whose condition holds and whose turn it is, in order; those of a task that goes round as well."""
        flying = {flight.step for flight in task.flights.values()}
        return (
            step for name, step in self.steps.items() if truth[name] and name not in flying and _due(task, name, now)
        )


def alone_in(task: WorkingTask) -> WorkingFlight | None:
    """The firing that was voided so often that nothing else may start or commit before it."""
    return next((flight for flight in task.flights.values() if flight.voids >= VOIDS_BEFORE_ALONE), None)


def runs_alone(task: WorkingTask) -> bool:
    """Whether a firing runs that no other commit may void."""
    flight = alone_in(task)
    return flight is not None and flight.running


def _due(task: WorkingTask, step: str, now: str) -> bool:
    retry = task.retries.get(step)
    return retry.at <= now if retry is not None else step not in task.disarmed


def start_order(step: Step) -> tuple[int, int, str]:
    """The key that puts steps in the order in which they start: priority down, specificity down, name."""
    return (-step.priority, -step.condition.specificity, step.name)


@dataclass(slots=True)
class _Node:
    """A tree of the paths that conditions name, so that a change finds its readers without asking every step."""

    steps: set[str] = field(default_factory=set)
    below: dict[str, _Node] = field(default_factory=dict)

    def add(self, path: Sequence[str], step: str) -> None:
        node = self
        for key in path:
            node = node.below.setdefault(key, _Node())
        node.steps.add(step)

    def collect(self, place: Sequence[str | int], found: set[str]) -> None:
        node = self
        found |= node.steps
        for key in place:
            below = node.below.get(key) if isinstance(key, str) else None
            if below is None:
                # Conditions do not name positions in lists, so at one of them every reader has been passed.
                return
            node = below
            found |= node.steps
        for steps in node.all_below():
            found |= steps

    def all_below(self) -> Iterator[set[str]]:
        """The readers of every longer path."""
        for node in self.below.values():
            yield node.steps
            yield from node.all_below()
