"""The tasks of a workspace, for those who look at them: no step is loaded, and none can run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aloma_cli.api.naming import find_task
from aloma_cli.api.task import Task, read_task, read_tree, task_of
from aloma_cli.clock import Clock, SystemClock
from aloma_cli.loader import find_workspace
from aloma_cli.store import FileStore
from aloma_cli.store.folder import FOLDER

if TYPE_CHECKING:
    from aloma_cli.store import Store


class Records:
    """The tasks in a store."""

    def __init__(self, store: Store, *, clock: Clock | None = None) -> None:
        self.store = store
        self.clock = clock or SystemClock()

    @classmethod
    def at(cls, path: str | Path | None = None) -> Records:
        """Those of the workspace at `path`, or of the one around the current folder. Raises WorkspaceError."""
        return cls(file_store(find_workspace(path, Path.cwd())))

    def find(self, text: str) -> str:
        """The id of the task that `text` names: an id, a unique beginning of one, `@last`, `@-2`."""
        return find_task(self.store, text)

    def task(self, text: str) -> Task:
        """The task that `text` names. Raises NotFoundError."""
        return read_task(self.store, self.find(text))

    def tasks(self, *, subtasks: bool = False) -> list[Task]:
        """All tasks, oldest first; with `subtasks` each followed by its own."""
        roots = self.store.roots()
        if not subtasks:
            return [read_task(self.store, root) for root in roots]
        trees = ((root, read_tree(self.store, root)) for root in roots)
        return [task_of(self.store, tree, task_id) for _, tree in trees for task_id in tree.tasks]


def file_store(root: Path) -> FileStore:
    """Where the workspace at `root` keeps its tasks."""
    return FileStore(root / FOLDER)
