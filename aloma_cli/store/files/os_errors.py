"""An `OSError` as a StoreError: which file, why, and what to do about it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aloma_cli.errors import StoreError

_SPACE = "free some space"
_RIGHTS = "fix its permissions"
_HANDLES = "close some programs, or raise `ulimit -n`"
_IN_THE_WAY = "move the file away: a folder must be in its place"

_HINTS = {
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EFBIG: _SPACE,
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EROFS: _RIGHTS,
    errno.EMFILE: _HANDLES,
    errno.ENFILE: _HANDLES,
    errno.EEXIST: _IN_THE_WAY,
    errno.ENOTDIR: _IN_THE_WAY,
    errno.ENAMETOOLONG: "use a workspace with a shorter path",
    errno.ENOENT: "run `aloma task list`: the folder was moved or deleted",
    errno.EIO: "save a copy of the folder: the disk may be failing",
}


@contextmanager
def refusing(path: Path, done: str) -> Iterator[None]:
    """Raise StoreError for an OSError in the context: `path` could not be `done` (written, read, …)."""
    try:
        yield
    except OSError as error:
        raise refused(path, done, error) from error


def refused(path: Path, done: str, error: OSError) -> StoreError:
    """The StoreError for `error`: `path` could not be `done`."""
    reason = error.strerror or os.strerror(error.errno or errno.EIO)
    return StoreError(f"{path} could not be {done}: {reason}", hint=hint_for(error))


def hint_for(error: OSError) -> str | None:
    """What to do about `error`, if that is known."""
    return _HINTS.get(error.errno or 0)
