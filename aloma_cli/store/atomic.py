"""Replacing a small file as one: a reader sees the old text or the new, never a part."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from aloma_cli.store.refusal import refused, refusing


def replace_file(path: Path, text: str) -> None:
    """Put `text` (UTF-8, mode 0600) in the place of the file at `path`. Raises StoreError.

    Not synced: it is for what can be made anew from the journal, and for requests whose sender is there to ask again.
    """
    with refusing(path, "written"):
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise refused(path, "written", error) from error
