"""Standard error as everybody writes to it: the program, steps, libraries, before, during and after a live view."""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO

from aloma_cli.lent import Lent
from aloma_cli.view.wording import plain


class Notes(Lent):
    """Nothing that a terminal would obey gets through to `original`.

    While a live view draws there, whole lines go to its `note` instead. One stream stands for all of the program's
    life, so that a logger which was given it as a file was loaded is seen in the view as well. `number` is the
    descriptor that child processes get in its place, if that is another.
    """

    def __init__(self, original: TextIO) -> None:
        super().__init__(original)
        self.number: int | None = None
        self.note: Callable[[str], None] | None = None
        self._begun = ""

    def write(self, text: str) -> int:
        if self.note is None:
            self.original.write(plain(text))
        else:
            *lines, self._begun = (self._begun + text).split("\n")
            for line in lines:
                self.line(line)
        return len(text)

    def line(self, text: str) -> None:
        """Write one whole line; of what overwrites itself (`\\r`) the last counts."""
        text = plain(text.rstrip("\r").rpartition("\r")[2])
        if self.note is None:
            self.original.write(f"{text}\n")
        else:
            self.note(text)

    def finish(self) -> None:
        """The live view ends: hand over what has no line end."""
        if self._begun:
            self.line(self._begun)
            self._begun = ""
        self.note = None

    def fileno(self) -> int:
        return super().fileno() if self.number is None else self.number
