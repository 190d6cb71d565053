"""The journal of one tree: lines are appended, and never altered.

A torn last line is what a crash leaves; it was never reported as committed, so it is passed over in reading and cut
off before the next write. Damage anywhere else is somebody else's doing and is reported with its place.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from aloma_cli.errors import JournalDamagedError, StoreError
from aloma_cli.store.line import BrokenLineError, UnknownLineError, decode, encode
from aloma_cli.store.protocol import Batch, no_such_task

_CLOSED = -1


class JournalWriter:
    """Appends batches to a journal file. Raises StoreError where the disk refuses; the file is then as before."""

    def __init__(self, path: Path, *, size: int, fsync: bool) -> None:
        self._path = path
        self._size = size
        self._fsync = fsync
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            # What stands behind the last whole line is torn.
            os.ftruncate(self._file, size)
        except OSError as error:
            raise _refused(path, error) from error

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._size

    def append(self, batch: Batch, *, durable: bool) -> None:
        if self._file == _CLOSED:
            raise StoreError(f"{self._path} is closed: nothing more can be written to it")
        line = encode(batch)
        size = self._size + len(line)
        try:
            _write_all(self._file, line)
            if durable and self._fsync:
                os.fsync(self._file)
        except OSError as error:
            self._take_back()
            raise _refused(self._path, error) from error
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
    try:
        unfinished.replace(path)
    except OSError as error:
        raise _refused(path, error) from error
    return writer.size


def read_journal(path: Path, *, since: int = 0) -> Iterator[tuple[Batch, int]]:
    """The whole batches from number `since` on, each with the size of the file up to and with it.

    Raises JournalDamagedError for a broken or missing line, StoreError for one that a newer program wrote, and
    NotFoundError where the task is deleted by now.
    """
    end = 0
    torn: str | None = None
    with _opened(path) as file:
        for number, line in enumerate(file):
            if torn is not None:
                raise JournalDamagedError(torn)
            if not line.endswith(b"\n"):
                # Torn by a crash, or being written right now: reading on would find the rest of it.
                return
            place = f"line {number + 1} of {path}"
            try:
                batch = decode(line)
            except BrokenLineError as error:
                torn = _unless_torn(line, f"{place} is damaged: {error}")
                continue
            except UnknownLineError as error:
                raise StoreError(f"{place} cannot be read: {error}", hint="a newer aloma wrote it: update") from None
            if batch.seq != number:
                raise JournalDamagedError(f"{place} is damaged: it is number {batch.seq}, and {number} was due")
            end += len(line)
            if batch.seq >= since:
                yield batch, end


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise no_such_task(path.parent.name) from None


def _unless_torn(line: bytes, message: str) -> str:
    """`message` for a line that is torn if it is the last. Raises JournalDamagedError where it cannot be torn."""
    # A write that was cut short ends without a newline. Only a loss of power can leave an end without a middle, and
    # then zeros stand there, which no line has.
    if b"\0" not in line:
        raise JournalDamagedError(message)
    return message


def _write_all(file: int, data: bytes) -> None:
    written = os.write(file, data)
    while written < len(data):
        written += os.write(file, data[written:])


def _refused(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{path} could not be written: {error.strerror}", hint="free the disk or mend the permissions, then resume"
    )
