"""The tasks that were claimed lately, from the file `changed` (`states.py`), so that a worker need not read all."""

from __future__ import annotations

import os
from pathlib import Path

from aloma_cli.errors import StoreError
from aloma_cli.store.files.atomic import NO_LINK, refuse_links, replace_file

_LARGE = 4_000_000
"""Bytes after which the file is replaced by an empty one."""


class Changes:
    """What is new in `changed` at each call. The file is begun if it is missing, without an index."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "changed"
        self._token = b""
        self._place = 0

    def __call__(self) -> list[str]:
        """The ids that are new since the last call, as far as they are known."""
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | NO_LINK)
        except OSError:
            self._begin_file()
            return []
        with os.fdopen(file, "rb") as lines:
            token = lines.readline()
            if token != self._token:
                self._token, self._place = token, lines.tell()
            lines.seek(self._place)
            text = lines.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._place += len(whole)
        if self._place > _LARGE:
            self._begin_file()
        return whole.decode(errors="replace").split()

    def _begin_file(self) -> None:
        try:
            refuse_links(self._path.parent)
            replace_file(self._path, f"{os.urandom(8).hex()}\n".encode(), shared=True)
        except StoreError:
            return  # no task was made yet, or the folder cannot be written
