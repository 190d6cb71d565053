"""The `.aloma` folder of a workspace: its owner's alone, and in no repository."""

from __future__ import annotations

from pathlib import Path

from aloma_cli.errors import StoreError

_README = """\
This folder holds the tasks and the secrets of an aloma workspace. Deleting it deletes these, and nothing else.
It is nobody's but yours: do not commit or share it.
"""


def prepare_folder(folder: Path) -> None:
    """Make the `.aloma` folder where it is missing. Raises StoreError."""
    from aloma_cli.store.atomic import replace_file
    from aloma_cli.store.refusal import refusing

    with refusing(folder, "made"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, text in (("README", _README), (".gitignore", "*\n")):
        try:
            if not (folder / name).exists():
                replace_file(folder / name, text)
        except StoreError:
            if not (folder / name).exists():  # else another process was as quick
                raise
