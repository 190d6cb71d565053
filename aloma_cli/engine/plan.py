"""Which steps may fire, by the rule of the rising edge. It reads a task and decides; it writes no event.

A step is armed until it fires. It is armed again when a commit makes its condition false, when its content calls
`redo`, when its entry in `$errors` is removed, when it only looked and a commit touches something it reads, and, with
`rearm = "change"`, when a commit of another step alters something it reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aloma_cli.clock import from_iso
from aloma_cli.content.step import Step
from aloma_cli.document.changes import Change
from aloma_cli.document.merge import alters
from aloma_cli.engine.agenda import Agenda
from aloma_cli.engine.index import Index
from aloma_cli.engine.working import WorkingFlight, WorkingTask
from aloma_cli.jsontext import JsonObject

VOIDS_BEFORE_ALONE = 3
"""After this many voids in a row a firing runs alone, so that it is sure to land."""


class Plan:
    """The enabled steps of a workspace, in the order in which they start."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self.steps: dict[str, Step] = {step.name: step for step in sorted(steps, key=start_order) if step.enabled}
        self._names = list(self.steps)
        self._position = {name: at for at, name in enumerate(self._names)}
        self._index = Index(self.steps.values())
        self._following = {step.name for step in self.steps.values() if step.rearm == "change"}

    def asks_for(self, parameter: str) -> bool:
        """Whether the content of a step has this parameter."""
        return any(parameter in step.content.parameters for step in self.steps.values())

    def watch(self, task: WorkingTask) -> None:
        """Judge every condition of a task for the first time."""
        document = task.document
        true = {name for name, step in self.steps.items() if step.condition.matches(document)}
        task.agenda = Agenda(self._names, self._position, true, task.disarmed)

    def judged(
        self, task: WorkingTask, changes: Sequence[Change], before: JsonObject, after: JsonObject, author: str | None
    ) -> tuple[list[tuple[str, bool]], set[str]]:
        """Whether the conditions hold that `changes` may have altered, and the disarmed steps that they arm.

        `before` and `after`: the document. `author`: the step that made the changes.
        """
        verdicts, armed, disarmed = [], set(), task.disarmed
        for name in self._index.concerned(changes, before, after):
            step = self.steps[name]  # the handler of interrupts reads this name, to say which condition takes long
            holds = step.condition.matches(after)
            verdicts.append((name, holds))
            if not holds and name in disarmed:
                armed.add(name)
        if task.looked or self._following:
            watching = (task.looked | self._following) & disarmed
            for name in self._index.readers(changes) & watching if watching else ():
                if name in task.looked or (name != author and self._follows(name, changes, before)):
                    armed.add(name)
        return verdicts, armed

    def _follows(self, name: str, changes: Iterable[Change], before: JsonObject) -> bool:
        paths = self.steps[name].condition.paths
        return name in self._following and any(alters(change, paths, before) for change in changes)

    def reads(self, step: str, changes: Iterable[Change]) -> bool:
        """Whether the condition of a step names a path at, under or above one of the changes."""
        return step in self._index.readers(changes)

    def rearmed_on_opening(self, task: WorkingTask) -> list[str]:
        """The disarmed steps whose condition is not the one they fired on, or does not hold.

        The latter was not seen if the step's file was away. Steps whose firing is to be repeated stay disarmed.
        """
        flying = {flight.step for flight in task.flights.values()}
        return sorted(
            name
            for name in task.disarmed & self.steps.keys() - flying
            if name not in task.true or task.begun[name].condition != self.steps[name].condition.fingerprint
        )

    def to_start(self, task: WorkingTask, *, now: float, limit: int) -> list[Step]:
        """The steps to fire now, in order, so that at most `limit` firings are in flight."""
        room = limit
        if task.flights:  # those that wait for a person take no place
            room -= sum(not flight.parked for flight in task.flights.values())
            if alone_in(task) is not None:
                return []
        if room <= 0 or task.completed is not None or task.awaited:
            return []
        if task.parked_until is not None and is_parked(task, now):
            return []
        if not task.retries and not task.trail.watched:
            flying = [flight.step for flight in task.flights.values()] if task.flights else ()
            return list(map(self.steps.__getitem__, task.agenda.first(room, flying)))
        ready = self.ready(task, now=now)
        if task.trail.cycle is not None:
            ready = [step for step in ready if step.name in task.retries]
        elif task.trail.watched:
            # Steps take turns, so that none starves beside one that fires again and again.
            ready.sort(key=lambda step: task.begun[step.name].firing if step.name in task.begun else 0)
        return ready[:room]

    def ready(self, task: WorkingTask, *, now: float) -> list[Step]:
        """The steps whose condition holds and that are armed, or due for another try, in order."""
        due = {name for name, retry in task.retries.items() if name in task.true and from_iso(retry.at) <= now}
        ready = due.union(name for name in task.agenda.ready() if name not in task.retries)
        ready -= {flight.step for flight in task.flights.values()}
        return [self.steps[name] for name in sorted(ready, key=self._position.__getitem__)]


def is_parked(task: WorkingTask, now: float) -> bool:
    """Whether a firing parked the task until a moment that has not come."""
    return task.parked_until is not None and now < from_iso(task.parked_until)


def to_repeat(task: WorkingTask) -> list[WorkingFlight]:
    """The voided firings that may run again now."""
    alone = alone_in(task)
    return [
        flight
        for flight in task.flights.values()
        if not flight.running and not flight.unanswered and (alone is None or flight is alone)
    ]


def alone_in(task: WorkingTask) -> WorkingFlight | None:
    """The firing that was voided so often that nothing else may start or commit before it."""
    for flight in task.flights.values():
        if flight.voids >= VOIDS_BEFORE_ALONE:
            return flight
    return None


def runs_alone(task: WorkingTask) -> bool:
    """Whether a firing runs that no other commit may void."""
    flight = alone_in(task)
    return flight is not None and flight.running


def start_order(step: Step) -> tuple[int, int, str]:
    """The key that puts steps in the order in which they start: priority down, specificity down, name."""
    return (-step.priority, -step.condition.specificity, step.name)
