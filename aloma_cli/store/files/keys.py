"""Keys of tasks: `.aloma/keys/HASH` holds the id of the task that was created with a key, so that there is only one."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from aloma_cli.ids import is_root_id
from aloma_cli.store.files.atomic import private, refuse_links, sync_folder
from aloma_cli.store.files.dotfolder import make_folder
from aloma_cli.store.files.os_errors import refusing


def reserve(folder: Path, key: str, root: str, *, fsync: bool) -> str:
    """The id that `key` stands for: `root`, or the one that it was reserved for before. Raises StoreError."""
    refuse_links(folder)
    make_folder(folder, durable=fsync)
    path = folder / hashlib.sha256(key.encode()).hexdigest()[:32]
    while True:
        reserved = _reserved(path)
        if reserved is not None:
            return reserved
        _link(path, root, fsync=fsync)


def _reserved(path: Path) -> str | None:
    with refusing(path, "read"):
        try:
            root = path.read_text("utf-8").strip()
        except FileNotFoundError:
            return None
        if not is_root_id(root):
            path.unlink(missing_ok=True)  # torn by a loss of power, so nothing was made with it
            return None
        return root


def _link(path: Path, root: str, *, fsync: bool) -> None:
    """Write the file under its name as a whole, unless another process was first."""
    written = path.with_name(f".{path.name}.{os.getpid()}.{root}")
    with refusing(path, "written"):
        try:
            with open(written, "x", encoding="utf-8", opener=private) as file:
                file.write(root)
                if fsync:
                    file.flush()
                    os.fsync(file.fileno())
            try:
                os.link(written, path)
            except FileExistsError:
                return
        finally:
            written.unlink(missing_ok=True)
        if fsync:
            sync_folder(path.parent)
