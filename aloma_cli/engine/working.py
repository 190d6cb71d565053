"""What a running engine knows about a tree beyond its facts: documents, armed steps, what firings started from.

`record/tree.py` takes an event in first, and then what `following` has here changes only what is declared here. An
engine that runs and one that opens a journal after a crash both build their state by it, so they cannot disagree.
Nothing here knows a step's code, and nothing here decides anything.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import field
from typing import TYPE_CHECKING, ClassVar

from aloma_cli.document.changes import Change, InPlace, replay
from aloma_cli.document.diff import diff
from aloma_cli.document.held import Held
from aloma_cli.engine.agenda import UNWATCHED, Agenda, Made
from aloma_cli.engine.cycles import Trail
from aloma_cli.jsontext import JsonObject, Path, show_path
from aloma_cli.later import Later
from aloma_cli.record import events as ev
from aloma_cli.record.tree import PASSING, Flight, TaskFacts, Tree, is_end
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from aloma_cli.record import checkpoint
    from aloma_cli.record.batch import Batch
    from aloma_cli.store.protocol import Kept
else:
    checkpoint = Later("aloma_cli.record.checkpoint")

_FROM_OUTSIDE = ("person", "landing")


@dataclass(slots=True)
class WorkingFlight(Flight):
    """A firing under way, and what it started from: `base` and `about`, as of `version`."""

    based_on: int | None = None
    base: JsonObject = field(init=False)
    about: JsonObject = field(init=False)
    digest: int = 0
    voids: int = 0


@dataclass(slots=True)
class Revision:
    """One commit, as the firings need it that started before it."""

    version: int
    firing: int | None
    changes: list[Change]
    about: list[Change]


@dataclass(slots=True)
class WorkingTask(TaskFacts):
    """One task. No container in `document` is altered in place but itself, and that only by a commit.

    `retried` (of steps that wait for a try) and `standing` (of others) have the failed firing whose answered calls
    still stand.
    """

    flight_type: ClassVar[type[Flight]] = WorkingFlight
    flights: dict[int, WorkingFlight] = field(default_factory=dict)  # type: ignore[assignment]  # dicts are invariant

    document: JsonObject = field(default_factory=dict)
    about: JsonObject = field(default_factory=dict)
    trail: Trail = field(init=False)
    disarmed: set[str] = field(default_factory=set)
    looked: set[str] = field(default_factory=set)
    retried: dict[str, int] = field(default_factory=dict)
    standing: dict[str, int] = field(default_factory=dict)
    history: list[Revision] = field(default_factory=list)
    awaited: set[str] = field(default_factory=set)
    held: Held = field(default_factory=Held)
    asked: dict[str, Path] = field(default_factory=dict)
    starts: dict[str, int] = field(default_factory=dict)
    agenda: Agenda = field(default=UNWATCHED, compare=False, metadata=PASSING)
    drafted: int | None = field(default=None, compare=False, metadata=PASSING)
    """The firing whose changes alone the last commit made, as its draft had them."""
    landings: InPlace | None = field(default=None, compare=False, metadata=PASSING)
    """The document that landings made since a firing last started from it; only they alter its objects in place."""
    made: Made | None = field(default=None, compare=False, metadata=PASSING)
    """The commit under way, as it was worked out before its event: it is not worked out twice."""

    @property
    def true(self) -> AbstractSet[str]:
        """The steps whose condition holds."""
        return self.agenda.true

    @property
    def standpoint(self) -> Hashable:
        """With the document, this determines what the steps do next."""
        flights = sorted((flight.step, flight.digest, flight.attempt) for flight in self.flights.values())
        asked = (self.name, self.tags, tuple(self.questions), json.dumps(self.settings) if self.settings else "")
        order = tuple(sorted(self.begun, key=lambda step: self.begun[step].firing))
        return (frozenset(self.disarmed), frozenset(self.looked), tuple(flights), asked, order)

    def since(self, version: int) -> list[Revision]:
        """The commits after `version`, as far as a flight needs them."""
        return [revision for revision in self.history if revision.version > version]


@dataclass(eq=False, repr=False)
class WorkingTree(Tree):
    """A root task and its descendants, as an engine runs them. `calls` are the answered ones of firings under way."""

    task_type: ClassVar[type[TaskFacts]] = WorkingTask
    tasks: dict[str, WorkingTask] = field(default_factory=dict)  # type: ignore[assignment]  # dicts are invariant
    calls: defaultdict[int, dict[str, ev.CallAnswered]] = field(default_factory=lambda: defaultdict(dict))
    entries: Counter[str] = field(default_factory=Counter)
    answers: defaultdict[tuple[str, str | None], list[int]] = field(default_factory=lambda: defaultdict(list))

    if TYPE_CHECKING:  # its tasks are those of `task_type`

        @property
        def root(self) -> WorkingTask: ...
        def apply(self, event: ev.Event) -> WorkingTask: ...
        def descendants(self, task_id: str) -> Sequence[WorkingTask]: ...

    def flights(self) -> list[tuple[WorkingTask, WorkingFlight]]:
        """Every firing under way."""
        tasks = [self.tasks[one] for one in dict.fromkeys(self.flying.values())]
        return [(task, flight) for task in tasks for flight in task.flights.values()]


def read_working(kept: Kept | None, batches: Callable[[], Iterable[Batch]]) -> WorkingTree:
    """The tree of a record: from the state that was kept of it, if it is one of this program, else from `batches`.

    Raises JournalDamagedError where an entry does not follow from those before it.
    """
    tree = None if kept is None else checkpoint.from_checkpoint(WorkingTree, kept.state)
    rest = batches() if kept is None or tree is None else kept.rest
    tree = tree or WorkingTree()
    for batch in rest:
        tree.take(batch)
    return tree


def _created(tree: WorkingTree, task: WorkingTask, event: ev.TaskCreated) -> None:
    task.document = event.data.copy()  # the event stays as it is
    task.trail = Trail(tree.root_id, event.at)
    task.about = _about(task)
    if event.parent is None:
        return
    parent = tree.tasks[event.parent]
    if event.into is not None:
        parent.held.hold(event.into)
    if event.wait_for:
        parent.awaited.add(event.task)


def _started(tree: WorkingTree, task: WorkingTask, event: ev.FiringStarted) -> None:
    flight, step = task.flights[event.firing], event.step
    # After a crash the same firing is repeated from where it started, not from the newest document; what has armed
    # its step since then still does.
    if flight.based_on != event.version:
        flight.based_on, flight.base, flight.about = event.version, task.document, task.about
        task.landings = None  # the firing needs the document as it is
        flight.digest = task.trail.digest if task.trail.watched else 0
        task.disarmed.add(step)
        task.agenda.leave(step)
    if event.continues is not None and event.firing not in tree.calls:
        answered = tree.calls.pop(event.continues, {})
        tree.calls[event.firing] = {key: call for key, call in answered.items() if call.error is None}
    task.looked.discard(step)
    if task.standing or task.retried:
        task.standing.pop(step, None)
        task.retried.pop(step, None)
    if event.run == 1:
        task.starts[step] = task.starts.get(step, 0) + 1
        if event.attempt > 1:
            task.trail.restart()


def _released(tree: WorkingTree, task: WorkingTask, event: ev.CallReleased) -> None:  # noqa: ARG001
    task.trail.restart()


def _answered(tree: WorkingTree, task: WorkingTask, event: ev.CallAnswered) -> None:
    if (event.error or {}).get("again"):
        return  # it came in part, and another try followed
    flight = task.flights.get(event.firing)
    if flight is not None and not flight.running:
        task.trail.restart()  # the answer comes from a person
    tree.calls[event.firing][event.key] = event
    about, usage = event.about or {}, event.usage or {}
    if usage:
        tree.answers[event.step, event.arguments.get("model")].append(usage.get("output_tokens", 0))
    if "entry" in about:
        tree.entries[about["entry"]] += 1


def _committed(tree: WorkingTree, task: WorkingTask, event: ev.Committed) -> None:
    made, task.made = task.made, None
    if made is None:
        before = task.document
        after, changes = replay(before, event.changes)
        made = Made(before, after, changes, [], None)
    before, task.document, changes, verdicts, task.drafted = made
    if event.child is not None or event.answers:
        _release(tree, task, event)
    if task.held.at:
        task.held.follow(before, task.document, changes)
    _trace(tree, task, before, changes, event)
    if event.armed:
        task.disarmed.difference_update(event.armed)
        task.looked.difference_update(event.armed)
    task.agenda.follow(verdicts, event.armed)
    if event.asked:
        _ask(task, event)
    about = task.about
    if event.settings or event.name is not None or event.tags is not None or event.asked or event.answers:
        task.about = _about(task)
    if task.flights:
        task.history.append(Revision(event.version, event.firing, changes, diff(about, task.about)))
    if task.history:
        _trim_history(task)
    if task.trail.watched:
        _mark(tree, task)


def _trace(
    tree: WorkingTree, task: WorkingTask, before: JsonObject, changes: list[Change], event: ev.Committed
) -> None:
    """Let the trail of a task follow a commit, and the firing that it ends."""
    # A timer writes the default of a question.
    answered = event.answers and event.firing is None
    if event.by in _FROM_OUTSIDE or answered or event.parked_until is not None or event.figures:
        task.trail.restart()  # it brings what does not follow from the document
    elif task.trail.watched:
        task.trail.follow(before, task.document, changes, event.at)
    if event.firing is not None:
        if tree.calls or task.trail.watched:
            _land(tree, task, event.firing)
        task.trail.fire(event.step or "")


def _about(task: WorkingTask) -> JsonObject:
    """What firings can write besides the document, as a document: it merges by the same rules."""
    questions = {place: asked["question"] for place, asked in task.questions.items()}
    return {"name": task.name, "tags": list(task.tags), "settings": task.settings, "questions": questions}


def _release(tree: WorkingTree, task: WorkingTask, event: ev.Committed) -> None:
    """Release the places at which this commit itself lands something."""
    into = tree.tasks[event.child].into if event.child is not None else None
    if into is not None:
        task.held.release(into)
    for place in event.answers:
        path = task.asked.pop(place, None)
        if path is not None:
            task.held.release(path)


def _ask(task: WorkingTask, event: ev.Committed) -> None:
    """Hold the places of the answers to this commit's questions."""
    for asked in event.asked:
        place = tuple(asked["into"])
        task.asked[show_path(place)] = place
        task.held.hold(place)


