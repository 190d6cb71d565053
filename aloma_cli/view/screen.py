"""The events of one task and its subtasks, added up to what a view shows.

Nothing here knows a terminal or reads a clock. All times come from events, so a run adds up to the same screen while it
happens and when it is read a year later.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from aloma_cli.clock import from_iso
from aloma_cli.ids import root_of
from aloma_cli.jsontext import cut
from aloma_cli.record.events import (
    CallAnswered,
    CallSent,
    Committed,
    Event,
    FiringFailed,
    FiringLooked,
    FiringStarted,
    FiringVoided,
    Logged,
    TaskCreated,
    TaskRested,
    TreeOpened,
    TreeResumed,
)
from aloma_cli.view.changes import group_totals
from aloma_cli.view.format import LONGEST, error_text

_Beginning: TypeAlias = FiringStarted | CallSent | CallAnswered | Logged
_Ending: TypeAlias = Committed | FiringLooked | FiringVoided | FiringFailed

LOGS_KEPT = 20
"""How many log lines of a firing are kept until it ends."""

# A child in one of these has not ended, though it is at rest.
_OPEN = frozenset({"created", "processing", "waiting", "question", "limited"})
_PAUSED = frozenset({"waiting", "question", "limited"})


@dataclass(slots=True)
class TaskNode:
    """A task of the tree. `live` counts its subtasks that have not ended."""

    id: str
    name: str
    parent: str | None = None
    group: str | None = None
    state: str = "created"
    reason: str | None = None
    since: float = 0.0
    children: int = 0
    live: int = 0
    stopped: bool = False
    """By a person, until it is resumed."""


@dataclass(slots=True)
class Usage:
    """Calls and what they cost. `unpriced` counts the calls that used tokens at an unknown price."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    unpriced: int = 0
    answers: int = 0
    simulated: int = 0

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def add(self, event: CallAnswered) -> None:
        usage, about = event.usage or {}, event.about or {}
        simulated = bool(about.get("simulated"))
        self.calls += 1
        self.input_tokens += usage.get("input_tokens") or 0
        self.output_tokens += usage.get("output_tokens") or 0
        self.cost += usage.get("cost") or 0.0
        self.unpriced += bool(usage) and usage.get("cost") is None and not simulated
        self.answers += event.error is None and (simulated or "model" in about)
        self.simulated += event.error is None and simulated


@dataclass(slots=True)
class Firing:
    """A firing in flight. `asking` counts its unanswered calls by name; `said` is its last log line.

    `logs` are (level, text, how many times in a row); `logged` counts all lines.
    """

    number: int
    step: str
    task: str
    since: float
    attempt: int = 1
    run: int = 1
    asking: Counter[str] = field(default_factory=Counter)
    said: str = ""
    subtasks: int = 0
    usage: Usage = field(default_factory=Usage)
    logs: deque[tuple[str, str, int]] = field(default_factory=lambda: deque(maxlen=LOGS_KEPT))
    logged: int = 0


@dataclass(frozen=True, slots=True)
class Retry:
    """A step that failed and is tried again at `until` (seconds since 1970), and why it failed."""

    task: str
    step: str
    until: float
    reason: str
    attempt: int


@dataclass(slots=True)
class Tally:
    """How the firings of one step ended, the seconds they took, and what they called."""

    fired: int = 0
    looked: int = 0
    failed: int = 0
    voided: int = 0
    seconds: float = 0.0
    usage: Usage = field(default_factory=Usage)


