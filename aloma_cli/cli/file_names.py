"""The name of a file that a command writes into a folder of the workspace."""

from __future__ import annotations

import re

from aloma_cli.errors import InputError

_NAME = re.compile(r"[A-Za-z0-9][\w-]*(/[A-Za-z0-9][\w-]*)*")


def checked_name(name: str, kind: str) -> str:
    """`name`, the name of a `kind`. Raises InputError for one that leaves the folder or needs quotes in a shell."""
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} is not a name for a {kind}", hint="use letters, digits, _ and -; a / stands for a folder"
        )
    return name
