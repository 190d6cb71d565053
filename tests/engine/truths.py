"""What must be true of any tree of tasks, told from its journal alone. It decides nothing."""

from __future__ import annotations

import copy
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from aloma_cli.content.step import Step
from aloma_cli.record import events as ev
from tests.store.foreign_reader import patch

MOST_SHOWN = 20
UNENDED = ("question", "limited")
ENDINGS = ("done", "error", "ignored", "incomplete", "stopped")


@dataclass
class KnownTask:
    created: ev.TaskCreated
    document: dict[str, Any]
    documents: list[dict[str, Any]]
    """By version."""
    armed: set[str]
    rest: ev.TaskRested | None = None
    ended: str | None = None
    completed: dict[str, Any] | None = None
    questions: dict[str, dict[str, Any]] = field(default_factory=dict)
    retries: dict[str, ev.FiringFailed] = field(default_factory=dict)
    children: list[KnownTask] = field(default_factory=list)
    parked_until: str | None = None
    expires_at: str | None = None
    landed: int = 0
    fired: int = 0
    looked: int = 0

    @property
    def closed(self) -> bool:
        return self.rest is not None and self.rest.closed

    @property
    def timers(self) -> list[str]:
        if self.closed:
            return []
        ends = [self.parked_until, self.expires_at, *(asked.get("until") for asked in self.questions.values())]
        return [*(failed.retry_at or "" for failed in self.retries.values()), *(end for end in ends if end)]


@dataclass
class KnownFiring:
    task: str
    step: str
    attempt: int
    version: int
    runs: int = 0
    voids: int = 0
    running: bool = True
    over: bool = False
    answers: dict[str, ev.CallAnswered] = field(default_factory=dict)


