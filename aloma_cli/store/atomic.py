"""Replacing a small file as one: a reader sees the old text or the new, never a part."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from aloma_cli.store.refusal import refused


def replace_file(path: Path, text: str, *, durable: bool = False) -> None:
    """Put `text` (UTF-8, mode 0600) in the place of the file at `path`, which nobody else replaces. Raises StoreError.

    Not synced unless it is to be `durable`: most of what is written so can be made anew from the journal, or is a
    request whose sender is there to ask again.
    """
    # Always the same name: what a kill leaves behind is overwritten the next time.
    temporary = path.with_name(f".{path.name}.new")
    try:
        with open(temporary, "w", encoding="utf-8", opener=private) as file:
            file.write(text)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise refused(path, "written", error) from error


def private(name: str, flags: int) -> int:
    """The opener (for `open`) of a file that only its owner may read."""
    return os.open(name, flags, 0o600)
