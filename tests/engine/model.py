"""The rules of firing once more, told from the journal alone and as plainly as can be, to hold the engine against."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import jsonpatch

from aloma_cli.content.step import Step
from aloma_cli.document.diff import same
from aloma_cli.record import events as ev


@dataclass
class Flight:
    step: str
    version: int
    running: bool = True
    voids: int = 0


@dataclass
class Commit:
    """What later commits are held against: the steps whose conditions name what it changed, and where it wrote."""

    version: int
    readers: set[str]
    written: set[str]


@dataclass
class ModelTask:
    document: dict[str, Any]
    armed: set[str]
    version: int = 0
    looked: set[str] = field(default_factory=set)
    retries: set[str] = field(default_factory=set)
    flights: dict[int, Flight] = field(default_factory=dict)
    commits: list[Commit] = field(default_factory=list)
    awaited: set[str] = field(default_factory=set)
    closing: bool = False
    rest: str | None = None
    states: dict[int, Any] = field(default_factory=dict)
    """For each version what came next depends on."""

    def remember(self) -> None:
        errors = {step: {**entry, "at": ""} for step, entry in self.document.get("$errors", {}).items()}
        self.states[self.version] = ({**self.document, "$errors": errors}, set(self.armed), set(self.looked))


class Model:
    """Takes the events of a journal in order and asserts, for each, that the rules allow it."""

    def __init__(self, steps: Iterable[Step], *, concurrency: int) -> None:
        self.steps = {step.name: step for step in steps}
        self.concurrency = concurrency
        self.tasks: dict[str, ModelTask] = {}

    def take(self, event: ev.Event) -> None:
        if isinstance(event, ev.TaskCreated):
            self.tasks[event.task] = ModelTask(event.data, set(self.steps))
            self.tasks[event.task].remember()
            if event.wait_for:
                self.tasks[event.parent or ""].awaited.add(event.task)
        elif handler := getattr(self, f"_{event.KIND}", None):
            handler(self.tasks[event.task], event)

    def end_batch(self) -> None:
        """Assert what holds after each batch, if not after each event."""
        for task in self.tasks.values():
            for flight in task.flights.values():
                assert not self.steps[flight.step].withdraw or self.holds(task, flight.step), "it is to be withdrawn"

    def holds(self, task: ModelTask, step: str) -> bool:
        return self.steps[step].condition.matches(task.document)

    # -- firings -------------------------------------------------------------------------------------------------------

    def _firing_started(self, task: ModelTask, event: ev.FiringStarted) -> None:
        before = task.flights.get(event.firing)
        if before is not None and before.version == event.version:
            assert before.running or not before.voids, "only a crash or a limit lets a firing start where it started"
            before.running = True
            return
        assert event.version == task.version
        assert self.holds(task, event.step), "a step is started only where its condition holds"
        if before is None:
            assert event.step in task.armed | task.retries, "a step is started only when it is armed, or tried again"
            assert event.step not in {flight.step for flight in task.flights.values()}, "no step overlaps itself"
            assert not task.closing, "nothing new starts after complete()"
            assert not task.awaited, "nothing new starts before the subtasks that are waited for have ended"
            assert all(flight.voids < 3 for flight in task.flights.values()), (
                "nothing new starts beside what runs alone"
            )
            assert len(task.flights) < self.concurrency
        else:
            assert not before.running, "a firing runs once at a time"
            assert not (task.closing and before.voids), "nothing that was void is repeated after complete()"
        task.flights[event.firing] = Flight(event.step, event.version, voids=before.voids if before else 0)
        for names in (task.armed, task.looked, task.retries):
            names.discard(event.step)

    def _firing_looked(self, task: ModelTask, event: ev.FiringLooked) -> None:
        flight = task.flights.pop(event.firing)
        missed = any(flight.step in commit.readers for commit in task.commits if commit.version > flight.version)
        assert event.rearmed == missed, "a look is armed by what it did not see, and by nothing else"
        (task.armed if missed else task.looked).add(flight.step)

    def _firing_voided(self, task: ModelTask, event: ev.FiringVoided) -> None:
        if event.again:
            flight = task.flights[event.firing]
            flight.running = False
            flight.voids = 0 if event.reason in ("limited", "stopped") else flight.voids + 1
            return
        del task.flights[event.firing]
        if event.reason == "superseded":
            task.armed.add(event.step)
        elif not task.closing and event.reason != "stopped":
            assert not self.holds(task, event.step), "a void firing whose condition holds goes again"

    def _firing_failed(self, task: ModelTask, event: ev.FiringFailed) -> None:
        del task.flights[event.firing]
        if event.retry_at is not None:
            task.retries.add(event.step)

    def _steps_armed(self, task: ModelTask, event: ev.StepsArmed) -> None:
        task.armed |= set(event.steps)
        task.retries -= set(event.steps)

    # -- commits -------------------------------------------------------------------------------------------------------

    def _committed(self, task: ModelTask, event: ev.Committed) -> None:
        assert event.version == task.version + 1
        task.version = event.version
        places = [_place(task.document, change["path"]) for change in event.changes]
        written = _written(task.document, event)
        if event.firing is not None:
            flight = task.flights.pop(event.firing)
            assert flight.running
            since = [commit.written for commit in task.commits if commit.version > flight.version]
            assert not written & set().union(*since), "the first to commit wins at each place"
            assert self.holds(task, event.step or "") or not self._sets_what_it_tests(event, places)
        alone = [flight for flight in task.flights.values() if flight.voids >= 3 and flight.running]
        cut = event.child is not None and self.tasks[event.child].rest in ("stopped", "incomplete")
        # A person who has claimed the tree writes while nothing runs. That does not keep the firing from landing for
        # long: it is repeated when the tree is opened, and persons write seldom. Requests to a process queue.
        directly = event.by == "person" and event.request is None
        assert cut or directly or not alone, "commits queue behind what runs alone, but for the end of what was cut off"
        before = task.document
        failed = set(before.get("$errors") or {})
        altered: set[str] = set()
        for change in event.changes:  # what a firing removes, and the engine makes again for a subtask, is a change
            task.document = jsonpatch.apply_patch(task.document, [change])
            altered |= {name for name, step in self.steps.items() if _alters(step, before, task.document)}
        readers = {name for name, step in self.steps.items() if _reads(step, places)}
        task.commits.append(Commit(event.version, readers, written))
        wanted = {name for name in self.steps if self._is_armed_by(task, event, name, readers, altered)}
        wanted |= (failed - set(task.document.get("$errors") or {})) & self.steps.keys()
        assert set(event.armed) - task.armed == wanted - task.armed
        task.armed |= wanted
        task.looked -= wanted
        task.closing |= event.completed is not None
        task.remember()

    def _sets_what_it_tests(self, event: ev.Committed, places: list[tuple[str, ...]]) -> bool:
        paths = self.steps[event.step or ""].condition.paths
        return any(place[: len(path)] == path for path in paths for place in places)

    def _is_armed_by(
        self, task: ModelTask, event: ev.Committed, name: str, readers: set[str], altered: set[str]
    ) -> bool:
        if not self.holds(task, name) or (event.redo and event.step == name):
            return True
        follows = self.steps[name].rearm == "change" and event.step != name
        return (name in readers and name in task.looked) or (name in altered and follows)

    # -- rest ----------------------------------------------------------------------------------------------------------

    def _task_rested(self, task: ModelTask, event: ev.TaskRested) -> None:
        task.rest = event.state
        if event.state == "limited" or (event.state == "stopped" and not event.closed):
            return
        assert not task.flights
        if event.state != "question":
            for other in self.tasks.values():
                other.awaited.discard(event.task)
        if event.cycle:
            first, last = event.cycle[0]["version"], event.cycle[-1]["version"]
            assert task.states[first - 1] == task.states[last], "only what is back where it was has made no progress"
            return
        if event.state in ("stopped", "incomplete") or task.closing or task.awaited:
            return
        lost = [name for name in task.armed if self.holds(task, name)]
        assert not lost, "no wake-up is lost: what is armed and matches has fired"
        assert not task.retries


def _place(document: Any, pointer: str) -> tuple[str, ...]:
    """The smallest place that holds all that is changed, down to the first list on the way."""
    place: list[str] = []
    here = document
    for key in pointer.split("/")[1:]:
        if isinstance(here, list):
            break
        place.append(key)
        here = here.get(key) if isinstance(here, dict) else None
    return tuple(place)


def _written(document: Any, event: ev.Committed) -> set[str]:
    """The places, outside lists, that a commit wrote, but for what the engine makes on the newest document."""
    own = [change for change in event.changes if not change["path"].startswith("/$") and change.get("value") != {}]
    pointers = {change["path"] for change in own}
    about = {f"task.{name}" for name in ("name", "tags") if getattr(event, name) is not None}
    return {pointer for pointer in pointers if len(_place(document, pointer)) == pointer.count("/")} | about


def _alters(step: Step, before: Any, after: Any) -> bool:
    """Whether what stands at or under a path that the condition names is another."""
    return any(not same(_at(before, path), _at(after, path)) for path in step.condition.paths)


def _at(document: Any, path: Iterable[str]) -> Any:
    here = document
    for key in path:
        if not isinstance(here, dict) or key not in here:
            return ...
        here = here[key]
    return here


def _reads(step: Step, places: list[tuple[str, ...]]) -> bool:
    return any(path[: len(place)] == place[: len(path)] for path in step.condition.paths for place in places)
