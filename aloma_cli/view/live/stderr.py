"""Standard error for all that write to it: the program, steps, libraries, before, during and after a live view."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from aloma_cli.content.streams import Lent
from aloma_cli.view.format import plain


class Notes(Lent):
    """Writes to `original`, without what a terminal would obey.

    While a live view draws there, whole lines go to its `note` instead. There is one Notes for the whole program:
    a logger that got it when a file was loaded must reach the view too. `number` is the descriptor that child processes
    get in its place, if that is another.
    """

    number: int | None = None
    note: Callable[[str], None] | None = None
    _begun = ""

    def write(self, text: str) -> int:
        if self.note is None:
            self.original.write(plain(text))
        else:
            *lines, self._begun = (self._begun + text).split("\n")
            self.write_lines(lines)
        return len(text)

    def write_lines(self, lines: Iterable[str]) -> None:
        """Write whole lines; of one that overwrites itself (with carriage returns) the last state counts."""
        whole = [plain(line.rstrip("\r").rpartition("\r")[2]) for line in lines]
        if self.note is None:
            self.original.write("".join(f"{line}\n" for line in whole))
        else:
            for line in whole:
                self.note(line)

    def finish(self) -> None:
        """The live view ends: hand over what has no line end."""
        if self._begun:
            self.write_lines([self._begun])
            self._begun = ""
        self.note = None

    def fileno(self) -> int:
        return super().fileno() if self.number is None else self.number
