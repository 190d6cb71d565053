"""The `.aloma` folder of a workspace: its owner's alone, and in no repository."""

from __future__ import annotations

from pathlib import Path

FOLDER = ".aloma"

_README = """\
This folder holds the tasks and the secrets of an aloma workspace. Deleting it deletes these, and nothing else.
It is nobody's but yours: do not commit or share it.
"""


def prepare_folder(folder: Path) -> None:
    """Make the `.aloma` folder where it is missing. Raises OSError and StoreError."""
    from aloma_cli.store.atomic import replace_file

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, text in (("README", _README), (".gitignore", "*\n")):
        if not (folder / name).exists():
            replace_file(folder / name, text)
