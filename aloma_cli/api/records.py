"""The tasks of a workspace, for those who look at them or stop them: no step is loaded, and none can run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aloma_cli.api.naming import find_task
from aloma_cli.api.task import Task, read_task, read_tree, task_of
from aloma_cli.clock import Clock, SystemClock
from aloma_cli.errors import TaskLockedError
from aloma_cli.ids import root_of
from aloma_cli.loader import find_workspace
from aloma_cli.store import FileStore

if TYPE_CHECKING:
    from aloma_cli.engine.state import Tree
    from aloma_cli.store import Claim, Store

RECORD_FOLDER = ".aloma"


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

    def stop(self, text: str, reason: str = "stopped by a person") -> Task | None:
        """Stop a task and its subtasks.

        Where another process runs it, that process is asked to, and None is given: it will be done soon.
        """
        task_id = self.find(text)
        try:
            claim = self.store.claim(root_of(task_id))
        except TaskLockedError:
            self.store.post(root_of(task_id), {"kind": "stop", "task": task_id, "reason": reason})
            return None
        try:
            return task_of(self.store, self._stop(claim, task_id, reason), task_id)
        finally:
            claim.close()

    def _stop(self, claim: Claim, task_id: str, reason: str) -> Tree:
        from aloma_cli.engine.plan import Plan
        from aloma_cli.engine.run import Run

        # With no steps nothing else can start meanwhile.
        run = Run(claim, Plan(()), clock=self.clock, emit=lambda _: None)
        run.stop(task_id, reason)
        run.turn()
        run.publish()
        return run.tree


def file_store(root: Path) -> FileStore:
    """Where the workspace at `root` keeps its tasks."""
    return FileStore(root / RECORD_FOLDER)
