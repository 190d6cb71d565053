"""Tasks as plain files: one folder a tree, `.aloma/tasks/<root id>/` in the workspace.

    journal.jsonl   the truth: every event, appended
    data.json       the root's document, and nothing else
    task.json       its summary, the size of the journal it was made from, and the checksum of data.json
    lock, holder    the operating system's lock, freed by death, and who holds it
    inbox/          requests of other processes

A name that begins with a dot is what a deletion left behind that was killed halfway. `docs/format.md` describes them.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aloma_cli.errors import StoreError, TaskLockedError
from aloma_cli.ids import is_root_id
from aloma_cli.jsontext import JsonObject, dumps, reload
from aloma_cli.store.files.checksum import checksum

if TYPE_CHECKING:
    from aloma_cli.record.batch import Batch
    from aloma_cli.record.events import Event
    from aloma_cli.store.files.claim import FileClaim
    from aloma_cli.store.protocol import Salvage

# What writing needs is imported where something is written, and the journal where it is read: most commands only
# look at what was published, and should answer at once.

_MAKING = 3600
"""Seconds after which a folder that is no task is not being made any more."""


def open_at(where: str) -> FileStore:
    """The store in the folder `where`, a path or a `file:` URL."""
    return FileStore(Path(where.removeprefix("file:")))


class FileStore:
    """The tasks below one `.aloma` folder, which is made when the first task is."""

    def __init__(self, folder: Path, *, fsync: bool = True) -> None:
        self._folder = folder
        self._tasks = folder / "tasks"
        self._fsync = fsync

    def create(self, root: str, events: Sequence[Event]) -> FileClaim:
        import shutil

        from aloma_cli.store.files.os_errors import refusing

        folder = self._tasks / root
        self._prepare()
        with refusing(folder, "made"):
            folder.mkdir(mode=0o700)
            try:
                return self._begin(folder, events)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise

    def _begin(self, folder: Path, events: Sequence[Event]) -> FileClaim:
        """Fill a new folder. It is a task from the moment on when it has a journal."""
        from aloma_cli.record.batch import Batch
        from aloma_cli.store.files.claim import FileClaim, lock_folder
        from aloma_cli.store.files.journal import begin_journal

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
        from aloma_cli.store.files.claim import FileClaim, clear_leftovers, lock_task
        from aloma_cli.store.files.journal import read_journal

        folder = self._existing(root)
        lock = lock_task(folder)
        try:
            clear_leftovers(folder)
            size = count = 0
            for batch, end in read_journal(folder / "journal.jsonl"):
                size, count = end, batch.seq + 1
            return FileClaim(folder, lock, size=size, count=count, fsync=self._fsync)
        except BaseException:
            lock.release()
            raise

    def salvage(self, root: str, take: Callable[[Batch], object]) -> Salvage | None:
        from aloma_cli.store.files.claim import lock_folder
        from aloma_cli.store.files.os_errors import refusing
        from aloma_cli.store.files.salvage import salvage_journal

        folder = self._existing(root)
        lock = lock_folder(folder)
        try:
            found = salvage_journal(folder / "journal.jsonl", take)
            with refusing(folder, "written"):
                self._sync(folder)
            return found
        finally:
            lock.release()

    def read(self, root: str, since: int = 0) -> Iterator[Batch]:
        from aloma_cli.store.files.journal import read_journal

        path = self._existing(root) / "journal.jsonl"
        return (batch for batch, _ in read_journal(path, since=since))

    def roots(self, start: str = "") -> list[str]:
        names = [start] if is_root_id(start) else sorted(name for name in self._names() if name.startswith(start))
        return list(filter(self._is_task, names))

    def newest_first(self) -> Iterator[str]:
        return filter(self._is_task, sorted(self._names(), reverse=True))

    def summary(self, root: str) -> JsonObject | None:
        folder = self._tasks / root
        try:
            summary = reload((folder / "task.json").read_bytes())
            current = (folder / "journal.jsonl").stat().st_size
        except (OSError, ValueError):
            return None
        return summary if isinstance(summary, dict) and summary.get("journal_bytes") == current else None

    def published(self, root: str) -> tuple[JsonObject, JsonObject] | None:
        summary = self.summary(root)
        if summary is None:
            return None
        try:
            written = (self._tasks / root / "data.json").read_bytes()
            # Neither file is synced, and a run may replace both between the two reads.
            data: JsonObject | None = reload(written) if checksum(written) == summary.get("data_sum") else None
        except (OSError, ValueError):
            return None
        return None if data is None else (summary, data)

    def size(self, root: str) -> int:
        size = _bytes_in(self._existing(root))
        self._existing(root)  # else some of its files were gone when they were asked for
        return size

    def holder(self, root: str) -> str | None:
        from aloma_cli.store.files.claim import holder_of, lock_task

        folder = self._existing(root)
        try:
            lock_task(folder).release()
        except TaskLockedError:
            # Who has just taken the lock has not written its name yet.
            return holder_of(folder) or "another process"
        return None

    def is_held(self, root: str) -> bool:
        from aloma_cli.store.files.claim import lock_task

        try:
            lock_task(self._existing(root), patience=0).release()
        except TaskLockedError:
            return True
        return False

    def post(self, root: str, body: JsonObject) -> str:
        import time

        from aloma_cli.store.files.atomic import refuse_links, replace_file

        inbox = self._existing(root) / "inbox"
        refuse_links(self._tasks, inbox.parent, inbox)
        # Names sort by time, so that requests are carried out in the order they were made.
        name = f"{time.time_ns():020}-{os.getpid()}-{os.urandom(3).hex()}.json"
        replace_file(inbox / name, dumps(body), durable=self._fsync)
        return name

    def is_waiting(self, root: str, request: str) -> bool:
        return (self._existing(root) / "inbox" / request).exists()

    def sweep(self) -> None:
        import shutil

        for name in self._names(hidden=True):
            folder = self._tasks / name
            if folder.is_symlink() and name.startswith("."):
                folder.unlink(missing_ok=True)
            elif name.startswith(".") or (not self._is_task(name) and _age(folder) > _MAKING):
                shutil.rmtree(folder, ignore_errors=True)
        for path in self._folder.glob(".*.new"):
            if _age(path) > _MAKING:
                path.unlink(missing_ok=True)

    def _names(self, *, hidden: bool = False) -> list[str]:
        try:
            with os.scandir(self._tasks) as entries:
                return [entry.name for entry in entries if hidden or entry.name[0] != "."]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _unreadable(self._tasks, error) from error

    def _is_task(self, name: str) -> bool:
        """What has neither is being made, or was when the program was killed; what has no journal has lost it."""
        folder = self._tasks / name
        try:
            return (folder / "journal.jsonl").is_file() or (folder / "task.json").is_file()
        except OSError:
            return True  # whoever reads it is told why it cannot be read; the others can

    def _existing(self, root: str) -> Path:
        if not self._is_task(root):
            from aloma_cli.store.protocol import no_such_task

            raise no_such_task(root)
        return self._tasks / root

    def _prepare(self) -> None:
        from aloma_cli.store.files.atomic import refuse_links
        from aloma_cli.store.files.dotfolder import make_folder, prepare_folder

        # One by one: parents that are made along the way would be open to all.
        prepare_folder(self._folder, durable=self._fsync)
        make_folder(self._tasks, durable=self._fsync)
        refuse_links(self._tasks)

    def _sync(self, *folders: Path) -> None:
        from aloma_cli.store.files.atomic import sync_folder

        for folder in folders if self._fsync else ():
            sync_folder(folder)


def _unreadable(folder: Path, error: OSError) -> StoreError:
    from aloma_cli.store.files.os_errors import refused

    return refused(folder, "read", error)


def _bytes_in(folder: Path | str) -> int:
    """What the files below a folder take. What goes away meanwhile takes nothing."""
    size = 0
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                size += _bytes_in(entry.path) if entry.is_dir(follow_symlinks=False) else entry.stat().st_size
    return size


def _age(path: Path) -> float:
    """Seconds since a file, or the names in a folder, changed; 0 where it is gone."""
    import time

    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
