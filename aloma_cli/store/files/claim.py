"""The claim on one folder: its lock, the writing of its journal, its inbox."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from filelock import BaseFileLock, FileLock, Timeout

from aloma_cli.errors import StoreError, TaskLockedError
from aloma_cli.jsontext import MAX_DEPTH, JsonObject, dumps, loads
from aloma_cli.later import Later
from aloma_cli.record.batch import Batch
from aloma_cli.record.codec import encode
from aloma_cli.record.events import Event
from aloma_cli.record.repeats import Repeats
from aloma_cli.store.behind import Behind
from aloma_cli.store.files.atomic import refuse_links, replace_file, sync_folder
from aloma_cli.store.files.checkpoint import START, Checkpoint, Mark, mark_at, read_checkpoint, write_checkpoint
from aloma_cli.store.files.checksum import checksum
from aloma_cli.store.files.journal import JournalWriter, read_journal
from aloma_cli.store.files.os_errors import refused, refusing
from aloma_cli.store.protocol import Kept, Request, no_such_task

if TYPE_CHECKING:
    from aloma_cli.store.files import states
else:
    states = Later("aloma_cli.store.files.states")

_BLOCK = 4096
"""Bytes that a small file takes on most disks."""

_LONG = 2_000
"""Lines of a journal after which the next process would gain by another checkpoint: to add them up takes it 0.1 s."""

_WRITING = 60
"""Seconds after which an unfinished request is abandoned."""

_WRAPPED = 3
"""Levels around a value in a request: {"set": [[keys, value]]}."""


class FileClaim:
    """The sole right to write one folder."""

    publishes = True

    def __init__(
        self,
        folder: Path,
        lock: BaseFileLock,
        *,
        size: int,
        count: int,
        fsync: bool,
        checkpoint: Checkpoint | None = None,
        repeats: Repeats | None = None,
        known: Sequence[Batch] = (),
    ) -> None:
        """`known`: the last batches, as far as they were read or made."""
        self.root = folder.name
        self._folder = folder
        self._inbox = folder / "inbox"
        self._lock = lock
        self._count = count
        self._checkpoint = checkpoint
        self._known = known
        self._mark = START if checkpoint is None else checkpoint.mark
        self.behind: Behind | None = None
        left = (folder / "holder").exists()
        replace_file(folder / "holder", f"process {os.getpid()} on {socket.gethostname()}\n".encode())
        if (folder.parent.parent / "changed").exists():
            states.note_change(folder)
        self._journal = JournalWriter(folder / "journal.jsonl", size=size, fsync=fsync, repeats=repeats, left=left)

    @classmethod
    def begin(cls, folder: Path, *, events: Sequence[Event] = (), lines: Sequence[bytes] = (), fsync: bool) -> Self:
        """Make the folder of a tree with its first events, or with the lines of another journal, and claim it.

        It is a task as soon as it has a journal.
        """
        made, is_ours = [Batch(0, tuple(events))] if events else [], False
        with refusing(folder, "made"):
            try:
                folder.mkdir(mode=0o700)
                is_ours = True
            except FileExistsError:
                if (folder / "journal.jsonl").exists():
                    raise
                # One without a journal may be what a kill left.
            try:
                return cls._claim_new(folder, lines or [encode(one) for one in made], made, fsync=fsync)
            except (TaskLockedError, FileExistsError):  # another process makes the same task, in this folder
                raise
            except BaseException:
                if is_ours:
                    shutil.rmtree(folder, ignore_errors=True)
                raise

    @classmethod
    def _claim_new(cls, folder: Path, lines: Sequence[bytes], made: Sequence[Batch], *, fsync: bool) -> Self:
        journal = folder / "journal.jsonl"
        with ExitStack() as undo:
            lock = lock_folder(folder)
            undo.callback(lock.release)
            if journal.exists():  # another process was quicker
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            replace_file(journal, b"".join(lines), durable=fsync)
            if fsync:
                sync_folder(folder.parent)
            claim = cls(folder, lock, size=sum(map(len, lines)), count=len(lines), fsync=fsync, known=made)
            undo.pop_all()
            return claim

    @classmethod
    def take(cls, folder: Path, *, fsync: bool) -> Self:
        """Claim a task. Raises as `lock_task`, and JournalDamagedError."""
        with ExitStack() as undo:
            lock = lock_task(folder)
            undo.callback(lock.release)
            _clear_leftovers(folder)
            checkpoint = read_checkpoint(folder)
            after = START if checkpoint is None else checkpoint.mark
            size, count, repeats, read = after.size, after.lines, Repeats(), deque[Batch](maxlen=_LONG)
            for batch, end in read_journal(folder / "journal.jsonl", after=after, earlier=repeats):
                size, count = end, batch.seq + 1
                read.append(batch)
            claim = cls(
                folder, lock, size=size, count=count, fsync=fsync, checkpoint=checkpoint, repeats=repeats, known=read
            )
            undo.pop_all()
            return claim

    def write_behind(self, post: Callable[[Callable[[], object]], object]) -> None:
        self.behind = self._journal.write_behind(post)

    def batches(self) -> Iterator[Batch]:
        self._mark = START  # the checkpoint, if there is one, was of no use
        return self._read_after(START)

    def kept(self) -> Kept | None:
        checkpoint, self._checkpoint = self._checkpoint, None
        if checkpoint is None:
            return None
        return Kept(checkpoint.state, self._read_after(checkpoint.mark))

    def _read_after(self, mark: Mark) -> Iterator[Batch]:
        """The batches after a mark. Those that a claim knows from its beginning are given once, then they are read."""
        known, self._known = self._known, ()
        if len(known) == self._count - mark.lines:
            return iter(known)
        return (batch for batch, _ in read_journal(self._folder / "journal.jsonl", after=mark))

    @property
    def keeps(self) -> bool:
        return self._count - self._mark.lines >= _LONG

    def keep(self, state: JsonObject) -> None:
        mark = mark_at(self._folder / "journal.jsonl", self._count, self._journal.size, self._mark)
        write_checkpoint(self._folder, Checkpoint(mark, state))
        self._mark = mark
        self._journal.forget()

    def commit(self, events: Sequence[Event], *, durable: bool = True) -> None:
        self._journal.append(Batch(self._count, tuple(events)), durable=durable)
        self._count += 1

    def publish(self, record: JsonObject, data: JsonObject) -> None:
        record = {**record, "journal_bytes": self._journal.size}
        head, document = dumps(record)[:-1].encode(), dumps(data).encode()
        whole = b'%s,"data":%s}\n' % (head, document)
        if len(whole) <= _BLOCK:
            replace_file(self._folder / "task.json", whole)
            with suppress(OSError):
                (self._folder / "data.json").unlink(missing_ok=True)
            return
        document += b"\n"
        replace_file(self._folder / "data.json", document)
        # Last, because it vouches for the document.
        replace_file(self._folder / "task.json", b'%s,"data_sum":"%s"}\n' % (head, checksum(document).encode()))

    def requests(self) -> list[Request]:
        with refusing(self._inbox, "read"):
            try:
                with os.scandir(self._inbox) as entries:
                    names = sorted(entry.name for entry in entries)
            except FileNotFoundError:
                # The first request makes the inbox. Without its folder the whole tree is gone.
                self._folder.stat()
                return []
        return [Request(name, self._request_body(name)) for name in names if name.endswith(".json") and name[0] != "."]

    def fulfilled(self, request: Request) -> None:
        if self.behind is None:
            self._drop(request)
        else:
            self.behind.then(lambda error: self._drop(request) if error is None else None)

    def _drop(self, request: Request) -> None:
        # The journal holds the id of the request, so one that cannot be dropped is not carried out twice.
        with suppress(OSError):
            (self._inbox / request.id).unlink()

    def delete(self) -> None:
        if not self._lock.is_locked:
            raise StoreError(f"the claim on task {self.root} is closed, so it cannot delete the task")
        self._journal.close()
        gone = self._folder.with_name(f".{self.root}")
        try:
            # From here on it is not a task, whatever happens to its files.
            with refusing(self._folder, "deleted"):
                self._folder.rename(gone)
        finally:
            self._lock.release()
        shutil.rmtree(gone, ignore_errors=True)

    def close(self) -> None:
        self._journal.close()
        if self._lock.is_locked:
            with suppress(OSError):
                (self._folder / "holder").unlink()
            with suppress(OSError):
                self._inbox.rmdir()  # it stays if a request is in it
        self._lock.release()

    def _request_body(self, name: str) -> JsonObject:
        path = self._inbox / name
        try:
            with refusing(path, "read"):
                body = loads(path.read_bytes(), depth=MAX_DEPTH + _WRAPPED)
        except ValueError:
            body = None  # a file of another program must not end a run
        return body if isinstance(body, dict) else {"kind": "unknown"}


def lock_folder(folder: Path, *, patience: float = 0.2) -> BaseFileLock:
    """Take the lock of a folder. Raises TaskLockedError, naming the holder, and StoreError, also for a link in it."""
    # A claim may be closed on another thread than it was made on.
    refuse_links(folder.parent, folder, *map(folder.joinpath, ("lock", "inbox", "journal.jsonl")))
    lock = FileLock(folder / "lock", mode=0o600, thread_local=False)
    try:
        # With patience, because another process may hold it for a moment only to look whether it is free.
        lock.acquire(timeout=patience, poll_interval=0.01)
    except Timeout:
        raise TaskLockedError(
            f"{holder_of(folder) or 'another process'} is running task {folder.name}",
            hint=f"aloma task stop {folder.name}   (or wait until it ends)",
        ) from None
    except OSError as error:
        raise refused(folder / "lock", "opened", error) from error
    return lock


def lock_task(folder: Path, *, patience: float = 0.2) -> BaseFileLock:
    """Take the lock of a task. Raises as `lock_folder`, and NotFoundError if the task was deleted meanwhile."""
    lock = lock_folder(folder, patience=patience)
    if (folder / "journal.jsonl").is_file():
        return lock
    lock.release()
    with suppress(OSError):
        # Asking for the lock has made the folder again.
        (folder / "lock").unlink()
        folder.rmdir()
    raise no_such_task(folder.name)


def _clear_leftovers(folder: Path) -> None:
    """Remove what killed processes left half written in a folder whose lock we hold."""
    for path in folder.glob(".*"):
        with suppress(OSError):
            path.unlink()
    for path in folder.glob("inbox/.*"):
        with suppress(OSError):
            # A sender writes its request without the lock.
            if time.time() - path.lstat().st_mtime > _WRITING:
                path.unlink()


def holder_of(folder: Path) -> str | None:
    """The process that holds the lock, in words."""
    try:
        return (folder / "holder").read_text(encoding="utf-8").strip()
    except OSError:
        return None


def is_held(folder: Path, *, patience: float) -> bool:
    """Whether a process holds the lock of a task for longer than `patience` seconds. Raises as `lock_task`."""
    try:
        lock_task(folder, patience=patience).release()
    except TaskLockedError:
        return True
    return False
