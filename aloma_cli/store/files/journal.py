"""The journal of one tree: lines are appended, and never altered.

A torn last line is what a crash leaves; it was never reported as committed, so it is passed over in reading and cut
off before the next write. Damage anywhere else is somebody else's doing and is reported with its place.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from aloma_cli.errors import JournalDamagedError, StoreError
from aloma_cli.ids import root_of
from aloma_cli.record.batch import Batch
from aloma_cli.record.codec import BrokenLineError, UnknownLineError, decode, encode
from aloma_cli.store.files.atomic import NO_LINK
from aloma_cli.store.files.os_errors import refused, refusing
from aloma_cli.store.protocol import no_such_task

_CLOSED = -1


class JournalWriter:
    """Appends batches to a journal file. Raises StoreError where the disk refuses; the file is then as before."""

    def __init__(self, path: Path, *, size: int, fsync: bool) -> None:
        self._path = path
        self._size = size
        self._fsync = fsync
        self._owner = os.getpid()
        with refusing(path, "written"):
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | NO_LINK, 0o600)
            # What stands behind the last whole line is torn.
            os.ftruncate(self._file, size)

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._size

    def append(self, batch: Batch, *, durable: bool) -> None:
        if self._file == _CLOSED or os.getpid() != self._owner:
            raise StoreError(f"{self._path} is closed: nothing more can be written to it")
        line = encode(batch)
        size = self._size + len(line)
        try:
            _write_all(self._file, line)
            if durable and self._fsync:
                os.fsync(self._file)
        except OSError as error:
            self._take_back()
            raise refused(self._path, "written", error) from error
        except BaseException:
            # Ctrl-C. Nobody will be told that the line was committed, and the next one will have its number.
            self._take_back()
            raise
        self._size = size

    def close(self) -> None:
        # The system gives the number of a closed file to the next one that is opened: it must not be used again.
        file, self._file = self._file, _CLOSED
        if file != _CLOSED:
            os.close(file)

    def _take_back(self) -> None:
        """Cut off what was written of a line. Where even that is refused, nothing may be written behind it."""
        try:
            os.ftruncate(self._file, self._size)
        except OSError:
            self.close()


def begin_journal(path: Path, batch: Batch, *, fsync: bool) -> int:
    """Make the journal at `path` with its first line, as one: it is there with that line, or not at all.

    Gives its size. Raises StoreError.
    """
    unfinished = path.with_name(f".{path.name}")
    writer = JournalWriter(unfinished, size=0, fsync=fsync)
    try:
        writer.append(batch, durable=True)
    finally:
        writer.close()
    with refusing(path, "written"):
        unfinished.replace(path)
    return writer.size


def read_journal(path: Path, *, since: int = 0) -> Iterator[tuple[Batch, int]]:
    """The whole batches from number `since` on, each with the size of the file up to and with it.

    Raises JournalDamagedError for a broken, foreign or missing line, and where there is not even a first one;
    StoreError for a line that a newer program wrote, and for a file that cannot be read; NotFoundError where the task
    is deleted by now.
    """
    end = number = 0
    torn: str | None = None
    for number, line in enumerate(_lines(path), 1):
        if torn is not None:
            raise _damaged(path, number - 1, torn)
        if not line.endswith(b"\n"):
            # Torn by a crash, or being written right now: reading on would find the rest of it.
            break
        try:
            batch = decode(line)
        except BrokenLineError as error:
            # A write that was cut short ends without a newline. Only a loss of power can leave an end without a
            # middle, and then zeros stand there, which no line has.
            if b"\0" not in line:
                raise _damaged(path, number, str(error)) from None
            torn = str(error)
            continue
        except UnknownLineError as error:
            place = f"line {number} of {path}"
            raise StoreError(f"{place} cannot be read: {error}", hint="a newer aloma wrote it: update") from None
        if batch.seq != number - 1:
            raise _damaged(path, number, f"it is number {batch.seq}, and {number - 1} was due")
        _check_owner(path, number, batch)
        end += len(line)
        if batch.seq >= since:
            yield replace(batch, damaged=partial(_damaged, path, number)), end
    if not end:
        # A journal appears with its first line, never without it.
        raise _damaged(path, 1, "it is not whole" if number else "the file is empty")


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with refusing(path, "read"), path.open("rb") as file:
            yield from file
    except StoreError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            if not path.parent.exists():
                raise no_such_task(path.parent.name) from None
            raise JournalDamagedError(f"{path} is missing", hint=_nothing_left(path)) from error
        raise


def _check_owner(path: Path, number: int, batch: Batch) -> None:
    stranger = next((event.task for event in batch.events if root_of(event.task) != path.parent.name), None)
    if stranger is not None:
        raise _damaged(path, number, f"it tells of task {stranger}")


def _damaged(path: Path, number: int, why: str) -> JournalDamagedError:
    go_on = f"aloma task resume {path.parent.name} --from-last-good   (what stands before it is kept, the file as well)"
    hint = go_on if number > 1 else _nothing_left(path)
    return JournalDamagedError(f"line {number} of {path} is damaged: {why}", hint=hint)


def _nothing_left(path: Path) -> str:
    return f"nothing of it can be gone on with; its last document may be in {path.with_name('data.json')}"


def _write_all(file: int, data: bytes) -> None:
    written = os.write(file, data)
    while written < len(data):
        written += os.write(file, data[written:])
