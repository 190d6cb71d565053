"""What a view shows of a tree of tasks: its facts, and what its firings called and logged so far.

Nothing here knows a terminal or reads a clock. All times come from events, so a run adds up to the same screen while it
happens and when it is read a year later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import TypeAlias

from aloma_cli.clock import from_iso
from aloma_cli.ids import root_of
from aloma_cli.jsontext import cut
from aloma_cli.record import events as ev
from aloma_cli.record.checkpoint import facts_of
from aloma_cli.record.figures import Figures
from aloma_cli.record.states import UNENDED
from aloma_cli.record.tree import Flight, TaskFacts, Tree
from aloma_cli.values import dataclass
from aloma_cli.view.changes import group_totals
from aloma_cli.view.entries import Entry, Firing, is_in_queue, word_of
from aloma_cli.view.format import LONGEST, error_text

_MOST_NAMED = 10_000
"""How many firings are kept with the names of their steps."""

_Beginning: TypeAlias = ev.FiringStarted | ev.CallSent | ev.CallProgress | ev.CallAnswered | ev.Logged
_Ending: TypeAlias = ev.Committed | ev.FiringLooked | ev.FiringVoided | ev.FiringFailed


@dataclass(frozen=True, slots=True)
class TaskNode:
    """A task as it is shown.

    `since` is when it came to rest. `live` counts its subtasks that have not ended. `asked` are its open questions.
    """

    id: str
    name: str
    state: str
    reason: str | None
    since: float | None
    children: int
    live: int
    asked: tuple[str, ...] = ()

    @property
    def why(self) -> str:
        """Why it rests, or what it asks."""
        return self.reason or ", ".join(self.asked)


@dataclass(frozen=True, slots=True)
class Retrying:
    """A step that failed and is tried again at `until` (seconds since 1970), and why it failed."""

    task: str
    step: str
    until: float
    reason: str
    attempt: int


class Screen:
    """The events so far, from the creation of a root on, as a view needs them. `fold` takes in the next one."""

    def __init__(self) -> None:
        self.tree = Tree()
        self.root: str | None = None
        self.began = 0.0
        self.running: dict[int, Firing] = {}
        self.steps: dict[int, str] = {}
        self._names: dict[str, str] = {}
        self._bearers: Counter[str] = Counter()
        self._retrying: dict[str, TaskFacts] = {}
        self._paused: dict[str, TaskFacts] = {}
        self._totals: Counter[tuple[str, str]] = Counter()
        self._calling: set[tuple[int, str]] = set()
        self._queued: set[tuple[int, str]] = set()

    @classmethod
    def of(cls, tree: Tree) -> Screen:
        """The screen of a tree, without the calls of its running firings that were answered, and without their logs."""
        screen = cls()
        screen.tree = facts_of(tree)
        screen.root, screen.began = tree.root_id, from_iso(tree.root.created_at)
        for task in screen.tree.tasks.values():
            screen._set_name(task.id, task.name)
            if task.parent is not None and task.group is not None:
                screen._totals[task.parent, task.group] += 1
            if task.retries and task.rest is None:
                screen._retrying[task.id] = task
            flights = [flight for flight in task.flights.values() if flight.running]
            screen.running |= {flight.firing: _firing_of(task.id, flight) for flight in flights}
            for call in (call for flight in flights for call in flight.sent.values()):
                screen._note_call(call.event)
            screen.steps |= {start.firing: step for step, start in task.begun.items()}
        resting = [task for task in screen.tree.tasks.values() if task.rest is not None]
        screen._paused = {task.id: task for task in sorted(resting, key=lambda task: task.rest.at if task.rest else "")}
        return screen

    @property
    def rest(self) -> ev.TaskRested | None:
        """How the root rests."""
        return self.tree.root.rest if self.root is not None else None

    @property
    def last(self) -> float:
        """The time of the newest event."""
        return from_iso(self.tree.last_at) if self.tree.last_at else 0.0

    @property
    def figures(self) -> dict[str, Figures]:
        """What each step did."""
        return self.tree.root.figures if self.root is not None else {}

    @property
    def total(self) -> Figures:
        """What all steps did."""
        return Figures.total(self.figures.values())

    @property
    def retries(self) -> dict[tuple[str, str], Retrying]:
        """What waits for its next try, by task and step."""
        waits = ((task, step, retry) for task in self._retrying.values() for step, retry in task.retries.items())
        return {
            (task.id, step): Retrying(
                task.id, step, from_iso(retry.at), cut(error_text(retry.error), LONGEST), retry.attempt
            )
            for task, step, retry in waits
        }

    @property
    def paused(self) -> dict[str, TaskFacts]:
        """The tasks that rest and have not ended, in the order in which they came to rest."""
        self._paused = {task.id: task for task in self._paused.values() if task.rest and task.rest.state in UNENDED}
        return self._paused

    @property
    def calls(self) -> tuple[int, int]:
        """How many calls are under way, and how many more wait for their turn at a server."""
        return len(self._calling), len(self._queued)

    def fold(self, event: ev.Event) -> Firing | None:
        """Take `event` in. Returns the firing that it ended."""
        if isinstance(event, ev.CallSent | ev.CallProgress):
            self._note_call(event)
            if isinstance(event, ev.CallProgress) or event.effect == "read":
                return None  # not on record
        if isinstance(event, ev.CallAnswered):
            self._add_answer(event)
            if event.replayed:
                return None
        self.tree.apply(event)
        ended = self._take(event)
        task = self.tree.tasks[event.task]
        if task.retries and task.rest is None:
            self._retrying[task.id] = task
        else:
            self._retrying.pop(task.id, None)
        return ended

    def tell(self, event: ev.Event) -> Entry | None:
        """Take `event` in. Returns what to say about it to those who follow the run; None for bookkeeping."""
        entry = self.entry(event)
        if entry is None or entry.word in ("landed", "engine") or (isinstance(event, ev.TaskCreated) and event.parent):
            return None
        if isinstance(event, ev.TaskCreated | ev.TaskRested) and event.task == self.root:
            return replace(entry, name=self._names[event.task], total=self.total)
        return entry

    def entry(self, event: ev.Event) -> Entry | None:
        """Take `event` in. Returns its entry, None if it has none."""
        ended = self.fold(event)
        word = word_of(event)
        if word is None:
            return None
        task = event.child if isinstance(event, ev.Committed) and event.child else event.task
        step, seconds = getattr(event, "step", None), getattr(event, "seconds", None) if ended else None
        others = event.others if isinstance(event, ev.FiringVoided) else ()
        names = dict.fromkeys(self.steps.get(other, f"firing {other}") for other in others)
        asked = self._open_questions(event.task) if isinstance(event, ev.TaskRested) else ()
        return Entry(event.at, word, event, step, self.label(task), seconds, ended, tuple(names), asked)

    def _open_questions(self, task: str) -> tuple[str, ...]:
        """The open questions of a task that waits for an answer."""
        facts = self.tree.tasks[task]
        if facts.state != "question":
            return ()
        asked = [*facts.questions.values(), *(call.event.arguments or {} for call in facts.unsettled if call.asks)]
        return tuple(str(question.get("question")) for question in asked)

    def node(self, task: str) -> TaskNode:
        """A task as it is shown."""
        facts = self.tree.tasks[task]
        rest = facts.rest
        return TaskNode(
            task,
            self._names[task],
            facts.state,
            cut(rest.reason, LONGEST) if rest and rest.reason else None,
            from_iso(rest.at) if rest else None,
            len(facts.children),
            len(facts.live_children),
            self._open_questions(task),
        )

    def label(self, task: str) -> str | None:
        """The name of a subtask, with its number if the name is not unique. None for the root."""
        if task == self.root:
            return None
        name = self._names[task]
        return name if self._bearers[name] < 2 else f"{name} {task.removeprefix(root_of(task))}"

    def elapsed(self, now: float | None = None) -> float:
        """Seconds since the root began: up to `now` until it rests, else up to its last event."""
        return max(0.0, (now if now is not None and self.rest is None else self.last) - self.began)

    def worked(self) -> float:
        """Seconds during which at least one firing ran, as of the last event."""
        return self.tree.working

    def ancestors(self, task: str) -> Iterator[str]:
        """The tasks above `task`, nearest first."""
        parent = self.tree.tasks[task].parent
        while parent is not None:
            yield parent
            parent = self.tree.tasks[parent].parent

    def _take(self, event: ev.Event) -> Firing | None:
        match event:
            case ev.TaskCreated():
                self._add_task(event)
            case ev.FiringStarted():
                self._add_firing(event)
            case ev.Logged():
                self._logged(event)
            case ev.Committed():
                return self._add_commit(event)
            case ev.FiringLooked() | ev.FiringVoided() | ev.FiringFailed():
                return self._end_firing(event)
            case ev.TaskRested():
                self._paused.pop(event.task, None)
                self._paused[event.task] = self.tree.tasks[event.task]
        return None

    def _add_task(self, event: ev.TaskCreated) -> None:
        if self.root is None:
            self.root, self.began = event.task, from_iso(event.at)
        self._set_name(event.task, event.name)

    def _set_name(self, task: str, name: str) -> None:
        before, shown = self._names.get(task), cut(name, LONGEST)
        if before is not None:
            self._bearers[before] -= 1
        self._names[task] = shown
        self._bearers[shown] += 1

    def _add_firing(self, event: ev.FiringStarted) -> None:
        self.steps[event.firing] = event.step
        if len(self.steps) > _MOST_NAMED:
            # A firing that is void met those that ended while it ran.
            self.steps = {number: self.steps[number] for number in [*self.steps][_MOST_NAMED // 2 :]}
        firing = self.running.setdefault(event.firing, self._firing(event))
        firing.since, firing.attempt, firing.run = from_iso(event.at), event.attempt, event.run
        self._forget_calls(firing)

    def _firing(self, event: _Beginning) -> Firing:
        """The firing of `event`; one that has ended already is not kept."""
        firing = self.running.get(event.firing)
        return firing or Firing(event.firing, event.step, event.task, from_iso(event.at))

    def _note_call(self, event: ev.CallSent | ev.CallProgress) -> None:
        firing = self._firing(event)
        if isinstance(event, ev.CallSent) or event.key in firing.asking or event.state == "queued":
            firing.asking[event.key] = event
            self._queue(event)

    def _queue(self, event: ev.CallSent | ev.CallProgress) -> None:
        call = event.firing, event.key
        self._calling.discard(call)
        self._queued.discard(call)
        (self._queued if is_in_queue(event) else self._calling).add(call)

    def _forget_calls(self, firing: Firing, *keys: str) -> None:
        for key in keys or [*firing.asking]:
            firing.asking.pop(key, None)
            self._calling.discard((firing.number, key))
            self._queued.discard((firing.number, key))

    def _add_answer(self, event: ev.CallAnswered) -> None:
        firing = self._firing(event)
        if not (event.error or {}).get("again"):
            self._forget_calls(firing, event.key)
        if not event.replayed:
            firing.figures.count_call(event)

    def _logged(self, event: ev.Logged) -> None:
        firing = self._firing(event)
        firing.said = cut(event.text.strip(), LONGEST)
        line, count = (event.level, event.text), 1
        if firing.logs and firing.logs[-1][:2] == line:
            count += firing.logs.pop()[2]
        firing.logs.append((*line, count))
        firing.logged += 1

    def _add_commit(self, event: ev.Committed) -> Firing | None:
        if event.name is not None:
            self._set_name(event.task, event.name)
        made = self._subtasks_made(event)
        if event.firing is None:
            return None
        firing = self._end_firing(event)
        firing.subtasks = made
        return firing

    def _subtasks_made(self, event: ev.Committed) -> int:
        """How many subtasks a commit made: it counts them before they are created."""
        made = 0
        for group, total in group_totals(event.changes):
            key = event.task, group
            made += total - self._totals[key]
            self._totals[key] = total
        return made

    def _end_firing(self, event: _Ending) -> Firing:
        number, step = event.firing or 0, event.step or ""
        firing = self.running.pop(number, None) or Firing(number, step, event.task, from_iso(event.at) - event.seconds)
        self._forget_calls(firing)
        return firing


def _firing_of(task: str, flight: Flight) -> Firing:
    return Firing(flight.firing, flight.step, task, from_iso(flight.at), flight.attempt, flight.run)
