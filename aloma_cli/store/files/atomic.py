"""Replacing a small file as a whole: a reader sees the old text or the new, never a part."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TextIO

from aloma_cli.errors import StoreError
from aloma_cli.store.files.os_errors import refused

NO_LINK = getattr(os, "O_NOFOLLOW", 0)


def replace_file(path: Path, text: str, *, durable: bool = False, shared: bool = False) -> None:
    """Write `text` (UTF-8, mode 0600) in place of the file at `path`. Raises StoreError.

    Only with `shared` may another process replace it at the same time. With `durable` the file and its name survive a
    loss of power. A link at `path` is replaced, and never followed.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new" if shared else f".{path.name}.new")
    try:
        with _opened_new(temporary) as file:
            file.write(text)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
        if durable:
            sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise refused(path, "written", error) from error


def _opened_new(path: Path) -> TextIO:
    try:
        return open(path, "x", encoding="utf-8", opener=private)
    except FileExistsError:
        # A kill may have left it, and a repository may ship a link of that name.
        path.unlink()
        return open(path, "x", encoding="utf-8", opener=private)


def private(name: str, flags: int) -> int:
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
