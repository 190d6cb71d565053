"""Read-only access to the tasks of a workspace; loads no step."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from aloma_cli.api.lookup import find_root, find_subtask, find_task
from aloma_cli.api.task import (
    NO_STEPS,
    Task,
    read_published,
    read_record,
    read_records,
    read_sound_part,
    read_task,
    read_tasks,
    task_of,
)
from aloma_cli.clock import Clock, SystemClock
from aloma_cli.errors import JournalDamagedError, NotFoundError, StoreError
from aloma_cli.jsontext import JsonObject
from aloma_cli.later import Later
from aloma_cli.loader.layout import find_workspace
from aloma_cli.loader.place import store_at
from aloma_cli.record.states import ACTIVE
from aloma_cli.store.open import open_store

if TYPE_CHECKING:
    from aloma_cli.content.step import Step
    from aloma_cli.engine import working
    from aloma_cli.loader.workspace import LoadedWorkspace
    from aloma_cli.store.protocol import Salvage, Store
else:
    working = Later("aloma_cli.engine.working")


class Records:
    """The tasks in a store. `steps`: those that can be asked why they fired."""

    steps: Mapping[str, Step] = NO_STEPS

    def __init__(self, store: Store, *, clock: Clock | None = None) -> None:
        self.store = store
        self.clock = clock or SystemClock()

    @classmethod
    def at(cls, path: str | Path | None = None) -> Records:
        """Those of the workspace at `path`, or of the one around the current folder. Raises WorkspaceError."""
        return cls(open_store(store_at(find_workspace(path, Path.cwd()), os.environ)))

    def find(self, text: str) -> str:
        """The id of the task that `text` names: an id, a unique beginning of one, `@last`, `@-2`."""
        return find_task(self.store, text)

    def task(self, text: str) -> Task:
        """The task that `text` names. Raises NotFoundError, JournalDamagedError."""
        task, damage = self.readable(text)
        if damage is not None:
            raise damage
        return task

    def readable(self, text: str) -> tuple[Task, JournalDamagedError | None]:
        """The task that `text` names, as far as its record can be read, and the damage behind which it cannot.

        Raises NotFoundError, and JournalDamagedError where nothing can be read of it.
        """
        root, rest = find_root(self.store, text)
        published = None if rest else read_published(self.store, root, self.steps)
        if published is not None:
            return published, None
        tree, damage = read_sound_part(self.store, root)
        task_id = find_subtask(tree.tasks, f"{root}.{rest}", damage) if rest else root
        return task_of(self.store, tree, task_id, self.steps), damage

    def salvage(self, text: str) -> Salvage | None:
        """Go back to the last good entry of a task's damaged record; None where it is not damaged.

        Raises NotFoundError, TaskLockedError, StoreError, and JournalDamagedError where there is nothing to go back to.
        """
        return self.store.salvage(find_root(self.store, text)[0], working.WorkingTree().take)

    def tasks(self, *, subtasks: bool = False) -> list[Task]:
        """All tasks, oldest first; with `subtasks` each followed by its own."""
        tasks: list[Task] = []
        for root in self.store.roots():
            with contextlib.suppress(NotFoundError):  # deleted meanwhile
                tasks += read_tasks(self.store, root) if subtasks else [read_task(self.store, root)]
        return tasks

    def size(self, record: JsonObject) -> int | None:
        """The bytes of a root on disk, with its subtasks; None for a subtask, and for a task deleted meanwhile."""
        if record["parent"] is not None:
            return None
        try:
            return self.store.size(record["id"])
        except NotFoundError:
            return None

    def records(
        self,
        roots: Iterable[str] | None = None,
        *,
        subtasks: bool = False,
        unreadable: Callable[[StoreError], object],
    ) -> Iterator[list[JsonObject]]:
        """What `Task.record` is, without reading the documents: one list a root, newest first.

        A list holds the root's record alone or, with `subtasks`, also those of its subtasks after it. Each record has
        `held` as well: whether a process runs the tree now; None for a task that rests. `unreadable` is called for
        each task that cannot be read; it is left out.
        """
        for root in self.store.newest_first().ids if roots is None else roots:
            try:
                tree = self._tree_records(root) if subtasks else [read_record(self.store, root)]
                held = self.store.is_held(root) if any(one["state"] in ACTIVE for one in tree) else None
                yield [{**one, "held": held if one["state"] in ACTIVE else None} for one in tree]
            except NotFoundError:  # deleted meanwhile
                continue
            except StoreError as error:
                unreadable(error)

    def _tree_records(self, root: str) -> list[JsonObject]:
        """The records of a root and its subtasks.

        Only the published record has the time at which the tree continues by itself.
        """
        first, *others = read_records(self.store, root)
        return [{**first, "wake_at": (self.store.record(root) or {}).get("wake_at")}, *others]


class AskedWorkspace(Records):
    """The tasks and the steps of a workspace, to explain tasks: runs no step, and imports no engine."""

    def __init__(self, store: Store, loaded: LoadedWorkspace, *, clock: Clock | None = None) -> None:
        super().__init__(store, clock=clock)
        self.loaded = loaded
        self.steps: dict[str, Step] = dict(loaded.steps)
