"""A task, as it is on record."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from aloma_cli.clock import SystemClock
from aloma_cli.errors import JournalDamagedError
from aloma_cli.ids import root_of
from aloma_cli.jsontext import Json, JsonObject
from aloma_cli.later import Later
from aloma_cli.record.states import ACTIVE, as_seen, is_asleep

if TYPE_CHECKING:
    from aloma_cli.content.step import Step
    from aloma_cli.engine import working
    from aloma_cli.engine.working import WorkingTree
    from aloma_cli.explain import blame as blaming
    from aloma_cli.explain import why as explaining
    from aloma_cli.explain.blame import BlameResult
    from aloma_cli.explain.why import Explanation, Inquiry
    from aloma_cli.record import history
    from aloma_cli.record import summary as summing
    from aloma_cli.record.batch import Batch
    from aloma_cli.record.events import Event
    from aloma_cli.store.protocol import Store
else:
    working = Later("aloma_cli.engine.working")
    blaming = Later("aloma_cli.explain.blame")
    explaining = Later("aloma_cli.explain.why")
    summing = Later("aloma_cli.record.summary")
    history = Later("aloma_cli.record.history")


NO_STEPS: Mapping[str, Step] = MappingProxyType({})


class Task:
    """One task, as it was when it was read; a subtask as well as a root.

    `record` is what `aloma task show --json` prints, without the document (`docs/format.md` describes it).
    """

    # Not a dataclass, because the import of those takes as long as to show a task.
    __slots__ = ("_steps", "_store", "data", "id", "record")

    def __init__(
        self,
        id: str,  # noqa: A002  (the name of the attribute)
        record: JsonObject,
        data: JsonObject,
        store: Store,
        steps: Mapping[str, Step] = NO_STEPS,
    ) -> None:
        self.id = id
        self.record = record
        self.data = data
        self._store = store
        self._steps = steps

    def __repr__(self) -> str:
        return f"Task({self.id!r}, {self.name!r}, {self.state!r})"

    @property
    def name(self) -> str:
        return str(self.record["name"])

    @property
    def state(self) -> str:
        """created, processing, waiting, question, unsettled, limited, done, error, ignored, incomplete or stopped."""
        return str(self.record["state"])

    @property
    def result(self) -> Json:
        """What `task.complete` was given, if it was called."""
        return self.record["result"]

    @property
    def seen(self) -> JsonObject:
        """`record` as `--json` prints it: a task that is at work is `running`, or `interrupted` if no process runs it.

        So are those of `children`. `held`: whether a process runs the tree now; None for a task that rests.
        """

        if self.state not in ACTIVE:
            return {**self.record, "held": None}
        root = root_of(self.id)
        held, published = self._store.is_held(root), self._store.record(root) or {}
        return {**as_seen(self.record, held=held, asleep=is_asleep(published)), "held": held}

    @property
    def journal(self) -> list[Event]:
        """Everything that happened to this task, oldest first; not what happened to its subtasks."""
        return [event for event in self.tree_journal if event.task == self.id]

    @property
    def tree_journal(self) -> list[Event]:
        """Everything that happened in the whole tree this task belongs to, oldest first.

        Raises JournalDamagedError.
        """
        events, damage = read_events(self._store, root_of(self.id))
        if damage is not None:
            raise damage
        return events

    def why(self, step: str, entry: int | None = None) -> Explanation:
        """Why a step of the workspace fired or did not, at the end of the log or after one of its entries.

        Raises NotFoundError for an unknown step, InputError for an unknown entry, JournalDamagedError.
        """
        return explaining.why(self._inquiry(), step, entry)

    def blame(self, path: str, entry: int | None = None) -> BlameResult:
        """Where the value at a dotted path comes from.

        Raises NotFoundError where nothing was ever written, InputError, JournalDamagedError.
        """
        return blaming.blame(self._inquiry(), path, entry)

    def _inquiry(self) -> Inquiry:
        held = self._store.is_held(root_of(self.id))
        return explaining.Inquiry(self.tree_journal, self.id, self._steps, SystemClock().now(), held=held)


def task_of(store: Store, tree: WorkingTree, task_id: str, steps: Mapping[str, Step] = NO_STEPS) -> Task:
    """A task of a tree that has been read."""
    document = tree.tasks[task_id].document
    return Task(task_id, dict(summing.summary(tree, task_id, document)), document, store, steps)


def read_task(store: Store, task_id: str) -> Task:
    """A task of a store, from what was published of it where that is the newest, else from its journal.

    Raises NotFoundError, JournalDamagedError.
    """
    return read_published(store, task_id) or task_of(store, read_tree(store, root_of(task_id)), task_id)


def read_published(store: Store, task_id: str, steps: Mapping[str, Step] = NO_STEPS) -> Task | None:
    """A task of a store, from what was published of it; None where that is not the newest, or cannot be read."""
    published = store.published(task_id)
    return None if published is None else Task(task_id, *published, store, steps)


class TreeEvents:
    """The events of a tree up to where its record is damaged, read again and one by one each time they are iterated.

    `damage` is what the last reading came to. Raises as `batches` does.
    """

    def __init__(self, store: Store, root: str) -> None:
        self.store = store
        self.root = root
        self.damage: JournalDamagedError | None = None

    def __iter__(self) -> Iterator[Event]:
        return (event for batch in self.batches() for event in batch.events)

    def batches(self) -> Iterator[Batch]:
        """The same by batches. Raises NotFoundError, and JournalDamagedError if nothing can be read."""
        tree, self.damage = working.WorkingTree(), None
        try:
            for batch in self.store.read(self.root):
                tree.take(batch)
                yield batch
        except JournalDamagedError as damage:
            if not tree.tasks:
                raise
            self.damage = damage


def read_batches(store: Store, root: str) -> tuple[list[Batch], JournalDamagedError | None]:
    """All that can be read of a tree: its batches up to where its record is damaged, and that damage.

    Raises NotFoundError, and JournalDamagedError if nothing can be read.
    """
    events = TreeEvents(store, root)
    return [*events.batches()], events.damage


def read_events(store: Store, root: str) -> tuple[list[Event], JournalDamagedError | None]:
    """The events of `read_batches`, and the damage behind them."""
    events = TreeEvents(store, root)
    return [*events], events.damage


def read_record(store: Store, root: str) -> JsonObject:
    """The record of a root alone, without its document. Raises as `read_task`."""
    published = store.record(root)
    if published is not None:
        return published
    return task_of(store, read_tree(store, root), root).record


def read_tasks(store: Store, root: str) -> list[Task]:
    """A root and its subtasks, each before those it made. Raises as `read_task`."""
    tree = read_tree(store, root)
    return [task_of(store, tree, task_id) for task_id in tree.tasks]


def read_records(store: Store, root: str) -> list[JsonObject]:
    """As `read_tasks`, their records alone."""
    return [task.record for task in read_tasks(store, root)]


def read_tree(store: Store, root: str) -> WorkingTree:
    """The state of a whole tree. Raises NotFoundError, JournalDamagedError."""
    return working.read_working(store.kept(root), lambda: store.read(root))


def read_sound_part(store: Store, root: str) -> tuple[WorkingTree, JournalDamagedError | None]:
    """The state of a tree up to where its record is damaged, and that damage.

    Raises JournalDamagedError if nothing can be read.
    """
    try:
        return read_tree(store, root), None
    except JournalDamagedError:
        events, damage = read_events(store, root)
        return working.WorkingTree.of(events), damage


def document_at(task: Task, entry: int) -> JsonObject:
    """A task's document after entry `entry` of its log. Raises InputError where there is no such entry."""
    document, last = history.document_at(task.tree_journal, task.id, entry)
    if entry < 0 or last != entry:
        last = history.document_at(task.tree_journal, task.id, sys.maxsize)[1]
        raise history.no_such_entry(task.id, entry, last)
    return document
