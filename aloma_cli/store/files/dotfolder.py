"""The `.aloma` folder of a workspace. Only its owner can read it, and no repository contains it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from aloma_cli.store.files.atomic import private, sync_folder
from aloma_cli.store.files.os_errors import refusing

_README = """\
This folder contains the tasks and the secrets of an aloma workspace. Deleting it deletes them, and nothing else.
Do not commit or share it.
"""


def prepare_folder(folder: Path, *, durable: bool = True) -> None:
    """Make the `.aloma` folder if it is missing. With `durable` it survives a loss of power. Raises StoreError."""
    make_folder(folder, durable=durable)
    for name, text in (("README", _README), (".gitignore", "*\n")):
        # Several processes may begin a workspace at once: the first one writes the file.
        path = folder / name
        with (
            refusing(path, "written"),
            contextlib.suppress(FileExistsError),
            open(path, "x", encoding="utf-8", opener=private) as file,
        ):
            file.write(text)


def make_folder(folder: Path, *, durable: bool) -> None:
    """Make a folder and its parents if they are missing. Raises StoreError."""
    with refusing(folder, "made"):
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in missing if durable else ():
            sync_folder(path.parent)
