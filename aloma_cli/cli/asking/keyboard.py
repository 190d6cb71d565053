"""The keyboard of a terminal, line by line, so that a question can be withdrawn while a person thinks about it."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable
from typing import TextIO

from aloma_cli.view.format import bounded
from aloma_cli.view.live.stderr import Notes
from aloma_cli.view.terminal import size_of, write
from aloma_cli.view.width import paragraph

_LOOK = 0.2
"""Seconds between two looks whether the question is still open."""

_PIECE = 65_536


def can_ask() -> bool:
    """Whether a person sits at the terminal: it is read from, and messages go there."""
    return sys.stdin is not None and sys.stdin.isatty() and terminal().isatty()


class Keyboard:
    """`check` is called while a line is waited for, and raises what ends the dialog."""

    def __init__(self, check: Callable[[], object] = lambda: None) -> None:
        # A run lends its standard input to nobody, and a live view takes what goes to standard error.
        self._input = sys.stdin.fileno()
        self._terminal = terminal()
        self._check = check
        self._begun = b""

    def say(self, text: str) -> None:
        """Show a text, broken between words."""
        room = size_of(self._terminal).room
        write(self._terminal, "".join(f"{line}\n" for line in paragraph(bounded(text), room)))

    def read(self, prompt: str) -> str:
        """The next line, without its end. Raises EOFError."""
        write(self._terminal, prompt)
        try:
            return self._read_line()
        except BaseException:
            write(self._terminal, "\n")
            raise

    def _read_line(self) -> str:
        while b"\n" not in self._begun:
            if not select.select([self._input], [], [], _LOOK)[0]:
                self._check()
            elif piece := os.read(self._input, _PIECE):
                self._begun += piece
            elif not self._begun:
                raise EOFError
            else:  # Ctrl-D within a line ends it
                self._begun += b"\n"
        line, _, self._begun = self._begun.partition(b"\n")
        return line.decode("utf-8", "surrogateescape").removesuffix("\r")


def terminal() -> TextIO:
    """Standard error, also while a live view takes what goes there."""
    return sys.stderr.original if isinstance(sys.stderr, Notes) else sys.stderr
