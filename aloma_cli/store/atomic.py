"""Replacing a small file as one: a reader sees the old text or the new, never a part."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from aloma_cli.errors import StoreError


def replace_file(path: Path, text: str, *, durable: bool = False) -> None:
    """Put `text` (UTF-8, mode 0600) in the place of the file at `path`. Raises StoreError.

    Not synced unless it is to be `durable`: most of what is written so can be made anew from the journal, or is a
    request whose sender is there to ask again.
    """
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise StoreError(f"{path} could not be written: {error.strerror}") from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            if durable:
                file.flush()
                os.fsync(handle)
        Path(temporary).replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise StoreError(f"{path} could not be written: {error.strerror}") from error
