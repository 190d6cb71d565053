"""A terminal, as far as the live view needs one: a pseudo-terminal, and what its screen and scrollback show."""

from __future__ import annotations

import os
import pty
import re
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_TOKEN = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|(.)", re.DOTALL)


class Terminal:
    """The terminal behind `stream`. `raw` is all that was written to it."""

    def __init__(self, width: int, height: int) -> None:
        self._master, slave = pty.openpty()
        self.stream: TextIO = os.fdopen(slave, "w", encoding="utf-8")
        self.resize(width, height)
        self._pieces: list[bytes] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def resize(self, width: int, height: int) -> None:
        self.height = height
        termios.tcsetwinsize(self._master, (height, width))

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._master, text.encode())

    def close(self) -> None:
        """Everything written has been read when this returns."""
        self.stream.close()
        self._reader.join(5)

    @property
    def raw(self) -> str:
        return b"".join(self._pieces).decode()

    def lines(self) -> list[str]:
        """Scrollback and screen, without colours, as they stand after all that was written."""
        lines, row, column = [""], 0, 0
        for parameters, command, character in _TOKEN.findall(self.raw):
            if character == "\n":
                row += 1
                lines += [""] * (row + 1 - len(lines))
            elif character == "\r":
                column = 0
            elif character:
                lines[row] = lines[row][:column].ljust(column) + character + lines[row][column + 1 :]
                column += 1
            elif command == "A":
                row = max(row - int(parameters), len(lines) - self.height, 0)
            elif command == "K":
                lines[row] = lines[row][:column]
            elif command == "J":
                lines[row:] = [lines[row][:column]]
        return [line.rstrip() for line in lines]

    def _read(self) -> None:
        # A terminal whose other side is closed answers with an error on Linux, with nothing on macOS.
        try:
            while piece := os.read(self._master, 65536):
                self._pieces.append(piece)
        except OSError:
            return


@contextmanager
def terminal(width: int = 100, height: int = 30) -> Iterator[Terminal]:
    opened = Terminal(width, height)
    try:
        yield opened
    finally:
        opened.close()
