"""Tasks as plain files: one folder a tree, `.aloma/tasks/<root id>/` in the workspace.

    journal.jsonl   the truth: every event, appended
    data.json       the root's document, and nothing else
    task.json       its summary, and the size of the journal it was made from
    lock, holder    the operating system's lock, freed by death, and who holds it
    inbox/          requests of other processes

`docs/format.md` describes them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aloma_cli.errors import NotFoundError, StoreError, TaskLockedError
from aloma_cli.jsontext import JsonObject, dumps, loads

if TYPE_CHECKING:
    from aloma_cli.events import Event
    from aloma_cli.store.claim import FileClaim
    from aloma_cli.store.protocol import Batch

# What writing needs is imported where something is written, and the journal where it is read: most commands only
# look at what was published, and should answer at once.


class FileStore:
    """The tasks below one `.aloma` folder, which is made when the first task is."""

    def __init__(self, folder: Path, *, fsync: bool = True) -> None:
        self._folder = folder
        self._tasks = folder / "tasks"
        self._fsync = fsync

    def create(self, root: str, events: Sequence[Event]) -> FileClaim:
        import shutil

        folder = self._tasks / root
        try:
            self._prepare()
            folder.mkdir(mode=0o700)
        except OSError as error:
            raise StoreError(f"{folder} could not be made: {error.strerror}") from error
        try:
            return self._begin(folder, events)
        except BaseException as error:
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, OSError):
                raise StoreError(f"{folder} could not be made: {error.strerror}") from error
            raise

    def _begin(self, folder: Path, events: Sequence[Event]) -> FileClaim:
        """Fill a new folder. It is a task from the moment on when it has a journal."""
        from aloma_cli.store.claim import FileClaim, lock_folder
        from aloma_cli.store.journal import begin_journal
        from aloma_cli.store.protocol import Batch

        (folder / "inbox").mkdir(mode=0o700)
        lock = lock_folder(folder)
        try:
            size = begin_journal(folder / "journal.jsonl", Batch(0, tuple(events)), fsync=self._fsync)
            self._sync(folder, self._tasks)
            return FileClaim(folder, lock, size=size, count=1, fsync=self._fsync)
        except BaseException:
            lock.release()
            raise

    def claim(self, root: str) -> FileClaim:
        from aloma_cli.store.claim import FileClaim, lock_folder
        from aloma_cli.store.journal import read_journal

        folder = self._existing(root)
        lock = lock_folder(folder)
        try:
            size = count = 0
            for batch, end in read_journal(folder / "journal.jsonl"):
                size, count = end, batch.seq + 1
            return FileClaim(folder, lock, size=size, count=count, fsync=self._fsync)
        except BaseException:
            lock.release()
            raise

    def read(self, root: str, since: int = 0) -> Iterator[Batch]:
        from aloma_cli.store.journal import read_journal

        path = self._existing(root) / "journal.jsonl"
        return (batch for batch, _ in read_journal(path, since=since))

    def roots(self) -> list[str]:
        try:
            names = sorted(entry.name for entry in os.scandir(self._tasks))
        except FileNotFoundError:
            return []
        # A folder without a journal is being made, or was when the program was killed.
        return [name for name in names if (self._tasks / name / "journal.jsonl").is_file()]

    def summary(self, root: str) -> JsonObject | None:
        folder = self._tasks / root
        try:
            summary = loads((folder / "task.json").read_bytes())
            current = (folder / "journal.jsonl").stat().st_size
        except (OSError, ValueError):
            return None
        return summary if isinstance(summary, dict) and summary.get("journal_bytes") == current else None

    def data(self, root: str) -> JsonObject:
        path = self._existing(root) / "data.json"
        try:
            data: JsonObject = loads(path.read_bytes())
        except (OSError, ValueError) as error:
            raise StoreError(f"{path} cannot be read: {error}") from None
        return data

    def holder(self, root: str) -> str | None:
        from aloma_cli.store.claim import holder_of, lock_folder

        folder = self._existing(root)
        try:
            lock_folder(folder).release()
        except TaskLockedError:
            return holder_of(folder)
        return None

    def post(self, root: str, body: JsonObject) -> None:
        import time

        from aloma_cli.store.atomic import replace_file

        inbox = self._existing(root) / "inbox"
        # Names sort by time, so that requests are carried out in the order they were made.
        name = f"{time.time_ns():020}-{os.getpid()}-{os.urandom(3).hex()}.json"
        replace_file(inbox / name, dumps(body))

    def _existing(self, root: str) -> Path:
        folder = self._tasks / root
        if not (folder / "journal.jsonl").is_file():
            raise NotFoundError(f"there is no task {root}", hint="aloma task list")
        return folder

    def _prepare(self) -> None:
        from aloma_cli.store.folder import prepare_folder

        # One by one: parents that are made along the way would be open to all.
        prepare_folder(self._folder)
        self._tasks.mkdir(mode=0o700, exist_ok=True)

    def _sync(self, *folders: Path) -> None:
        """Make the names in `folders` themselves survive a loss of power (Windows cannot open a folder)."""
        for folder in folders if self._fsync and os.name != "nt" else ():
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
