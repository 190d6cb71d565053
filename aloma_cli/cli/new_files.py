"""The files that a command writes into a folder of the workspace."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from aloma_cli.errors import InputError

_NAME = re.compile(r"[A-Za-z0-9][\w-]*(/[A-Za-z0-9][\w-]*)*")


def checked_name(name: str, kind: str) -> str:
    """`name`, the name of a `kind`. Raises InputError for one that leaves the folder or needs quotes in a shell."""
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} is not a name for a {kind}", hint="use letters, digits, _ and -; a / stands for a folder"
        )
    return name


@contextlib.contextmanager
def replaced(path: Path, *, opener: Callable[[str, int], int] | None = None) -> Iterator[IO[bytes]]:
    """Write a file whole or not at all, in the place of one that exists, which keeps its mode. Raises OSError.

    With an `opener` the file has the mode that this one gives.
    """
    if path.exists() and not path.is_file():  # a device or a named pipe
        with path.open("wb") as target:
            yield target
        return
    path = path.resolve()
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.new")
    unfinished.unlink(missing_ok=True)  # a killed process of this number may have left it
    try:
        with open(unfinished, "xb", opener=opener) as target:
            if opener is None and path.exists():
                shutil.copymode(path, unfinished)
            yield target
        unfinished.replace(path)
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)


def write_new(path: Path, text: str, *, hint: str) -> None:
    """Write a file whole or not at all, and the folders above it. Raises InputError, with `hint` if the file exists."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(exist_ok=False)
        with replaced(path) as file:
            file.write(text.encode(errors="backslashreplace"))
    except FileExistsError:
        raise InputError(f"{path} already exists", hint=hint) from None
    except OSError as error:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        raise InputError(f"{path} cannot be written: {error.strerror}") from None