def _looked(tree: WorkingTree, task: WorkingTask, event: ev.FiringLooked) -> None:
    _land(tree, task, event.firing)
    _trim_history(task)
    if event.figures:
        task.trail.restart()
    if event.rearmed:
        _arm(task, (event.step,))
    else:
        task.looked.add(event.step)


def _voided(tree: WorkingTree, task: WorkingTask, event: ev.FiringVoided) -> None:
    if event.reason == "withdrawn":
        # It lost a race, and what decided that is not in the document.
        task.trail.restart()
    if event.again:
        flight = task.flights[event.firing]
        # A paused firing ends the series: nothing may wait for it to land before it runs again.
        flight.voids = 0 if flight.parked or event.reason in ("limited", "stopped") else flight.voids + 1
    else:
        _land(tree, task, event.firing)
        if event.reason == "superseded":
            # It was to be repeated and left nothing: where its step is away for now, the next match is not lost.
            _arm(task, (event.step,))
    _trim_history(task)


def _failed(tree: WorkingTree, task: WorkingTask, event: ev.FiringFailed) -> None:
    calls = tree.calls.get(event.firing)
    _land(tree, task, event.firing)
    task.trail.fail(event.step, event.error["message"], event.at)
    _trim_history(task)
    if event.retry_at is not None or event.figures:
        task.trail.restart()
    if event.error.get("connector") and calls:
        # The connector failed, not the step: what was answered before stands for the next try, but for the
        # answers that had not the shape asked for. Those would not fit again.
        misfits = event.error.get("misfits", ())
        tree.calls[event.firing] = {key: call for key, call in calls.items() if key not in misfits}
        (task.standing if event.retry_at is None else task.retried)[event.step] = event.firing


