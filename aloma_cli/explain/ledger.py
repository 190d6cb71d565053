"""What a record says, in an order that questions need: firings, entries, and who wrote which value."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import field

from aloma_cli.document.changes import Change, Replay, apply
from aloma_cli.document.paths import MISSING, get, resolve
from aloma_cli.errors import JournalDamagedError
from aloma_cli.explain.authors import NEVER, Authors
from aloma_cli.jsontext import Json, JsonObject, Path
from aloma_cli.record import events as ev
from aloma_cli.record.calls import CallCount
from aloma_cli.record.history import NUMBERED
from aloma_cli.record.tree import Tree
from aloma_cli.values import dataclass

PAUSES = ("limited", "stopped", "unknown", "asking")
"""Why a firing is voided that runs again later, without a conflict."""

End = ev.Committed | ev.FiringLooked | ev.FiringVoided | ev.FiringFailed


@dataclass(frozen=True, slots=True)
class Writing:
    """A commit, or the creation of a task: it made the document what it is as of `version`. `entry`: its number."""

    event: ev.TaskCreated | ev.Committed
    entry: int
    version: int
    changes: tuple[Change, ...]

    def value_at(self, path: Path) -> Json:
        """What it wrote at `path`, or MISSING; only what one of its changes covers."""
        for change in reversed(self.changes):
            where = (*change.path, "-") if change.op == "append" else change.path
            if change.op != "remove" and where == path[: len(where)]:
                return get(change.value, resolve(change.value, path[len(where) :]))
        return MISSING

    def touches(self, path: Path) -> bool:
        """Whether it wrote the value at `path`, or wrote or removed a part of it."""
        below = any(change.path[: len(path)] == path for change in self.changes)
        return below or self.value_at(path) is not MISSING


@dataclass(slots=True)
class FiringRecord:
    """A firing, as of its last run. `end` and `entry`: how it ended, and the number of that entry of the log.

    `at`: when its first run began. `before`: the calls that were answered before the last run began. `numbers`: those
    of its calls, as in `aloma task calls`.
    """

    started: ev.FiringStarted
    at: str
    before: int = 0
    calls: list[ev.CallAnswered] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    end: End | None = None
    entry: int | None = None
    voids: int = 0

    @property
    def number(self) -> int:
        return self.started.firing

    @property
    def step(self) -> str:
        return self.started.step


@dataclass(slots=True)
class TaskLedger:
    """One task. `entries`: the events of its log by their numbers. `disarmed`: the firing that disarmed each step."""

    created: ev.TaskCreated
    writes: dict[int, Writing] = field(default_factory=dict)
    entries: list[ev.Event] = field(default_factory=list)
    firings: dict[str, list[FiringRecord]] = field(default_factory=dict)
    disarmed: dict[str, FiringRecord] = field(default_factory=dict)
    settings: JsonObject = field(default_factory=dict)
    landings: dict[str, Writing] = field(default_factory=dict)
    authors: Authors = field(default_factory=Authors)
    replay: Replay = field(default_factory=lambda: Replay({}))

    @property
    def version(self) -> int:
        """The newest version."""
        return next(reversed(self.writes))

    @property
    def document(self) -> JsonObject:
        """The document as of the newest version."""
        document: JsonObject = self.replay.document
        return document

    def document_at(self, version: int) -> JsonObject:
        """The document as of a version."""
        changes = [change for at, one in self.writes.items() if 0 < at <= version for change in one.changes]
        document: JsonObject = apply(self.created.data, changes)
        return document

    def author(self, path: Path, version: int) -> Writing | None:
        """Who wrote last, as of `version`, the value at `path` or a part of it; None if nothing did."""
        found = self.authors.last(path, version)
        return None if found == NEVER else self.writes[found]

    def remover(self, path: Path, version: int) -> Writing | None:
        """Who removed last, as of `version`, the value at `path`, where there is none; None if there never was one."""
        found = last = self.authors.whole(path, version)
        while found != NEVER and self.writes[found].value_at(path) is MISSING:
            found = self.authors.whole(path, found - 1)
        return None if found == NEVER else self.writes[last]

    def last_firing(self, step: str) -> FiringRecord | None:
        """The firing of a step that started last."""
        return next(reversed(self.firings.get(step, ())), None)

    def times(self, step: str) -> int:
        """How often a step fired: its firings that were committed."""
        return sum(isinstance(one.end, ev.Committed) for one in self.firings.get(step, ()))


@contextmanager
def without_collector() -> Iterator[None]:
    """Read a record: nothing of it becomes garbage, and collecting garbage takes a third of the time. What was read is
    not collected afterwards either, until the next record is read.
    """
    was_on = gc.isenabled()
    gc.disable()
    gc.unfreeze()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


class Ledger:
    """A whole tree. `tree` has its facts as of the last event."""

    def __init__(self) -> None:
        self.tree = Tree()
        self.tasks: dict[str, TaskLedger] = {}
        self.firings: dict[int, FiringRecord] = {}
        self._count = CallCount()

    @classmethod
    def of(cls, events: Iterable[ev.Event], *, until: tuple[str, int] | None = None) -> Ledger:
        """All of `events` of a tree; with `until`, up to this entry (its number) of the log of this task.

        Raises JournalDamagedError where an event does not follow from those before it.
        """
        ledger = cls()
        with without_collector():
            for event in events:
                try:
                    ledger.take(event)
                except Exception as error:
                    # Another program wrote it, so its content may be anything.
                    raise _does_not_follow(event, error) from error
                if until is not None and event.task == until[0] and len(ledger.tasks[until[0]].entries) > until[1]:
                    break
        return ledger

    def take(self, event: ev.Event) -> None:
        """Take in the next event."""
        self.tree.apply(event)
        call = self._count.take(event)
        if isinstance(event, ev.TaskCreated):
            self._create(event)
        task = self.tasks[event.task]
        match event:
            case ev.FiringStarted():
                self._start(task, event)
            case ev.Committed():
                self._commit(task, event)
            case ev.CallAnswered():
                self.firings[event.firing].calls.append(event)
                self.firings[event.firing].numbers.append(0 if call is None else call.number)
            case ev.StepsArmed():
                _arm(task, event.steps)
            case ev.FiringLooked() | ev.FiringVoided() | ev.FiringFailed():
                self._end_record(task, event, event.firing)
        if isinstance(event, NUMBERED):
            task.entries.append(event)

    def maker_of(self, task: str) -> FiringRecord | None:
        """The firing that made a subtask; None for a root."""
        parts = task.split(".")
        return self.firings.get(int(parts[1])) if len(parts) == 3 else None

    def _create(self, event: ev.TaskCreated) -> None:
        task = self.tasks[event.task] = TaskLedger(event, replay=Replay(event.data))
        change = Change("add", (), event.data)
        task.authors.add(0, change)
        task.writes[0] = Writing(event, 0, 0, (change,))

    def _start(self, task: TaskLedger, event: ev.FiringStarted) -> None:
        firing = self.firings.get(event.firing)
        if firing is None:
            firing = self.firings[event.firing] = FiringRecord(event, event.at)
            task.firings.setdefault(event.step, []).append(firing)
        firing.started, firing.end, firing.entry, firing.before = event, None, None, len(firing.calls)
        task.disarmed[event.step] = firing

    def _commit(self, task: TaskLedger, event: ev.Committed) -> None:
        changes = _noted_changes(task, event)
        wrote = task.writes[event.version] = Writing(event, len(task.entries), event.version, changes)
        if event.child is not None:
            task.landings[event.child] = wrote
        task.settings.update(event.settings or {})
        _arm(task, event.armed)
        if event.firing is not None:
            self._end_record(task, event, event.firing)

    def _end_record(self, task: TaskLedger, event: End, number: int) -> None:
        firing = self.firings[number]
        firing.end, firing.entry = event, len(task.entries)
        match event:
            case ev.FiringLooked(rearmed=True):
                _arm(task, (event.step,))
            case ev.FiringVoided():
                firing.voids = 0 if event.reason in PAUSES or not event.again else firing.voids + 1
                if event.reason == "superseded" and not event.again:
                    _arm(task, (event.step,))


def _does_not_follow(event: ev.Event, error: Exception) -> JournalDamagedError:
    why = f"what happened at {event.at} does not follow from the rest ({type(error).__name__}: {error})"
    hint = f"run `aloma task log {event.task}`: it shows what can be read"
    return JournalDamagedError(f"the record of task {event.task} is damaged: {why}", hint=hint)


def _noted_changes(task: TaskLedger, event: ev.Committed) -> tuple[Change, ...]:
    replay, authors, changes = task.replay, task.authors, []
    for operation in event.changes:
        change = replay.take(operation)
        position = len(get(replay.document, change.path)) - 1 if change.op == "append" else None
        authors.add(event.version, change, position)
        changes.append(change)
    return tuple(changes)


def _arm(task: TaskLedger, steps: Iterable[str]) -> None:
    for step in steps:
        task.disarmed.pop(step, None)
