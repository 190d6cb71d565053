"""The folder of one tree: its journal, its checkpoint and its lock."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aloma_cli.errors import TaskLockedError
from aloma_cli.later import Later
from aloma_cli.record.batch import Batch
from aloma_cli.record.codec import encode
from aloma_cli.store.files.atomic import sync_folder
from aloma_cli.store.files.checkpoint import read_checkpoint
from aloma_cli.store.files.journal import kept_by, read_back, read_journal, read_lines
from aloma_cli.store.files.os_errors import refusing
from aloma_cli.store.files.states import note_change

if TYPE_CHECKING:
    from aloma_cli.record.events import Event
    from aloma_cli.store.files import claim as claiming
    from aloma_cli.store.files import salvage as salvaging
    from aloma_cli.store.files.claim import FileClaim
    from aloma_cli.store.protocol import Kept, Salvage
else:
    claiming = Later("aloma_cli.store.files.claim")
    salvaging = Later("aloma_cli.store.files.salvage")


class TaskFolder:
    """A tree in the folder `path`. The methods do what those of `Store` say."""

    def __init__(self, path: Path, *, fsync: bool) -> None:
        self._path = path
        self._journal = path / "journal.jsonl"
        self._fsync = fsync

    def create(self, events: Sequence[Event]) -> FileClaim:
        return self.restore([encode(Batch(0, tuple(events)))])

    def restore(self, lines: Sequence[bytes]) -> FileClaim:
        with refusing(self._path, "made"):
            ours = self._make_folder()
            try:
                return claiming.FileClaim.begin(self._path, lines, fsync=self._fsync)
            except (TaskLockedError, FileExistsError):  # another process makes the same task, in this folder
                raise
            except BaseException:
                if ours:
                    shutil.rmtree(self._path, ignore_errors=True)
                raise

    def _make_folder(self) -> bool:
        """Make the folder, and tell whether it was missing; one without a journal may be what a kill left."""
        try:
            self._path.mkdir(mode=0o700)
        except FileExistsError:
            if self._journal.exists():
                raise
            return False
        return True

    def claim(self) -> FileClaim:
        return claiming.FileClaim.take(self._path, fsync=self._fsync)

    def salvage(self, take: Callable[[Batch], object]) -> Salvage | None:
        lock = claiming.lock_folder(self._path)
        try:
            note_change(self._path)
            found = salvaging.salvage_journal(self._journal, take)
            with refusing(self._path, "written"):
                if self._fsync:
                    sync_folder(self._path)
            return found
        finally:
            note_change(self._path)  # an index may have been made meanwhile
            lock.release()

    def batches(self, since: int) -> Iterator[Batch]:
        return (batch for batch, _ in read_journal(self._journal, since=since))

    def lines(self) -> Iterator[bytes]:
        return read_lines(self._journal)

    def batches_back(self) -> Iterator[Batch]:
        return read_back(self._journal)

    def kept(self) -> Kept | None:
        checkpoint = read_checkpoint(self._path)
        return None if checkpoint is None else kept_by(checkpoint, self._journal)

    def holder(self) -> str | None:
        try:
            claiming.lock_task(self._path).release()
        except TaskLockedError:
            # A process that has just taken the lock has not written its description yet.
            return claiming.holder_of(self._path) or "another process"
        return None

    def is_held(self) -> bool:
        try:
            claiming.lock_task(self._path, patience=0).release()
        except TaskLockedError:
            return True
        return False
