"""The journal of one tree: lines are appended, and never altered.

A torn last line is what a crash leaves; it was never reported as committed, so it is passed over in reading and cut
off before the next write. Damage anywhere else is somebody else's doing and is reported with its place.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from aloma_cli.errors import JournalDamagedError, StoreError
from aloma_cli.store.line import BrokenLineError, decode, encode
from aloma_cli.store.protocol import Batch


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
        line = encode(batch)
        try:
            _write_all(self._file, line)
            if durable and self._fsync:
                os.fsync(self._file)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._size)
            raise _refused(self._path, error) from error
        self._size += len(line)

    def close(self) -> None:
        os.close(self._file)


def read_journal(path: Path, *, since: int = 0) -> Iterator[tuple[Batch, int]]:
    """The whole batches from number `since` on, each with the size of the file up to and with it.

    Raises JournalDamagedError for a broken or missing line that is not the last.
    """
    end = 0
    expected = 0
    broken: str | None = None
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if broken is not None:
                raise JournalDamagedError(broken)
            end += len(line)
            try:
                batch = _whole(line, expected)
            except BrokenLineError as error:
                broken = f"line {number} of {path} is damaged: {error}"
                continue
            expected += 1
            if batch.seq >= since:
                yield batch, end


def _whole(line: bytes, expected: int) -> Batch:
    if not line.endswith(b"\n"):
        raise BrokenLineError("it has no end")
    batch = decode(line)
    if batch.seq != expected:
        raise BrokenLineError(f"it is number {batch.seq}, and {expected} was due")
    return batch


def _write_all(file: int, data: bytes) -> None:
    written = os.write(file, data)
    while written < len(data):
        written += os.write(file, data[written:])


def _refused(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{path} could not be written: {error.strerror}", hint="free the disk or mend the permissions, then resume"
    )
