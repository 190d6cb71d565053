"""The claim on one folder: the lock, the writing of the journal, the inbox."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from aloma_cli.errors import StoreError, TaskLockedError
from aloma_cli.jsontext import MAX_DEPTH, JsonObject, loads, pretty
from aloma_cli.record.batch import Batch
from aloma_cli.record.events import Event
from aloma_cli.store.files.atomic import refuse_links, replace_file
from aloma_cli.store.files.checksum import checksum
from aloma_cli.store.files.journal import JournalWriter, read_journal
from aloma_cli.store.files.os_errors import refused, refusing
from aloma_cli.store.protocol import Request, no_such_task

_WRITING = 60
"""Seconds after which nobody is still writing a request."""

_WRAPPED = 3
"""Levels around a value in a request: {"set": [[keys, value]]}."""

_WRITING = 60
"""Seconds after which nobody is writing a request any more."""


class FileClaim:
    """The sole right to write one folder."""

    publishes = True

    def __init__(self, folder: Path, lock: BaseFileLock, *, size: int, count: int, fsync: bool) -> None:
        self.root = folder.name
        self._folder = folder
        self._lock = lock
        self._count = count
        replace_file(folder / "holder", f"process {os.getpid()} on {socket.gethostname()}\n")
        self._journal = JournalWriter(folder / "journal.jsonl", size=size, fsync=fsync)

    def batches(self) -> Iterator[Batch]:
        return (batch for batch, _ in read_journal(self._folder / "journal.jsonl"))

    def commit(self, events: Sequence[Event], *, durable: bool = True) -> None:
        self._journal.append(Batch(self._count, tuple(events)), durable=durable)
        self._count += 1

    def publish(self, summary: JsonObject, data: JsonObject) -> None:
        written = pretty(data) + "\n"
        replace_file(self._folder / "data.json", written)
        # Last, because it vouches for the other, and for the journal they were both made from.
        vouching = {"journal_bytes": self._journal.size, "data_sum": checksum(written.encode())}
        replace_file(self._folder / "task.json", pretty({**summary, **vouching}) + "\n")

    def requests(self) -> list[Request]:
        inbox = self._folder / "inbox"
        with refusing(inbox, "read"), os.scandir(inbox) as entries:
            names = sorted(entry.name for entry in entries)
        for name in names:
            if name.startswith("."):
                self._sweep(inbox / name)
        return [Request(name, self._body(name)) for name in names if name.endswith(".json") and name[0] != "."]

    def fulfilled(self, request: Request) -> None:
        # Where it cannot be dropped it is on record as carried out, and will not be twice.
        with contextlib.suppress(OSError):
            (self._folder / "inbox" / request.id).unlink()

    def delete(self) -> None:
        if not self._lock.is_locked:
            raise StoreError(f"the claim on task {self.root} is closed: it cannot be deleted with it")
        self._journal.close()
        gone = self._folder.with_name(f".{self.root}")
        try:
            # From here on it is no task, whatever becomes of its files.
            with refusing(self._folder, "deleted"):
                self._folder.rename(gone)
        finally:
            self._lock.release()
        shutil.rmtree(gone, ignore_errors=True)

    def close(self) -> None:
        self._journal.close()
        with contextlib.suppress(OSError):
            (self._folder / "holder").unlink()
        self._lock.release()

    def _sweep(self, unfinished: Path) -> None:
        """Drop what a sender left that was killed while it wrote."""
        with contextlib.suppress(OSError):
            if time.time() - unfinished.stat().st_mtime > _WRITING:
                unfinished.unlink()

    def _body(self, name: str) -> JsonObject:
        path = self._folder / "inbox" / name
        try:
            with refusing(path, "read"):
                body = loads(path.read_bytes(), depth=MAX_DEPTH + _WRAPPED)
        except ValueError:
            body = None  # not ours; it is dropped as what nobody knows, and must not end a run
        return body if isinstance(body, dict) else {"kind": "unknown"}


def lock_folder(folder: Path, *, patience: float = 0.2) -> BaseFileLock:
    """Take the lock of a folder. Raises TaskLockedError, naming who has it, and StoreError, also for a link in it."""
    # A claim may be closed on another thread than it was made on.
    refuse_links(folder.parent, folder, *map(folder.joinpath, ("lock", "inbox", "journal.jsonl")))
    lock = FileLock(folder / "lock", mode=0o600, thread_local=False)
    try:
        # With patience: somebody may hold it for a moment only to see whether it is held.
        lock.acquire(timeout=patience, poll_interval=0.01)
    except Timeout:
        raise TaskLockedError(
            f"task {folder.name} is run by {holder_of(folder) or 'another process'}",
            hint=f"aloma task stop {folder.name}   (or wait until it ends)",
        ) from None
    except OSError as error:
        raise refused(folder / "lock", "opened", error) from error
    return lock


def lock_task(folder: Path, *, patience: float = 0.2) -> BaseFileLock:
    """Take the lock of a task. Raises as `lock_folder`, and NotFoundError where it was deleted meanwhile."""
    lock = lock_folder(folder, patience=patience)
    if (folder / "journal.jsonl").is_file():
        return lock
    lock.release()
    with contextlib.suppress(OSError):
        # Asking for the lock has made the folder again.
        (folder / "lock").unlink()
        folder.rmdir()
    raise no_such_task(folder.name)


def clear_leftovers(folder: Path) -> None:
    """Remove what killed processes left half written in a folder whose lock we hold."""
    for path in folder.glob(".*"):
        with contextlib.suppress(OSError):
            path.unlink()
    for path in folder.glob("inbox/.*"):
        with contextlib.suppress(OSError):
            # Others leave their requests without a lock.
            if time.time() - path.lstat().st_mtime > _WRITING:
                path.unlink()


def holder_of(folder: Path) -> str | None:
    """Who holds the lock, in words."""
    try:
        return (folder / "holder").read_text(encoding="utf-8").strip()
    except OSError:
        return None