def _armed(tree: WorkingTree, task: WorkingTask, event: ev.StepsArmed) -> None:  # noqa: ARG001
    _arm(task, event.steps)
    task.trail.restart()
    for step in event.steps:
        task.retried.pop(step, None)


def _limits_set(tree: WorkingTree, task: WorkingTask, event: ev.LimitsSet) -> None:  # noqa: ARG001
    for one in tree.tasks.values():
        one.starts.clear()


def _rested(tree: WorkingTree, task: WorkingTask, event: ev.TaskRested) -> None:
    if event.closed:
        task.agenda = UNWATCHED
    if task.parent is not None and is_end(event):
        tree.tasks[task.parent].awaited.discard(task.id)


def _land(tree: WorkingTree, task: WorkingTask, firing: int) -> None:
    """End a flight for good; its calls will not be asked for again."""
    calls = tree.calls.pop(firing, None)
    if task.trail.watched:
        task.trail.land(firing, calls.values() if calls else ())


def _mark(tree: WorkingTree, task: WorkingTask) -> None:
    task.trail.mark(task.standpoint, task.version, tree.last_firing)


def _trim_history(task: WorkingTask) -> None:
    if not task.flights:
        task.history.clear()
        return
    oldest = min(flight.version for flight in task.flights.values())
    while task.history and task.history[0].version <= oldest:
        del task.history[0]


def _arm(task: WorkingTask, steps: Sequence[str]) -> None:
    task.disarmed.difference_update(steps)
    task.looked.difference_update(steps)
    task.agenda.follow((), steps)


WorkingTree.following = {
    ev.TaskCreated: _created,
    ev.FiringStarted: _started,
    ev.CallAnswered: _answered,
    ev.CallReleased: _released,
    ev.Committed: _committed,
    ev.FiringLooked: _looked,
    ev.FiringVoided: _voided,
    ev.FiringFailed: _failed,
    ev.StepsArmed: _armed,
    ev.LimitsSet: _limits_set,
    ev.TaskRested: _rested,
}
