"""The files that a command writes into a folder of the workspace."""

from __future__ import annotations

import re
from pathlib import Path

from aloma_cli.errors import InputError

_NAME = re.compile(r"[A-Za-z0-9][\w-]*(/[A-Za-z0-9][\w-]*)*")


def checked_name(name: str, kind: str) -> str:
    """`name`, the name of a `kind`. Raises InputError for one that leaves the folder or needs quotes in a shell."""
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} is not a name for a {kind}", hint="use letters, digits, _ and -; a / stands for a folder"
        )
    return name


def write_new(path: Path, text: str, *, hint: str) -> None:
    """Write a file, and the folders above it. Raises InputError, with `hint` if the file exists."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except FileExistsError:
        raise InputError(f"{path} exists; it was not changed", hint=hint) from None
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from None
