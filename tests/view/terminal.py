"""A terminal, as far as the live view needs one: a pseudo-terminal, and what its screen and scrollback show."""

from __future__ import annotations

import os
import pty
import re
import termios
import threading
import time
from collections.abc import Callable, Iterator
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
        self._typed_at = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def resize(self, width: int, height: int) -> None:
        self.height = height
        termios.tcsetwinsize(self._master, (height, width))

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._master, text.encode())

    def type_at_prompts(self, text: str, is_over: Callable[[], object], seconds: float = 15) -> None:
        """Type each line when the screen ends with a prompt (`: `); `^D` is Ctrl-D."""
        for line in text.splitlines():
            self._await_prompt(is_over, seconds)
            self.type("\x04" if line == "^D" else f"{line}\n")

    def _await_prompt(self, is_over: Callable[[], object], seconds: float) -> None:
        deadline, before = time.monotonic() + seconds, self._typed_at
        while not (self.raw.endswith(": ") and len(self.raw) > before) and not is_over():
            assert time.monotonic() < deadline, f"there was no prompt: {self.raw[-200:]!r}"
            time.sleep(0.01)
        self._typed_at = len(self.raw)

    def close(self) -> None:
        """Everything written has been read when this returns."""
        self.stream.close()
        self._reader.join(5)

    @property
    def raw(self) -> str:
        return b"".join(self._pieces).decode(errors="replace")

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
