"""What a tree of tasks is: the sum of its events.

The running engine and the one that reads a journal after a crash build their state by the same `apply`, so they
cannot disagree. Nothing here knows a step's code; nothing here decides anything.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aloma_cli.budget import Amount, Limits
from aloma_cli.clock import from_iso
from aloma_cli.document.changes import Change, replay
from aloma_cli.document.diff import diff
from aloma_cli.engine.cycles import Trail
from aloma_cli.engine.held import Held
from aloma_cli.ids import root_of
from aloma_cli.jsontext import JsonObject, Path, show_path
from aloma_cli.record import events as ev

if TYPE_CHECKING:
    from aloma_cli.store.protocol import Batch

LIVE = "processing"
UNENDED = ("question", "limited")
"""States of a rest that is not an end: a subtask in them has not landed. Nor has one that a person stopped with its
root (`is_end`)."""

_FROM_OUTSIDE = ("person", "landing")


@dataclass(slots=True)
class Flight:
    """A firing under way: started, and not yet ended for good."""

    firing: int
    step: str
    at: str
    base: JsonObject
    version: int
    attempt: int
    run: int
    digest: int
    about: JsonObject
    voids: int = 0
    running: bool = True


@dataclass(slots=True)
class Retry:
    """A step that waits for its next try, due at `at` (ISO)."""

    at: str
    attempt: int
    continues: int | None
    reason: str


@dataclass(slots=True)
class Revision:
    """One commit, as those need it who started before it."""

    version: int
    firing: int | None
    changes: list[Change]
    about: list[Change]


@dataclass(slots=True)
class StepFigures:
    """What one step did in one task."""

    fired: int = 0
    looked: int = 0
    failed: int = 0
    voided: int = 0
    calls: int = 0
    answers: int = 0
    simulated: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    unpriced: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class TaskState:
    """One task. `document` is never altered in place."""

    id: str
    name: str
    tags: tuple[str, ...]
    parent: str | None
    into: Path | None
    group: str | None
    wait_for: bool
    created_at: str
    updated_at: str
    document: JsonObject
    trail: Trail
    version: int = 0
    disarmed: set[str] = field(default_factory=set)
    looked: set[str] = field(default_factory=set)
    flights: dict[int, Flight] = field(default_factory=dict)
    retries: dict[str, Retry] = field(default_factory=dict)
    standing: dict[str, int] = field(default_factory=dict)
    conditions: dict[str, str] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    history: list[Revision] = field(default_factory=list)
    children: list[str] = field(default_factory=list)
    live_children: set[str] = field(default_factory=set)
    awaited: set[str] = field(default_factory=set)
    completed: JsonObject | None = None
    expires_at: str | None = None
    parked_until: str | None = None
    questions: dict[str, JsonObject] = field(default_factory=dict)
    held: Held = field(default_factory=Held)
    settings: dict[str, Any] = field(default_factory=dict)
    starts: Counter[str] = field(default_factory=Counter)
    last_start: dict[str, int] = field(default_factory=dict)
    """The last firing of each step."""
    rest: ev.TaskRested | None = None
    figures: defaultdict[str, StepFigures] = field(default_factory=lambda: defaultdict(StepFigures))

    @property
    def state(self) -> str:
        """One of the states of a task; `waiting` also while nothing but a timer or a subtask is waited for."""
        if self.rest is not None:
            return self.rest.state
        if not self.version and not self.flights and not self.figures:
            return "created"
        if any(flight.running for flight in self.flights.values()):
            return LIVE
        return "waiting" if self.retries or self.live_children or self.parked_until else LIVE

    @property
    def about(self) -> JsonObject:
        """What firings can write besides the document, as a document: it merges by the same rules."""
        questions = {place: asked["question"] for place, asked in self.questions.items()}
        return {"name": self.name, "tags": list(self.tags), "settings": dict(self.settings), "questions": questions}

    @property
    def timers(self) -> list[str]:
        """The moments (ISO) at which something is due here."""
        if self.closed:
            return []
        ends = (self.expires_at, self.parked_until, *(question.get("until") for question in self.questions.values()))
        return [*(retry.at for retry in self.retries.values()), *(end for end in ends if end is not None)]

    @property
    def standpoint(self) -> Hashable:
        """What the steps do next depends on this and on the document."""
        flights = sorted((flight.step, flight.digest, flight.attempt) for flight in self.flights.values())
        asked = (self.name, self.tags, tuple(self.questions), json.dumps(self.settings) if self.settings else "")
        order = tuple(sorted(self.last_start, key=self.last_start.__getitem__))
        return (frozenset(self.disarmed), frozenset(self.looked), tuple(flights), asked, order)

    @property
    def closed(self) -> bool:
        """Whether nothing will wake this task again."""
        return self.rest is not None and self.rest.closed

    def since(self, version: int) -> list[Revision]:
        """The commits after `version`, as far as a flight needs them."""
        return [revision for revision in self.history if revision.version > version]


class Tree:
    """A root task and its descendants."""

    def __init__(self) -> None:
        self.tasks: dict[str, TaskState] = {}
        self.root_id = ""
        self.last_firing = 0
        self.flying: dict[int, TaskState] = {}
        self.running: set[int] = set()
        self.calls: defaultdict[int, dict[str, ev.CallAnswered]] = defaultdict(dict)
        self.entries: Counter[str] = Counter()
        self.requests: set[str] = set()
        self.spent = Amount()
        self.answers: defaultdict[tuple[str, str | None], list[int]] = defaultdict(list)
        self.working = 0.0
        self.limits = Limits()
        self.limited: str | None = None
        self.stopped: str | None = None
        """Why a person stopped the whole tree; nothing starts before it is resumed."""
        self.answering: JsonObject | None = None
        self.answered: Counter[str] = Counter()
        """How many model calls were answered, `real` and `simulated`."""
        self.last_at = ""

    @classmethod
    def of(cls, events: Iterable[ev.Event]) -> Tree:
        """The tree that `events`, in order, add up to."""
        tree = cls()
        for event in events:
            tree.apply(event)
        return tree

    @classmethod
    def read(cls, batches: Iterable[Batch]) -> Tree:
        """The tree of a record. Raises JournalDamagedError where an entry does not follow from those before it."""
        tree = cls()
        for batch in batches:
            tree.take(batch)
        return tree

    @property
    def root(self) -> TaskState:
        return self.tasks[self.root_id]

    def take(self, batch: Batch) -> None:
        """Take a batch in that was read from a record. Raises JournalDamagedError; the tree is of no use then."""
        try:
            for event in batch.events:
                self.apply(event)
        except Exception as error:
            # Its checksum fits, so another program wrote it: anything may stand there.
            why = f"it does not follow from the lines before it ({type(error).__name__}: {error})"
            raise batch.damaged(why) from error

    def apply(self, event: ev.Event) -> None:
        """Take one event in."""
        self._pass_time(event)
        _APPLY[type(event)](self, event)
        task = self.tasks[event.task]
        task.updated_at = max(task.updated_at, event.at)

    def worked(self, now: float) -> float:
        """Seconds with firings running up to `now` (seconds since 1970), while the tree is run."""
        if not self.running:
            return self.working
        return self.working + max(0.0, now - from_iso(self.last_at))

    def _pass_time(self, event: ev.Event) -> None:
        """Count the time with firings running; what passed while nobody ran the tree does not count."""
        if not isinstance(event, ev.TreeOpened):
            self.working = self.worked(from_iso(event.at))
        self.last_at = max(self.last_at, event.at)

    def setting(self, task: TaskState, name: str) -> Any:
        """What was set for a task, or for the nearest task above it; None where nothing was."""
        while name not in task.settings and task.parent is not None:
            task = self.tasks[task.parent]
        return task.settings.get(name)

    def flights(self) -> list[tuple[TaskState, Flight]]:
        """Every firing under way."""
        tasks = dict.fromkeys(task.id for task in self.flying.values())
        return [(self.tasks[task], flight) for task in tasks for flight in self.tasks[task].flights.values()]

    def flight(self, firing: int) -> tuple[TaskState, Flight] | None:
        """The task and flight of a firing that runs, if it still does."""
        task = self.flying.get(firing)
        flight = task.flights.get(firing) if task is not None else None
        return (task, flight) if task is not None and flight is not None and flight.running else None

    def depth(self, task: TaskState) -> int:
        """How many tasks there are above it."""
        depth = 0
        while task.parent is not None:
            task, depth = self.tasks[task.parent], depth + 1
        return depth

    def descendants(self, task_id: str) -> list[TaskState]:
        """The subtasks of a task, and theirs."""
        found: list[TaskState] = []
        waiting = self.tasks[task_id].children[::-1]
        while waiting:
            found.append(self.tasks[waiting.pop()])
            waiting += found[-1].children[::-1]
        return found


def _created(tree: Tree, event: ev.TaskCreated) -> None:
    tree.tasks[event.task] = TaskState(
        id=event.task,
        name=event.name,
        tags=event.tags,
        parent=event.parent,
        into=event.into,
        group=event.group,
        wait_for=event.wait_for,
        created_at=event.at,
        updated_at=event.at,
        document=event.data,
        expires_at=event.expires_at,
        trail=Trail.of(root_of(event.task), event.at),
    )
    if event.parent is None:
        tree.root_id = event.task
        tree.answering = event.answering
        return
    parent = tree.tasks[event.parent]
    parent.children.append(event.task)
    parent.live_children.add(event.task)
    if event.into is not None:
        parent.held.hold(event.into)
    if event.wait_for:
        parent.awaited.add(event.task)


def _started(tree: Tree, event: ev.FiringStarted) -> None:
    task = tree.tasks[event.task]
    tree.last_firing = max(tree.last_firing, event.firing)
    before = task.flights.get(event.firing)
    # After a crash the same firing is repeated from where it started, not from the newest document; what has armed
    # its step since then still does.
    interrupted = before if before is not None and before.version == event.version else None
    base, digest = (interrupted.base, interrupted.digest) if interrupted else (task.document, task.trail.digest.value)
    about = interrupted.about if interrupted else task.about
    tree.flying[event.firing] = task
    tree.running.add(event.firing)
    task.flights[event.firing] = Flight(
        event.firing,
        event.step,
        at=before.at if before is not None else event.at,
        base=base,
        version=event.version,
        attempt=event.attempt,
        run=event.run,
        digest=digest,
        about=about,
        voids=before.voids if before is not None else 0,
    )
    if event.continues is not None and event.firing not in tree.calls:
        answered = tree.calls.pop(event.continues, {})
        tree.calls[event.firing] = {key: call for key, call in answered.items() if call.error is None}
    if not interrupted:
        task.disarmed.add(event.step)
    task.looked.discard(event.step)
    if task.retries.pop(event.step, None) is not None:
        task.trail.restart()
    task.standing.pop(event.step, None)
    if event.run == 1:
        task.starts[event.step] += 1
        task.parked_until = None  # it is over, or nothing new would start
    task.last_start[event.step] = event.firing
    task.conditions[event.step] = event.condition
    task.codes[event.step] = event.code
    _wake(tree, task)


def _answered(tree: Tree, event: ev.CallAnswered) -> None:
    tree.calls[event.firing][event.key] = event
    about, usage = event.about or {}, event.usage or {}
    figures = tree.tasks[event.task].figures[event.step]
    figures.calls += 1
    simulated = bool(about.get("simulated"))
    if event.error is None and (simulated or "model" in about):
        tree.answered["simulated" if simulated else "real"] += 1
        figures.answers += 1
        figures.simulated += simulated
    figures.input_tokens += usage.get("input_tokens", 0)
    figures.output_tokens += usage.get("output_tokens", 0)
    figures.cost += usage.get("cost", 0.0)
    figures.unpriced += bool(usage) and "cost" not in usage
    tree.spent.add(Amount(1, usage.get("input_tokens", 0) + usage.get("output_tokens", 0), usage.get("cost", 0.0)))
    if usage:
        tree.answers[event.step, event.arguments.get("model")].append(usage.get("output_tokens", 0))
    if "entry" in about:
        tree.entries[about["entry"]] += 1


def _committed(tree: Tree, event: ev.Committed) -> None:
    task = tree.tasks[event.task]
    before, about = task.document, task.about
    task.document, changes = replay(before, event.changes)
    _release(tree, task, event)
    task.held.follow(before, task.document, changes)
    if _is_from_outside(event):
        task.trail.restart()
    else:
        task.trail.follow(before, task.document, changes, event.at)
    task.version = event.version
    if event.firing is not None:
        task.trail.fire(event.step or "")
        _land(tree, task, event.firing, event.seconds).fired += 1
    _arm(task, event.armed)
    if event.name is not None:
        task.name = event.name
    if event.tags is not None:
        task.tags = event.tags
    task.settings = merge_settings(task.settings, event.settings or {})
    if changes:
        task.parked_until = None  # a change of the data ends a park
    if event.parked_until is not None:
        task.parked_until = max(event.parked_until, task.parked_until or "")
    task.expires_at = event.expires_at or task.expires_at
    for asked in event.asked:
        place = tuple(asked["into"])
        task.questions[show_path(place)] = asked
        task.held.hold(place)
    if task.flights:
        task.history.append(Revision(event.version, event.firing, changes, diff(about, task.about)))
    _trim_history(task)
    if event.completed is not None and task.completed is None:
        task.completed = event.completed
    if event.request is not None:
        tree.requests.add(event.request)
    _mark(tree, task)
    _wake(tree, task)


def _is_from_outside(event: ev.Committed) -> bool:
    """Whether a commit brings what does not follow from the document; a timer writes the default of a question."""
    answered = bool(event.answers) and event.firing is None
    return event.by in _FROM_OUTSIDE or answered or event.parked_until is not None or event.figures


def _release(tree: Tree, task: TaskState, event: ev.Committed) -> None:
    """Let go the places at which this commit itself lets something land."""
    into = tree.tasks[event.child].into if event.child is not None else None
    if into is not None:
        task.held.release(into)
    for place in event.answers:
        asked = task.questions.pop(place, None)
        if asked is not None:
            task.held.release(tuple(asked["into"]))


def merge_settings(settings: JsonObject, more: JsonObject) -> JsonObject:
    """The settings of a task after a firing asked for `more`."""
    return settings | {
        name: settings.get(name, {}) | value if isinstance(value, dict) else value for name, value in more.items()
    }


def _looked(tree: Tree, event: ev.FiringLooked) -> None:
    task = tree.tasks[event.task]
    _land(tree, task, event.firing, event.seconds).looked += 1
    _trim_history(task)
    if event.figures:
        task.trail.restart()
    if event.armed:
        task.disarmed.discard(event.step)
    else:
        task.looked.add(event.step)


def _voided(tree: Tree, event: ev.FiringVoided) -> None:
    task = tree.tasks[event.task]
    if event.reason == "withdrawn":
        # It lost a race, and what decided that is not in the document.
        task.trail.restart()
    if event.again:
        flight = task.flights[event.firing]
        # One that is paused ends the row: nothing may wait for it to land before it runs again.
        flight.voids = 0 if event.reason in ("limited", "stopped") else flight.voids + 1
        flight.running = False
        tree.running.discard(event.firing)
        task.figures[event.step].voided += 1
        task.figures[event.step].seconds += event.seconds
    else:
        _land(tree, task, event.firing, event.seconds).voided += 1
        if event.reason == "superseded":
            # It was to be repeated and left nothing: where its step is away for now, the next match is not lost.
            task.disarmed.discard(event.step)
    _trim_history(task)


def _failed(tree: Tree, event: ev.FiringFailed) -> None:
    task = tree.tasks[event.task]
    calls = tree.calls.get(event.firing)
    _land(tree, task, event.firing, event.seconds).failed += 1
    task.trail.fail(event.step, event.error["message"], event.at)
    _trim_history(task)
    continues = None
    if event.error.get("connector") and calls:
        # The connector failed, not the step: what was answered before stands for the next try, but for the
        # answers that had not the shape asked for. Those would only misfit again.
        misfits = event.error.get("misfits", ())
        tree.calls[event.firing] = {key: call for key, call in calls.items() if key not in misfits}
        continues = event.firing
    if event.retry_at is not None or event.figures:
        task.trail.restart()
    if event.retry_at is not None:
        task.retries[event.step] = Retry(event.retry_at, event.attempt, continues, event.error["message"])
    elif continues is not None:
        task.standing[event.step] = continues


def _armed(tree: Tree, event: ev.StepsArmed) -> None:
    task = tree.tasks[event.task]
    _arm(task, event.steps)
    task.trail.restart()
    for step in event.steps:
        task.retries.pop(step, None)
    _mark(tree, task)
    _wake(tree, task)
    if event.request is not None:
        tree.requests.add(event.request)


def _limits_set(tree: Tree, event: ev.LimitsSet) -> None:
    tree.limits = Limits.from_json(event.limits)
    tree.limited = None
    for task in tree.tasks.values():
        task.starts.clear()
        if task.rest is not None and task.rest.state == "limited":
            _wake(tree, task)


def _limit_reached(tree: Tree, event: ev.LimitReached) -> None:
    tree.limited = event.reason


def _rested(tree: Tree, event: ev.TaskRested) -> None:
    task = tree.tasks[event.task]
    task.rest = event
    if not is_end(event):
        if event.state == "stopped" and task.parent is None:
            tree.stopped = event.reason or ""
        return
    task.expires_at = None  # it has ended in time
    if event.closed:
        task.retries.clear()
        task.questions.clear()
    if task.parent is not None:
        parent = tree.tasks[task.parent]
        parent.live_children.discard(task.id)
        parent.awaited.discard(task.id)


def _resumed(tree: Tree, event: ev.TreeResumed) -> None:  # noqa: ARG001  (as all that apply an event)
    tree.stopped = None
    for task in tree.tasks.values():
        if task.rest is not None and task.rest.state == "stopped" and not task.closed:
            _wake(tree, task)


def _answering_set(tree: Tree, event: ev.AnsweringSet) -> None:
    tree.answering = event.answering


def _refused(tree: Tree, event: ev.RequestRefused) -> None:
    tree.requests.add(event.request)


def is_end(rest: ev.TaskRested) -> bool:
    """Whether a task that rests so has ended, so that it landed if it is a subtask."""
    return rest.state not in UNENDED and (rest.state != "stopped" or rest.closed)


def _nothing(tree: Tree, event: ev.Event) -> None:
    """Logs are kept for people; an opening only says what time it is."""


def _land(tree: Tree, task: TaskState, firing: int, seconds: float) -> StepFigures:
    """End a flight for good; its calls will not be asked for again."""
    flight = task.flights.pop(firing)
    tree.flying.pop(firing)
    tree.running.discard(firing)
    task.trail.land(firing, tree.calls.pop(firing, {}).values())
    figures = task.figures[flight.step]
    figures.seconds += seconds
    return figures


def _mark(tree: Tree, task: TaskState) -> None:
    if task.trail.watched:
        task.trail.mark(task.standpoint, task.version, tree.last_firing)


def _trim_history(task: TaskState) -> None:
    if not task.flights:
        task.history.clear()
        return
    oldest = min(flight.version for flight in task.flights.values())
    while task.history and task.history[0].version <= oldest:
        del task.history[0]


def _arm(task: TaskState, steps: Iterable[str]) -> None:
    task.disarmed.difference_update(steps)
    task.looked.difference_update(steps)


def _wake(tree: Tree, task: TaskState) -> None:
    """End the rest of a task, and of those above it that rested without having ended: they waited for it."""
    if task.closed:
        return
    task.rest = None
    while task.parent is not None:
        task = tree.tasks[task.parent]
        if task.rest is None or task.rest.state not in UNENDED:
            return
        task.rest = None


_APPLY: dict[type[ev.Event], Callable[[Tree, Any], None]] = {
    ev.TaskCreated: _created,
    ev.TreeOpened: _nothing,
    ev.TreeResumed: _resumed,
    ev.AnsweringSet: _answering_set,
    ev.RequestRefused: _refused,
    ev.FiringStarted: _started,
    ev.CallAnswered: _answered,
    ev.Logged: _nothing,
    ev.Committed: _committed,
    ev.FiringLooked: _looked,
    ev.FiringVoided: _voided,
    ev.FiringFailed: _failed,
    ev.StepsArmed: _armed,
    ev.LimitsSet: _limits_set,
    ev.LimitReached: _limit_reached,
    ev.TaskRested: _rested,
}


def duration(task: TaskState) -> float:
    """Seconds from the task's creation to the last thing that happened to it."""
    return max(0.0, from_iso(task.updated_at) - from_iso(task.created_at))
