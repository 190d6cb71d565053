"""The journal of one tree: lines are appended, and never altered.

A crash may leave a torn last line. It was never reported as committed, so readers skip it and the next write cuts it
off. No crash damages any other line, so such damage is reported with its place.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from aloma_cli import process
from aloma_cli.errors import JournalDamagedError, StoreError
from aloma_cli.ids import root_of
from aloma_cli.record.batch import Batch
from aloma_cli.record.codec import BrokenLineError, UnknownLineError, decode, encode
from aloma_cli.record.repeats import Earlier, Repeats
from aloma_cli.store.behind import Behind
from aloma_cli.store.files.atomic import NO_LINK, write_all
from aloma_cli.store.files.checkpoint import START, Mark, read_checkpoint
from aloma_cli.store.files.os_errors import refused, refusing
from aloma_cli.store.files.syncs import Syncs
from aloma_cli.store.protocol import Kept, no_such_task

_CLOSED = -1

_BLOCK = 65_536
"""Bytes that are read at first from the end of a journal."""


class JournalWriter:
    """Appends batches to a journal file. Raises StoreError if the disk refuses; the file is then as before."""

    def __init__(
        self, path: Path, *, size: int, fsync: bool, repeats: Repeats | None = None, left: bool = False
    ) -> None:
        """`repeats`: what the lines hold that are in the file. `left`: a process was killed that wrote to it."""
        self.size = size
        """Bytes written so far."""
        self._path = path
        self._fsync = fsync
        self._repeats = Repeats() if repeats is None else repeats
        self._owner = process.number
        self._syncs: Syncs | None = None
        with refusing(path, "written"):
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | NO_LINK, 0o600)
            # Anything after the last complete line is a torn write.
            os.ftruncate(self._file, size)
            if left and fsync:  # else what follows from its last lines could outlive them
                os.fsync(self._file)

    def write_behind(self, post: Callable[[Callable[[], object]], object]) -> Behind | None:
        """Sync on other threads from now on, and give what is not synced yet.

        What a refused sync was to keep is cut off, and the file closed. It gives None, and does nothing, where nothing
        is synced.
        """
        if not self._fsync:
            return None
        self._syncs = Syncs(self._path, self._file, self.size, post, self.close)
        return self._syncs.behind

    def append(self, batch: Batch, *, durable: bool) -> None:
        if self._file == _CLOSED or process.number != self._owner:
            raise StoreError(f"{self._path} is closed, so nothing can be written to it")
        line = encode(batch, self._repeats)
        try:
            write_all(self._file, line)
            if durable and self._fsync and self._syncs is None:
                os.fsync(self._file)
        except OSError as error:
            self._take_back()
            raise refused(self._path, "written", error) from error
        except BaseException:
            # Ctrl-C. The line is never reported as committed, and the next one will have its number.
            self._take_back()
            raise
        self.size += len(line)
        self._repeats.learn(batch)
        if durable and self._syncs is not None:
            self._syncs.ask(self.size)

    def forget(self) -> None:
        """From now on, write lines that can be read without earlier ones."""
        self._repeats.forget()

    def close(self) -> None:
        # The system gives the number of a closed file to the next one that is opened, so it must not be used again.
        file, self._file = self._file, _CLOSED
        if file != _CLOSED:
            if self._syncs is not None:
                self._syncs.end()
            os.close(file)

    def _take_back(self) -> None:
        """Cut off what was written of a line. If even that is refused, nothing may be written after it."""
        try:
            os.ftruncate(self._file, self.size)
        except OSError:
            self.close()


def read_journal(
    path: Path, *, since: int = 0, after: Mark = START, earlier: Earlier | None = None
) -> Iterator[tuple[Batch, int]]:
    """The complete batches from number `since` on, each with the size of the file up to its end.

    Nothing is read of what comes before `after`. `earlier` learns what the lines hold.

    Raises JournalDamagedError for a broken, foreign or missing line, also the first; StoreError for a line of a newer
    program, and for a file that cannot be read; NotFoundError if the task was deleted.
    """
    end, number = after.size, after.lines
    torn: str | None = None
    owner = path.parent.name
    earlier = Earlier() if earlier is None else earlier
    for number, line in enumerate(_lines(path, after.size), after.lines + 1):
        if torn is not None:
            raise _damaged_line(path, number - 1, torn)
        if not line.endswith(b"\n"):
            # Torn by a crash, or being written right now; in that case the next read would return its rest.
            break
        try:
            batch = decode(line, earlier)
        except BrokenLineError as error:
            # A write that was cut short ends without a newline. Only a loss of power can leave the end of a line
            # without its middle, and then the middle is zeros, which no line has.
            if b"\0" not in line:
                raise _damaged_line(path, number, str(error)) from None
            torn = str(error)
            continue
        except UnknownLineError as error:
            place = f"line {number} of {path}"
            raise StoreError(
                f"{place} cannot be read: {error}", hint="update aloma: a newer version wrote it"
            ) from None
        if batch.seq != number - 1:
            raise _damaged_line(path, number, f"it has number {batch.seq}, and {number - 1} was expected")
        for event in batch.events:
            if event.task != owner and root_of(event.task) != owner:
                raise _damaged_line(path, number, f"it belongs to task {event.task}")
        end += len(line)
        earlier.learn(batch)
        if batch.seq >= since:
            yield Batch(batch.seq, batch.events, partial(_damaged_line, path, number)), end
    if not end:
        # Because a journal appears with its first line.
        raise _damaged_line(path, 1, "it is incomplete" if number else "the file is empty")


def read_lines(path: Path) -> Iterator[bytes]:
    """The complete lines as they are written. Raises as `read_journal`, also for what a line holds."""
    start = 0
    with refusing(path, "read"), path.open("rb") as file:
        for _, end in read_journal(path):
            yield file.read(end - start)
            start = end


def read_kept(path: Path) -> Kept | None:
    """The state of the checkpoint of the journal at `path`, if there is one, and the batches after it."""
    checkpoint = read_checkpoint(path.parent)
    if checkpoint is None:
        return None
    return Kept(checkpoint.state, (batch for batch, _ in read_journal(path, after=checkpoint.mark)))


def read_back(path: Path) -> Iterator[Batch]:
    """The complete batches, newest first, without the beginnings of repeated lists in `arguments`.

    It ends before a line that cannot be read: `read_journal` has the reason.
    """
    for line in _lines_back(path):
        try:
            yield decode(line)
        except (BrokenLineError, UnknownLineError):
            return


def _lines_back(path: Path) -> Iterator[bytes]:
    """The lines, newest first, without their newlines and without a torn one."""
    with refusing(path, "read"), path.open("rb") as file:
        start, size, rest = file.seek(0, os.SEEK_END), _BLOCK, b""
        torn = True
        while start:
            size, before = size * 2, start
            start = max(0, start - size)
            file.seek(start)
            rest, *lines = (file.read(before - start) + rest).split(b"\n")
            if lines and torn:
                lines.pop()
                torn = False
            yield from reversed(lines)
    if not torn:
        yield rest


def _lines(path: Path, start: int) -> Iterator[bytes]:
    try:
        with refusing(path, "read"), path.open("rb") as file:
            if start:
                file.seek(start)
            yield from file
    except StoreError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            if not path.parent.exists():
                raise no_such_task(path.parent.name) from None
            raise JournalDamagedError(f"{path} is missing", hint=_nothing_left(path)) from error
        raise


def _damaged_line(path: Path, number: int, why: str) -> JournalDamagedError:
    recover = (
        f"aloma task resume {path.parent.name} --from-last-good   (keeps the lines before it, and a copy of the file)"
    )
    hint = recover if number > 1 else _nothing_left(path)
    return JournalDamagedError(f"line {number} of {path} is damaged: {why}", hint=hint)


def _nothing_left(path: Path) -> str:
    return (
        f"this journal cannot be recovered; the last published document may still be in {path.with_name('task.json')}"
    )
