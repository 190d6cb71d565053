"""A tree of tasks as facts: the sum of its events, for all that read a record.

`Tree.apply` is the only place that turns events into facts. What only a running engine needs (the documents, what is
armed) is added by `engine/working.py`: what it does after each event changes its own attributes alone. No attribute is
written by both, so a reader and the engine cannot disagree. Nothing here knows a document or a step's
code, and nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import field, replace
from types import MappingProxyType
from typing import Any, ClassVar, Self

from aloma_cli.budget import Amount, Limits, Used
from aloma_cli.clock import from_iso
from aloma_cli.jsontext import JsonObject, Path, show_path
from aloma_cli.record import events as ev
from aloma_cli.record.batch import Batch
from aloma_cli.record.figures import Figures, is_own
from aloma_cli.record.states import UNENDED
from aloma_cli.values import dataclass

RESTED = "rested"
"""The occasion for a notice that the root rests."""

ASKS = "person.approve"
"""The function of the calls that a person answers: may this be called?"""

PASSING = MappingProxyType({"passing": True})
"""The metadata of a field that no checkpoint keeps: it holds for one process only, or follows from the rest."""


@dataclass(frozen=True, slots=True)
class SentCall:
    """A call that was sent and has no answer. `number`: its place among the calls of the tree, from 1.

    `released`: a person lets it be sent again.
    """

    number: int
    event: ev.CallSent
    released: bool = False

    @property
    def asks(self) -> bool:
        """Whether it asks a person; else its outcome is unknown."""
        return self.event.call == ASKS


@dataclass(slots=True)
class Flight:
    """A firing that has started and has not ended for good. `at`: when it first started (ISO).

    `sent`: its calls under way, by key. `parked`: it is to continue from where it started, when a person has settled
    its calls.
    """

    firing: int
    step: str
    at: str
    version: int = -1
    attempt: int = 1
    run: int = 1
    running: bool = True
    parked: bool = False
    sent: dict[str, SentCall] = field(default_factory=dict)

    @property
    def unanswered(self) -> list[SentCall]:
        """The calls without an answer that must not be sent twice."""
        return [call for call in self.sent.values() if call.event.effect == "once" and not call.released]


def asked_key(task: str, place: str | None, call: int | None) -> str:
    """The occasion for a notice that a task asks: for the answer at `place`, or whether a call may be made."""
    return f"question {task} {place if call is None else f'call {call}'}"


@dataclass(slots=True)
class NextTry:
    """A step that waits for its next try, due at `at` (ISO)."""

    at: str
    attempt: int
    error: JsonObject

    @property
    def reason(self) -> str:
        return str(self.error["message"])


@dataclass(slots=True)
class TaskFacts:
    """One task."""

    flight_type: ClassVar[type[Flight]] = Flight

    id: str
    name: str
    tags: tuple[str, ...]
    parent: str | None
    into: Path | None
    group: str | None
    wait_for: bool
    created_at: str
    updated_at: str
    version: int = 0
    flights: dict[int, Flight] = field(default_factory=dict)
    retries: dict[str, NextTry] = field(default_factory=dict)
    children: list[str] = field(default_factory=list)
    live_children: set[str] = field(default_factory=set)
    completed: JsonObject | None = None
    expires_at: str | None = None
    parked_until: str | None = None
    questions: dict[str, JsonObject] = field(default_factory=dict)
    rest: ev.TaskRested | None = None
    begun: dict[str, ev.FiringStarted] = field(default_factory=dict)
    """The last start of each step."""
    figures: dict[str, Figures] = field(default_factory=dict)
    """What each step did here and in the subtasks."""
    settings: JsonObject = field(default_factory=dict)

    @property
    def state(self) -> str:
        """One of the states of a task; `waiting` also while nothing but a timer or a subtask is waited for."""
        if self.rest is not None:
            return self.rest.state
        if not self.version and not self.flights and not self.figures:
            return "created"
        if any(flight.running for flight in self.flights.values()):
            return "processing"
        return "waiting" if self.retries or self.live_children or self.parked_until else "processing"

    @property
    def unsettled(self) -> list[SentCall]:
        """The calls for which firings wait until a person settles or answers them."""
        return [call for flight in self.flights.values() if not flight.running for call in flight.unanswered]

    @property
    def unanswered(self) -> list[SentCall]:
        """These, and the ones that are under way, or were when a process died."""
        return [call for flight in self.flights.values() for call in flight.unanswered]

    @property
    def has_timers(self) -> bool:
        """Whether `timers` may have any."""
        return bool(self.retries or self.questions or self.expires_at or self.parked_until)

    @property
    def timers(self) -> list[str]:
        """The moments (ISO) at which something is due here."""
        if self.closed:
            return []
        ends = (self.expires_at, self.parked_until, *(question.get("until") for question in self.questions.values()))
        return [*(retry.at for retry in self.retries.values()), *(end for end in ends if end is not None)]

    @property
    def closed(self) -> bool:
        """Whether nothing will wake this task again."""
        return self.rest is not None and self.rest.closed

    @property
    def total(self) -> Figures:
        """What all steps did here and in the subtasks."""
        return Figures.total(self.figures.values())


@dataclass(eq=False, repr=False)
class Tree:
    """A root task and its descendants. `flying` has the task of each firing that has not ended for good.

    `stopped`: why a person stopped the whole tree; nothing starts before it is resumed. `expected`: the condition, as
    JSON, that the document of the root is to meet at its end.
    """

    task_type: ClassVar[type[TaskFacts]] = TaskFacts
    following: ClassVar[dict[type[ev.Event], Callable[[Any, Any, Any], None]]] = {}
    """What a kind of tree does after each event, with the event and its task."""

    tasks: dict[str, TaskFacts] = field(default_factory=dict)
    root_id: str = ""
    last_firing: int = 0
    calls_made: int = 0
    flying: dict[int, str] = field(default_factory=dict)
    running: set[int] = field(default_factory=set)
    requests: set[str] = field(default_factory=set)
    spent: Amount = field(default_factory=Amount)
    working: float = 0.0
    limits: Limits = field(default_factory=Limits)
    limited: str | None = None
    limit: JsonObject | None = None
    stopped: str | None = None
    answering: JsonObject | None = None
    expected: JsonObject | None = None
    last_at: str = ""
    noticed: dict[str, list[str]] = field(default_factory=dict)
    """Who got which notice, by the key of the occasion, for as long as the occasion exists."""

    @classmethod
    def of(cls, events: Iterable[ev.Event]) -> Self:
        """The tree that `events`, in order, add up to."""
        tree = cls()
        for event in events:
            tree.apply(event)
        return tree

    @property
    def root(self) -> TaskFacts:
        return self.tasks[self.root_id]

    def take(self, batch: Batch) -> None:
        """Take in the batch that comes next in a record.

        Raises JournalDamagedError if it does not follow from those before it; then the tree is of no use.
        """
        try:
            for event in batch.events:
                self.apply(event)
        except Exception as error:
            # Its checksum is right, so another program wrote it: its content may be anything.
            why = f"it does not follow from the lines before it ({type(error).__name__}: {error})"
            raise batch.damaged(why) from error

    def apply(self, event: ev.Event) -> TaskFacts:
        """Take in one event, and return its task."""
        at = event.at
        if at != self.last_at:  # all events of one turn have one time
            if self.running and type(event) is not ev.TreeOpened:  # before that no process ran the tree
                self.working = self.worked(from_iso(at))
            self.last_at = max(self.last_at, at)
        kind = type(event)
        _APPLY[kind](self, event)
        task = self.tasks[event.task]
        if at > task.updated_at:
            task.updated_at = at
        if kind in self.following:
            self.following[kind](self, task, event)
        return task

    def worked(self, now: float) -> float:
        """Seconds with firings running up to `now` (seconds since 1970), while a process runs the tree."""
        if not self.running:
            return self.working
        return self.working + max(0.0, now - from_iso(self.last_at))

    def used(self, working: float) -> Used:
        """What limits measure, where firings ran for `working` seconds."""
        return Used(self.root.total, working)

    def settings_of(self, task: TaskFacts) -> JsonObject:
        """What holds for a task by name: what was set for it, or for the nearest task above it for which it was."""
        settings = task.settings
        while task.parent is not None:
            task = self.tasks[task.parent]
            if task.settings:
                settings = task.settings | settings
        return settings

    def depth(self, task: TaskFacts) -> int:
        """How many tasks are above it."""
        depth = 0
        while task.parent is not None:
            task, depth = self.tasks[task.parent], depth + 1
        return depth

    def descendants(self, task_id: str) -> Sequence[TaskFacts]:
        """The subtasks of a task, and theirs."""
        found: list[TaskFacts] = []
        waiting = self.tasks[task_id].children[::-1]
        while waiting:
            found.append(self.tasks[waiting.pop()])
            waiting += found[-1].children[::-1]
        return found


def _created(tree: Tree, event: ev.TaskCreated) -> None:
    tree.tasks[event.task] = tree.task_type(
        id=event.task,
        name=event.name,
        tags=event.tags,
        parent=event.parent,
        into=event.into,
        group=event.group,
        wait_for=event.wait_for,
        created_at=event.at,
        updated_at=event.at,
        expires_at=event.expires_at,
    )
    if event.parent is None:
        tree.root_id = event.task
        tree.answering = event.answering
        return
    parent = tree.tasks[event.parent]
    parent.children.append(event.task)
    parent.live_children.add(event.task)


def _started(tree: Tree, event: ev.FiringStarted) -> None:
    task, firing, step = tree.tasks[event.task], event.firing, event.step
    if firing > tree.last_firing:
        tree.last_firing = firing
    tree.flying[firing] = task.id
    tree.running.add(firing)
    flight = task.flights.get(firing)
    if flight is None:
        task.flights[firing] = task.flight_type(firing, step, event.at, event.version, event.attempt, event.run)
    else:
        flight.version, flight.attempt, flight.run, flight.running = event.version, event.attempt, event.run, True
        flight.parked = False
    if task.retries:
        task.retries.pop(step, None)
    task.begun[step] = event
    if event.run == 1:
        task.parked_until = None  # it is over, or nothing new would start
    if task.rest is not None or task.parent is not None:
        _wake(tree, task)


def _sent(tree: Tree, event: ev.CallSent) -> None:
    flight = tree.tasks[event.task].flights.get(event.firing)
    before = flight.sent.get(event.key) if flight is not None else None
    if before is None:
        tree.calls_made += 1
    if flight is not None:
        flight.sent[event.key] = SentCall(before.number if before is not None else tree.calls_made, event)


def _settled(tree: Tree, event: ev.CallAnswered | ev.CallReleased) -> dict[str, SentCall]:
    """The calls under way in the firing of `event`; if it waits for them, its task wakes."""
    task = tree.tasks[event.task]
    flight = task.flights.get(event.firing)
    if event.request is not None:
        tree.requests.add(event.request)
    if flight is not None and not flight.running:
        _wake(tree, task)
    return flight.sent if flight is not None else {}


def _released(tree: Tree, event: ev.CallReleased) -> None:
    sent = _settled(tree, event)
    if event.key in sent:
        sent[event.key] = replace(sent[event.key], released=True)


def _answered(tree: Tree, event: ev.CallAnswered) -> None:
    if _settled(tree, event).pop(event.key, None) is None:
        tree.calls_made += 1  # its sending is not on record
    if is_own(event.call):
        return
    for figures in _ran(tree, tree.tasks[event.task], event.step, 0.0):
        figures.count_call(event)
    usage = event.usage or {}
    tree.spent.add(Amount(1, usage.get("input_tokens", 0) + usage.get("output_tokens", 0), usage.get("cost", 0.0)))


def _committed(tree: Tree, event: ev.Committed) -> None:
    task = tree.tasks[event.task]
    task.version = event.version
    if event.firing is not None:
        for figures in _end_flight(tree, task, event.firing, event.seconds):
            figures.fired += 1
    if event.name is not None:
        task.name = event.name
    if event.tags is not None:
        task.tags = event.tags
    if event.settings:
        task.settings = merge_settings(task.settings, event.settings)
    if event.changes:
        task.parked_until = None  # a change of the data ends a park
    if event.parked_until is not None:
        task.parked_until = max(event.parked_until, task.parked_until or "")
    task.expires_at = event.expires_at or task.expires_at
    if event.answers or event.asked:
        _ask(tree, task, event)
    if event.completed is not None and task.completed is None:
        task.completed = event.completed
    if event.request is not None:
        tree.requests.add(event.request)
    if task.rest is not None or task.parent is not None:
        _wake(tree, task)


def _ask(tree: Tree, task: TaskFacts, event: ev.Committed) -> None:
    for place in event.answers:
        task.questions.pop(place, None)
        tree.noticed.pop(asked_key(task.id, place, None), None)
    for asked in event.asked:
        place = show_path(tuple(asked["into"]))
        task.questions[place] = {**asked, "asked_at": event.at, "step": event.step}
        tree.noticed.pop(asked_key(task.id, place, None), None)


def merge_settings(settings: JsonObject, more: JsonObject) -> JsonObject:
    """The settings of a task after a firing asked for `more`."""
    return settings | {
        name: settings.get(name, {}) | value if isinstance(value, dict) else value for name, value in more.items()
    }


def _looked(tree: Tree, event: ev.FiringLooked) -> None:
    for figures in _end_flight(tree, tree.tasks[event.task], event.firing, event.seconds):
        figures.looked += 1


def _voided(tree: Tree, event: ev.FiringVoided) -> None:
    task = tree.tasks[event.task]
    if event.again:
        flight = task.flights[event.firing]
        flight.running, flight.parked = False, bool(flight.unanswered)
        tree.running.discard(event.firing)
        ran = _ran(tree, task, event.step, event.seconds)
    else:
        ran = _end_flight(tree, task, event.firing, event.seconds)
    for figures in ran:
        figures.voided += 1


def _failed(tree: Tree, event: ev.FiringFailed) -> None:
    task = tree.tasks[event.task]
    for figures in _end_flight(tree, task, event.firing, event.seconds):
        figures.failed += 1
    if event.retry_at is not None:
        task.retries[event.step] = NextTry(event.retry_at, event.attempt, event.error)


def _armed(tree: Tree, event: ev.StepsArmed) -> None:
    task = tree.tasks[event.task]
    for step in event.steps:
        task.retries.pop(step, None)
    _wake(tree, task)
    if event.request is not None:
        tree.requests.add(event.request)


def _limits_set(tree: Tree, event: ev.LimitsSet) -> None:
    tree.limits = Limits.from_json(event.limits)
    tree.limited = tree.limit = None
    for task in tree.tasks.values():
        if task.rest is not None and task.rest.state == "limited":
            _wake(tree, task)


def _expectation_set(tree: Tree, event: ev.ExpectationSet) -> None:
    tree.expected = event.pattern
    _wake(tree, tree.root)


def _limit_reached(tree: Tree, event: ev.LimitReached) -> None:
    tree.limited = event.reason
    tree.limit = None if event.limit is None else {"name": event.limit, "needed": event.needed}


def _rested(tree: Tree, event: ev.TaskRested) -> None:
    task = tree.tasks[event.task]
    task.rest = event
    if task.parent is None:
        tree.noticed.pop(RESTED, None)
    if not is_end(event):
        if event.state == "stopped" and task.parent is None:
            tree.stopped = event.reason or ""
        return
    task.expires_at = None  # it has ended in time
    if event.closed:
        task.retries.clear()
        task.questions.clear()
    if task.parent is not None:
        tree.tasks[task.parent].live_children.discard(task.id)


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
    """Whether a task that rests so has ended; one that was stopped with its root by a person has not."""
    return rest.state not in UNENDED and (rest.state != "stopped" or rest.closed)


def _noticed(tree: Tree, event: ev.NoticeSent) -> None:
    tree.noticed.setdefault(event.key, []).append(event.to)


def _nothing(tree: Tree, event: ev.Event) -> None:
    """Logs are for people, and an opening only marks a time."""


def _end_flight(tree: Tree, task: TaskFacts, firing: int, seconds: float) -> list[Figures]:
    """End a flight for good; returns the figures to count it in."""
    flight = task.flights.pop(firing)
    del tree.flying[firing]
    tree.running.discard(firing)
    return _ran(tree, task, flight.step, seconds)


def _ran(tree: Tree, task: TaskFacts, step: str, seconds: float) -> list[Figures]:
    """Count seconds of `step`. Gives its figures in a task and in all above it."""
    found = []
    while True:
        figures = task.figures.get(step)
        if figures is None:
            figures = task.figures[step] = Figures()
        figures.seconds += seconds
        found.append(figures)
        if task.parent is None:
            return found
        task = tree.tasks[task.parent]


def _wake(tree: Tree, task: TaskFacts) -> None:
    """End the rest of a task, and of those above it that rested without having ended: they waited for it."""
    if task.rest is not None:
        if task.rest.closed:
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
    ev.CallSent: _sent,
    ev.CallAnswered: _answered,
    ev.CallReleased: _released,
    ev.Logged: _nothing,
    ev.Committed: _committed,
    ev.FiringLooked: _looked,
    ev.FiringVoided: _voided,
    ev.FiringFailed: _failed,
    ev.StepsArmed: _armed,
    ev.LimitsSet: _limits_set,
    ev.ExpectationSet: _expectation_set,
    ev.LimitReached: _limit_reached,
    ev.NoticeSent: _noticed,
    ev.NoticeFailed: _nothing,
    ev.TaskRested: _rested,
}
