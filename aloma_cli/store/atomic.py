"""Replacing a small file as one: a reader sees the old text or the new, never a part."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from aloma_cli.store.refusal import refused


def replace_file(path: Path, text: str) -> None:
    """Put `text` (UTF-8, mode 0600) in the place of the file at `path`, which nobody else replaces. Raises StoreError.

    Not synced: it is for what can be made anew from the journal, and for requests whose sender is there to ask again.
    """
    # Always the same name: what a kill leaves behind is overwritten the next time.
    temporary = path.with_name(f".{path.name}.new")
    try:
        with open(temporary, "w", encoding="utf-8", opener=_private) as file:
            file.write(text)
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise refused(path, "written", error) from error


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)
