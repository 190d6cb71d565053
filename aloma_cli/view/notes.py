"""What others write to standard error while the live view is on it: whole lines, handed to the view."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TextIO


class Notes(io.TextIOBase):
    """Stands for `stream`; each line written goes to `note` instead."""

    def __init__(self, stream: TextIO, note: Callable[[str], None]) -> None:
        self.stream = stream
        self._note = note
        self._begun = ""

    @property
    def encoding(self) -> str:  # type: ignore[override]  # read-only here, writable in TextIOBase
        return self.stream.encoding

    def write(self, text: str) -> int:
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self._note(line)
        return len(text)

    def flush(self) -> None:
        """Nothing: a line that is not finished yet waits for its end."""

    def finish(self) -> None:
        """Hand over what has no line end."""
        if self._begun:
            self._note(self._begun)
            self._begun = ""

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self.stream.isatty()

    def fileno(self) -> int:
        return self.stream.fileno()
