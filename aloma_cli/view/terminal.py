"""A terminal: its size, what it can show, and styled lines as text for it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from itertools import islice
from typing import TYPE_CHECKING, TextIO

from aloma_cli.view.width import Size

if TYPE_CHECKING:
    from rich.text import Text

_FALLBACK = Size(80, 24)
_PIECE = 500
"""Lines that are written at a time, so that a long log takes little memory."""


class Canvas(StringIO):
    """A terminal in memory: what it would show is drawn (`view/svg.py`)."""

    encoding = "utf-8"
    size = Size(100, 40)

    def isatty(self) -> bool:
        return True


def can_redraw(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether `stream` is a terminal that obeys escape sequences. FORCE_COLOR does not make a pipe one."""
    capable = environ.get("TERM", "").lower() not in ("dumb", "unknown") and environ.get("TTY_COMPATIBLE") != "0"
    return stream.isatty() and capable


def is_for_people(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether people read `stream`: a terminal, or a pipe to a pager for which FORCE_COLOR or CLICOLOR_FORCE is set."""
    return stream.isatty() or is_forced(environ)


def size_of(stream: TextIO) -> Size:
    """The size of the terminal now, for a pipe that of standard error; 80 by 24 if it is unknown."""
    if isinstance(stream, Canvas):
        return stream.size
    for number in (stream.fileno, lambda: 2):
        try:
            columns, lines = os.get_terminal_size(number())
        except (OSError, ValueError):
            continue
        return Size(columns or _FALLBACK.width, lines or _FALLBACK.height)
    return _FALLBACK


class Ink:
    """Turns styled lines into text, in colours if the terminal has them and NO_COLOR is not set."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        from rich.console import Console

        self._console = Console(
            file=stream,
            force_terminal=can_redraw(stream, environ) or is_forced(environ),
            force_jupyter=False,
            highlight=False,
            soft_wrap=True,
            width=_FALLBACK.width,  # of no effect on soft-wrapped lines; asking the terminal each time costs
            _environ=environ,
        )

    def text(self, lines: Sequence[Text]) -> str:
        """The lines as they go to the terminal, each with its end."""
        return "".join(f"{text}\n" for text in self.styled(lines))

    def styled(self, lines: Sequence[Text]) -> list[str]:
        """Each line as it goes to the terminal, without its end."""
        with self._console.capture() as capture:
            for line in lines:
                self._console.print(line)
        return capture.get().split("\n")[:-1]


def is_forced(environ: Mapping[str, str]) -> bool:
    """Whether FORCE_COLOR or CLICOLOR_FORCE asks for colours, also in a pipe."""
    return any(environ.get(name, "") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE"))


def write(stream: TextIO, text: str) -> None:
    """Write at once to a terminal; a character that its encoding lacks becomes a question mark."""
    _write(stream, text, "replace")


def write_plain(stream: TextIO, lines: Iterable[str]) -> None:
    """Write lines to a file or a pipe, many at a time; characters that its encoding lacks are escaped."""
    left = iter(lines)
    while piece := list(islice(left, _PIECE)):
        _write(stream, "".join(f"{line}\n" for line in piece), "backslashreplace")


def _write(stream: TextIO, text: str, lacking: str) -> None:
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, lacking).decode(encoding))
    stream.flush()
