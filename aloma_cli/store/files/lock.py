"""A lock on a file, which the operating system frees when its process dies."""

from __future__ import annotations

import math
import os
import sys
import time
from pathlib import Path
from typing import Self
from weakref import WeakSet

from aloma_cli.store.files.atomic import NO_LINK

# A library would do, but its import takes an eighth of the time of a command that runs a task.

if sys.platform == "win32":
    import msvcrt

    def _seize(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

    def _free(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _seize(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _free(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


_BUSY = (BlockingIOError, PermissionError)
"""What taken locks raise, on Windows the second one."""

_PAUSE = 0.01
_FREE = -1


class FileLock:
    """The lock on the file at `path`, which is made if it is missing. It may be freed on any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _FREE

    @property
    def is_locked(self) -> bool:
        return self._file != _FREE

    def acquire(self, patience: float) -> bool:
        """Take the lock, and wait up to `patience` seconds for it; gives whether it was free. Raises OSError."""
        until = time.monotonic() + patience
        while not self._taken():
            if time.monotonic() >= until:
                return False
            time.sleep(_PAUSE)
        return True

    def _taken(self) -> bool:
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | NO_LINK, 0o600)
        try:
            _seize(file)
            # Else it was deleted or moved after it was opened, and locks nothing.
            if os.path.samestat(os.fstat(file), self._path.stat()):
                self._file, file = file, _FREE
                _held.add(self)
        except (*_BUSY, FileNotFoundError):
            pass
        finally:
            if file != _FREE:
                os.close(file)
        return self.is_locked

    def release(self) -> None:
        if self.is_locked:
            _free(self._file)
        self.drop()

    def drop(self) -> None:
        """Forget the lock in this process, where another one holds it as well."""
        file, self._file = self._file, _FREE
        _held.discard(self)
        if file != _FREE:
            os.close(file)

    def __del__(self) -> None:
        if self._file >= 0:
            os.close(self._file)

    def __enter__(self) -> Self:
        self.acquire(math.inf)
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


_held: WeakSet[FileLock] = WeakSet()


def _drop_all() -> None:
    """A child that a step forks has no part in the locks, and must not keep them when its parent dies."""
    for lock in list(_held):
        lock.drop()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_drop_all)