class Truths:
    """Takes the batches of one journal in order, and asserts for each what is true of all."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self.steps = {step.name: step for step in steps}
        self.tasks: dict[str, KnownTask] = {}
        self.firings: dict[int, KnownFiring] = {}
        self.requests: Counter[str] = Counter()
        self.limits: dict[str, Any] = {}
        self.limited = False
        self.stopped = False
        self.calls = 0
        self._made: Counter[int] = Counter()
        self._standing: dict[tuple[str, str], int] = {}
        self._changed: set[str] = set()

    def take(self, batch: Iterable[ev.Event]) -> None:
        """One batch; what has to happen together must have happened when it ends."""
        self._changed = set()
        for event in batch:
            task = self.tasks.get(event.task)
            assert task is not None or isinstance(event, ev.TaskCreated)
            getattr(self, f"_{event.KIND}")(task, event)
        for name in self._changed:
            self._count_children(self.tasks[name])

    @property
    def running(self) -> set[int]:
        return {number for number, firing in self.firings.items() if not firing.over and firing.running}

    @property
    def answered(self) -> set[tuple[int, str]]:
        """The calls that are on record, and must not be made again."""
        return {(number, key) for number, firing in self.firings.items() for key in firing.answers}

    def flights(self, task: str) -> list[KnownFiring]:
        return [firing for firing in self.firings.values() if firing.task == task and not firing.over]

    # -- tasks ---------------------------------------------------------------------------------------------------------

    def _task_created(self, task: KnownTask | None, event: ev.TaskCreated) -> None:
        assert task is None, "a task is made once"
        document = copy.deepcopy(event.data)
        made = KnownTask(event, document, [copy.deepcopy(document)], set(self.steps), expires_at=event.expires_at)
        self.tasks[event.task] = made
        if event.parent is None:
            assert len(self.tasks) == 1, "a tree has one root"
            return
        root, firing, order = event.task.split(".")
        assert root == next(iter(self.tasks))
        maker = self.firings[int(firing)]
        self._made[int(firing)] += 1
        assert (maker.over, maker.task, self._made[int(firing)]) == (True, event.parent, int(order))
        assert not self.tasks[event.parent].closed
        self.tasks[event.parent].children.append(made)
        self._changed.add(event.parent)

    def _task_rested(self, task: KnownTask, event: ev.TaskRested) -> None:
        assert not task.closed, "a closed task never changes again"
        assert event.state in (*UNENDED, *ENDINGS)
        task.rest = event
        flights = self.flights(event.task)
        assert not any(flight.running for flight in flights), "it rests while something runs"
        errors = self._errors(task)
        if event.state == "stopped" and not event.closed:
            self.stopped |= task.created.parent is None
            return
        if event.state in UNENDED:
            self._unended(task, event)
            return
        assert not flights, f"{event} leaves {flights}"
        assert event.result == (task.completed or {}).get("result"), "the first complete() fixes the result"
        circled = bool(event.cycle)
        assert not circled or self._is_back(task, event.cycle), "what has made no progress is back where it was"
        cut = event.state in ("stopped", "incomplete") and not circled
        assert event.closed == (cut or task.created.parent is not None or task.completed is not None)
        if not cut and not circled:
            assert (event.state == "error") == bool(errors)
            assert event.state != "ignored" or task.fired == task.looked
            assert task.completed is not None or not task.questions, "it has ended, and somebody is still asked"
            assert task.completed is not None or not task.retries
            assert task.completed is not None or all(child.rest for child in task.children), "a subtask continues"
        task.expires_at = None
        if event.closed:
            task.questions.clear()
            task.retries.clear()
        if task.ended is None or task.created.parent is None:
            task.ended = event.state
        if task.created.parent is not None:
            self._changed.add(task.created.parent)

    def _tree_resumed(self, root: KnownTask, event: ev.TreeResumed) -> None:
        assert self.stopped, "only what a person stopped is resumed"
        self.stopped = False
        for task in self.tasks.values():
            if task.rest and task.rest.state == "stopped" and not task.closed:
                self._wake(task)

    def _request_refused(self, task: KnownTask, event: ev.RequestRefused) -> None:
        assert not self.requests[event.request], "what was carried out is not refused"

    def _is_back(self, task: KnownTask, cycle: tuple[dict[str, Any], ...]) -> bool:
        first, last = (_timeless(task.documents[at]) for at in (cycle[0]["version"] - 1, cycle[-1]["version"]))
        return len(cycle) == MOST_SHOWN or first == last

    def _unended(self, task: KnownTask, event: ev.TaskRested) -> None:
        assert not event.closed
        below = {child.rest.state for child in task.children if child.rest and child.ended is None}
        own = bool(task.questions) if event.state == "question" else self.limited
        assert own or event.state in below

    def _errors(self, task: KnownTask) -> list[Any]:
        errors = task.document.get("$errors")
        entries = errors.values() if isinstance(errors, dict) else []
        return [entry for entry in entries if not (isinstance(entry, dict) and entry.get("handled") is True)]

    def _count_children(self, task: KnownTask) -> None:
        """`$children` equals a count of the subtasks; each that has ended has landed, once."""
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for child in task.children:
            counts[child.created.group or ""].update(["total", child.ended or "running"])
            assert child.landed == (child.ended is not None)
        there = {
            group: {name: number for name, number in numbers.items() if number}
            for group, numbers in task.document.get("$children", {}).items()
            if numbers["total"]
        }
        assert there == {group: dict(numbers) for group, numbers in counts.items()}

    def _wake(self, task: KnownTask) -> None:
        while not task.closed:
            task.rest = None
            if task.created.parent is None:
                return
            task = self.tasks[task.created.parent]
            if task.rest is None or task.rest.state not in UNENDED:
                return

    # -- firings -------------------------------------------------------------------------------------------------------

    def _firing_started(self, task: KnownTask, event: ev.FiringStarted) -> None:
        assert not task.closed
        known = self.firings.get(event.firing)
        if known is None:
            known = self._first_run(task, event)
        assert (known.task, known.step, known.attempt, known.over) == (event.task, event.step, event.attempt, False)
        assert event.run == known.runs + 1
        assert event.version == (known.version if known.running else len(task.documents) - 1)
        if event.version != known.version or event.run == 1:
            task.armed.discard(event.step)
        known.runs, known.version, known.running = event.run, event.version, True
        self._wake(task)

    def _first_run(self, task: KnownTask, event: ev.FiringStarted) -> KnownFiring:
        assert event.firing == len(self.firings) + 1, "numbers count up, and are never used again"
        assert not self.limited, "nothing starts under a limit"
        assert not self.stopped, "nothing starts in a tree that a person stopped"
        assert task.completed is None
        assert event.step not in {flight.step for flight in self.flights(event.task)}, "no step overlaps itself"
        failed = task.retries.pop(event.step, None)
        assert failed is None or (failed.retry_at or "") <= event.at, "a try comes when it is due"
        assert failed is not None or event.step in task.armed
        assert task.parked_until is None or task.parked_until <= event.at
        assert all(child.ended or not child.created.wait_for for child in task.children)
        assert event.attempt == (failed.attempt + 1 if failed else 1)
        assert event.continues == self._standing.pop((event.task, event.step), None)
        firing = KnownFiring(event.task, event.step, event.attempt, event.version)
        if event.continues is not None:
            before = self.firings[event.continues].answers
            firing.answers = {key: answer for key, answer in before.items() if answer.error is None}
        firing.running = False
        self.firings[event.firing] = firing
        task.fired += 1
        return firing

    def _call_sent(self, task: KnownTask, event: ev.CallSent) -> None:
        firing = self.firings[event.firing]
        assert firing.running
        assert not firing.over
        assert event.key not in firing.answers, "what was answered is not asked again"

    def _call_answered(self, task: KnownTask, event: ev.CallAnswered) -> None:
        firing = self.firings[event.firing]
        assert not firing.over
        assert event.key not in firing.answers, "what was answered is not asked again"
        firing.answers[event.key] = event
        self.calls += 1

    def _tree_opened(self, task: KnownTask, event: ev.TreeOpened) -> None:
        assert self.running, "an opening is on record only where firings are"

    def _logged(self, task: KnownTask, event: ev.Logged) -> None:
        assert not self.firings[event.firing].over

    def _end(self, number: int, event: Any) -> KnownFiring:
        firing = self.firings[number]
        assert (firing.over, firing.task, firing.step) == (False, event.task, event.step), "a firing ends once"
        firing.over = True
        return firing

    def _firing_looked(self, task: KnownTask, event: ev.FiringLooked) -> None:
        self._end(event.firing, event)
        task.looked += 1
        if event.rearmed:
            task.armed.add(event.step)

    def _firing_voided(self, task: KnownTask, event: ev.FiringVoided) -> None:
        if event.again:
            firing = self.firings[event.firing]
            assert firing.running
            firing.running = False
            firing.voids = 0 if event.reason in ("limited", "stopped") else firing.voids + 1
            return
        self._end(event.firing, event)
        if event.reason == "superseded":
            task.armed.add(event.step)

    def _firing_failed(self, task: KnownTask, event: ev.FiringFailed) -> None:
        firing = self._end(event.firing, event)
        assert event.attempt == firing.attempt
        if event.error.get("connector") and firing.answers:
            self._standing[event.task, event.step] = event.firing
        if event.retry_at is not None:
            task.retries[event.step] = event

    def _steps_armed(self, task: KnownTask, event: ev.StepsArmed) -> None:
        assert not task.closed
        self._carry_out(event.request)
        task.armed |= set(event.steps)
        for step in event.steps:
            if task.retries.pop(step, None) is not None:
                self._standing.pop((event.task, step), None)
        self._wake(task)

    # -- commits -------------------------------------------------------------------------------------------------------

    def _committed(self, task: KnownTask, event: ev.Committed) -> None:
        assert not task.closed or event.by == "landing", "a closed task never changes again"
        assert event.version == len(task.documents)
        for change in copy.deepcopy(event.changes):
            task.document = patch(task.document, change)
        task.documents.append(copy.deepcopy(task.document))
        task.armed |= set(event.armed)
        self._carry_out(event.request)
        if event.firing is not None:
            assert self._end(event.firing, event).running
        if event.completed is not None and task.completed is None:
            task.completed = event.completed
        for place in event.answers:
            assert task.questions.pop(place, None), "what was not asked, or was answered, is answered"
        for asked in event.asked:
            task.questions[".".join(map(str, asked["into"]))] = asked
        if event.changes:
            task.parked_until = None
        if event.parked_until is not None:
            task.parked_until = max(event.parked_until, task.parked_until or "")
        task.expires_at = event.expires_at or task.expires_at
        if event.by == "landing":
            self._land(task, event)
        self._changed.add(event.task)
        self._wake(task)

    def _land(self, task: KnownTask, event: ev.Committed) -> None:
        child = self.tasks[event.child or ""]
        assert child in task.children
        assert child.ended is not None, "only what has ended lands"
        child.landed += 1
        assert child.landed == 1, "a subtask lands once"
        if child.created.into is None or child.ended == "stopped":
            return
        stranded = (task.document.get("$errors") or {}).get(f"subtask {event.child}")
        there: Any = task.document if stranded is None else stranded["result"]
        for key in child.created.into if stranded is None else ():
            there = there[key]
        assert (there["status"], there["task"]) == (child.ended, event.child)
        if child.completed:
            assert there["result"] == child.completed["result"]

    def _carry_out(self, request: str | None) -> None:
        if request is not None:
            self.requests[request] += 1
            assert self.requests[request] == 1, "a request is carried out once"

    # -- limits --------------------------------------------------------------------------------------------------------

    def _limits_set(self, task: KnownTask, event: ev.LimitsSet) -> None:
        self.limits = event.limits
        self.limited = False
        for one in self.tasks.values():
            if one.rest is not None and one.rest.state == "limited":
                self._wake(one)

    def _limit_reached(self, task: KnownTask, event: ev.LimitReached) -> None:
        assert not self.limited
        self.limited = True

    # -- between turns -------------------------------------------------------------------------------------------------

    def settled(self, now: str, concurrency: int, circling: Collection[str]) -> None:
        """Assert that a turn at `now` left nothing undone: what can start has started, and what is due has happened.

        `circling` are the tasks that get nowhere: only a try that is due starts there.
        """
        if self.stopped:
            assert not self.running
            return
        for name, task in self.tasks.items():
            if task.closed:
                continue
            assert task.expires_at is None or task.expires_at > now, "its time is up"
            queues = any(flight.voids >= 3 and flight.running for flight in self.flights(name))
            due = any(asked.get("until", "9") <= now for asked in task.questions.values())
            assert queues or not due, "a default is due"
            ready = [step for step in self._ready(name, task, now) if name not in circling or step in task.retries]
            assert not ready or self._blocked(name, task, now, concurrency), f"{ready} of {name} could start"
            if task.rest is None:
                assert self._goes_on(name, task, now), f"{name} should be at rest"
            else:
                assert not any(flight.running for flight in self.flights(name))
                goes_on = any(child.rest is None for child in task.children)
                assert task.completed is not None or not goes_on, (
                    f"{name} rests ({task.rest.state}) while a subtask continues"
                )

    def _ready(self, name: str, task: KnownTask, now: str) -> list[str]:
        flying = {flight.step for flight in self.flights(name)}
        holds = [step for step, one in self.steps.items() if one.condition.matches(task.document)]
        lapsed = [step for step, failed in task.retries.items() if (failed.retry_at or "") <= now]
        assert not set(lapsed) - set(holds), "a try that is due, and cannot be, is off"
        armed = task.armed - task.retries.keys() | set(lapsed)
        return [step for step in holds if step in armed and step not in flying]

    def _blocked(self, name: str, task: KnownTask, now: str, concurrency: int) -> bool:
        flights = self.flights(name)
        awaited = any(child.created.wait_for and child.ended is None for child in task.children)
        parked = task.parked_until is not None and now < task.parked_until
        alone = any(flight.voids >= 3 for flight in flights)
        return bool(
            self.limited or task.completed is not None or awaited or parked or alone or len(flights) >= concurrency
        )

    def _goes_on(self, name: str, task: KnownTask, now: str) -> bool:
        """Whether something will come of itself: a firing's end, a timer, a subtask's end."""
        parked = task.parked_until is not None and now < task.parked_until
        above = self.flights(task.created.parent or "")
        queues = any(flight.voids >= 3 for flight in above)
        runs = any(flight.running for flight in self.flights(name))
        return bool(runs or task.retries or parked or queues or any(child.rest is None for child in task.children))


def _timeless(document: dict[str, Any]) -> dict[str, Any]:
    errors = {step: {**entry, "at": ""} for step, entry in document.get("$errors", {}).items()}
    return {**document, "$errors": errors}
