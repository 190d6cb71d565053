"""Replacing a small file as a whole: a reader sees the old text or the new, never a part."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from aloma_cli.errors import StoreError
from aloma_cli.store.files.os_errors import refused

NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL


def replace_file(path: Path, content: bytes, *, durable: bool = False, shared: bool = False) -> None:
    """Write `content` (mode 0600) in place of the file at `path`. Raises StoreError.

    Only with `shared` may another process replace it at the same time. With `durable` the file and its name survive a
    loss of power. A link at `path` is replaced, and never followed.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new" if shared else f".{path.name}.new")
    try:
        try:
            file = private(temporary, _NEW)
        except FileExistsError:
            temporary.unlink()  # a kill may have left it, and a repository may ship a link of that name
            file = private(temporary, _NEW)
        try:
            write_all(file, content)
            if durable:
                os.fsync(file)
        finally:
            os.close(file)
        temporary.replace(path)
        if durable:
            sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise refused(path, "written", error) from error


def write_all(file: int, data: bytes) -> None:
    """Write to an open file, of which one call may write a part only."""
    written = os.write(file, data)
    while written < len(data):
        written += os.write(file, data[written:])


def private(name: str | Path, flags: int) -> int:
    """The opener (for `open`) of a file that only its owner may read. It follows no link."""
    return os.open(name, flags | NO_LINK, 0o600)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a loss of power. Windows cannot open a folder, so there it does nothing."""
    if os.name != "nt":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def refuse_links(*paths: Path) -> None:
    """Raise StoreError for a path that is a link, because a repository may ship one that leads elsewhere."""
    for path in paths:
        if path.is_symlink():
            raise StoreError(
                f"{path} is a link, and aloma writes only to its own folder",
                hint="replace it by what it points to, or remove it",
            )