class Screen:
    """The events so far, as a view needs them. `fold` takes the next one."""

    def __init__(self) -> None:
        self.root: str | None = None
        self.tasks: dict[str, TaskNode] = {}
        self.running: dict[int, Firing] = {}
        self.retries: dict[tuple[str, str], Retry] = {}
        self.paused: dict[str, TaskNode] = {}
        self.tallies: dict[str, Tally] = {}
        self.usage = Usage()
        self.steps: dict[int, str] = {}
        self.rest: TaskRested | None = None
        self.began = 0.0
        self.last = 0.0
        self._names: Counter[str] = Counter()
        self._totals: dict[tuple[str, str], int] = {}
        self._worked = 0.0
        self._working_since: float | None = None

    def fold(self, event: Event) -> Firing | None:
        """Take `event` in. Returns the firing that it ended."""
        at = from_iso(event.at)
        if self.root is None:
            self.root, self.began = root_of(event.task), at
        ended = self._take(event, at)
        self.last = max(self.last, at)
        return ended

    def tally(self, step: str) -> Tally:
        """The figures of `step`."""
        return self.tallies.setdefault(step, Tally())

    def node(self, task: str) -> TaskNode:
        """The task with the id `task`, also if its creation was not seen."""
        return self.tasks.get(task) or self._enter(TaskNode(task, task))

    def label(self, task: str) -> str | None:
        """The name of a subtask, with its number if the name is not unique. None for the root."""
        if task == self.root:
            return None
        name = self.node(task).name
        return name if self._names[name] < 2 else f"{name} {task.removeprefix(root_of(task))}"

    def totals(self) -> Tally:
        """The figures of all steps together."""
        total = Tally(usage=self.usage)
        for tally in self.tallies.values():
            total.fired += tally.fired
            total.looked += tally.looked
            total.failed += tally.failed
            total.voided += tally.voided
            total.seconds += tally.seconds
        return total

    def elapsed(self, now: float | None = None) -> float:
        """Seconds since the task began, up to `now` while it runs, else up to its last event."""
        return max(0.0, (now if now is not None and self.rest is None else self.last) - self.began)

    def worked(self) -> float:
        """Seconds during which at least one firing ran, as of the last event."""
        running = self.last - self._working_since if self._working_since is not None else 0.0
        return self._worked + running

    def ancestors(self, task: str) -> Iterator[str]:
        """The tasks above `task`, nearest first."""
        parent = self.node(task).parent
        while parent is not None:
            yield parent
            parent = self.node(parent).parent

    def _take(self, event: Event, at: float) -> Firing | None:
        match event:
            case TaskCreated():
                self._created(event, at)
            case TreeOpened() if self._working_since is not None:
                # Its process was killed: the time since the last event was not work.
                self._worked, self._working_since = self.worked(), at
            case FiringStarted():
                self._started(event, at)
            case CallSent():
                self._firing(event, at).asking[event.call] += 1
            case CallAnswered():
                self._answered(event, at)
            case Logged():
                self._logged(event, at)
            case Committed():
                return self._committed(event, at)
            case FiringLooked():
                self.tally(event.step).looked += 1
                return self._ended(event, at)
            case FiringVoided():
                self.tally(event.step).voided += 1
                return self._ended(event, at)
            case FiringFailed():
                return self._failed(event, at)
            case TaskRested() | TreeResumed():
                self._rested(event, at)
        return None

    def _created(self, event: TaskCreated, at: float) -> None:
        name = cut(event.name, LONGEST)
        self._enter(TaskNode(event.task, name, event.parent, event.group, since=at))
        if event.parent is not None:
            parent = self.node(event.parent)
            parent.children += 1
            parent.live += 1

    def _enter(self, node: TaskNode) -> TaskNode:
        self.tasks[node.id] = node
        self._names[node.name] += 1
        return node

    def _started(self, event: FiringStarted, at: float) -> None:
        self.retries.pop((event.task, event.step), None)
        self._move(event.task, "processing", at)
        firing = self._firing(event, at)
        firing.since, firing.attempt, firing.run = at, event.attempt, event.run
        firing.asking.clear()

    def _firing(self, event: _Beginning, at: float) -> Firing:
        """The firing of `event`, also if its start was not seen."""
        firing = self.running.get(event.firing)
        if firing is None:
            firing = Firing(event.firing, event.step, event.task, at)
            if event.firing in self.steps and not isinstance(event, FiringStarted):
                return firing  # it has ended; a late event of it starts nothing
            self.running[event.firing] = firing
            self.steps[event.firing] = event.step
            if self._working_since is None:
                self._working_since = at
        return firing

    def _answered(self, event: CallAnswered, at: float) -> None:
        firing = self._firing(event, at)
        if firing.asking[event.call] > 0:
            firing.asking[event.call] -= 1
        if not event.replayed:
            for usage in (firing.usage, self.usage, self.tally(event.step).usage):
                usage.add(event)

    def _logged(self, event: Logged, at: float) -> None:
        firing = self._firing(event, at)
        firing.said = cut(event.text.strip(), LONGEST)
        line, count = (event.level, event.text), 1
        if firing.logs and firing.logs[-1][:2] == line:
            count += firing.logs.pop()[2]
        firing.logs.append((*line, count))
        firing.logged += 1

    def _committed(self, event: Committed, at: float) -> Firing | None:
        if event.name is not None:
            self._rename(event.task, cut(event.name, LONGEST))
        made = self._subtasks_made(event)
        if event.by != "firing" or event.firing is None or event.step is None:
            return None
        self.tally(event.step).fired += 1
        firing = self._ended(event, at)
        firing.subtasks = made
        return firing

    def _subtasks_made(self, event: Committed) -> int:
        """How many subtasks a commit made: it counts them before they are created."""
        made = 0
        for group, total in group_totals(event.changes):
            key = event.task, group
            made += total - self._totals.get(key, 0)
            self._totals[key] = total
        return made

    def _rename(self, task: str, name: str) -> None:
        node = self.node(task)
        self._names[node.name] -= 1
        self._names[name] += 1
        node.name = name

    def _failed(self, event: FiringFailed, at: float) -> Firing:
        self.tally(event.step).failed += 1
        if event.retry_at is not None:
            key, until = (event.task, event.step), from_iso(event.retry_at)
            self.retries[key] = Retry(*key, until, cut(error_text(event.error), LONGEST), event.attempt)
        return self._ended(event, at)

    def _ended(self, event: _Ending, at: float) -> Firing:
        number, step = event.firing or 0, event.step or ""
        self.tally(step).seconds += event.seconds
        firing = self.running.pop(number, None) or Firing(number, step, event.task, at - event.seconds)
        if not self.running and self._working_since is not None:
            self._worked += at - self._working_since
            self._working_since = None
        return firing

    def _rested(self, event: TaskRested | TreeResumed, at: float) -> None:
        if isinstance(event, TreeResumed):
            self._resumed(at)
            return
        self._move(event.task, event.state, at, cut(event.reason, LONGEST) if event.reason else None)
        self.node(event.task).stopped = event.state == "stopped" and not event.closed
        if event.task == self.root:
            self.rest = event
        if event.state not in _OPEN:
            for key in [key for key in self.retries if key[0] == event.task]:
                del self.retries[key]

    def _resumed(self, at: float) -> None:
        for node in self.tasks.values():
            if node.stopped:
                self._move(node.id, "processing", at)

    def _move(self, task: str, state: str, at: float, reason: str | None = None) -> None:
        node = self.node(task)
        if node.parent is not None:
            self.node(node.parent).live += (state in _OPEN) - (node.state in _OPEN)
        if state != node.state:
            node.since = at
        node.state, node.reason, node.stopped = state, reason, False
        self.paused.pop(task, None)
        if state in _PAUSED:
            self.paused[task] = node
        if task == self.root and state == "processing":
            self.rest = None
