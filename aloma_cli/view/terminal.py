"""What a terminal is to us: its size, what it can show, and styled lines as the text to send it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from aloma_cli.view.width import Size

if TYPE_CHECKING:
    from rich.text import Text

_FALLBACK = Size(80, 24)


def can_redraw(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether `stream` is a terminal that obeys escape sequences. FORCE_COLOR makes no terminal of a pipe."""
    capable = environ.get("TERM", "").lower() not in ("dumb", "unknown") and environ.get("TTY_COMPATIBLE") != "0"
    return stream.isatty() and capable


def size_of(stream: TextIO) -> Size:
    """The size of the terminal now; 80 by 24 where it does not say."""
    try:
        columns, lines = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        return _FALLBACK
    return Size(columns or _FALLBACK.width, lines or _FALLBACK.height)


class Ink:
    """Turns styled lines into text: with the colours that the terminal has and NO_COLOR allows, else plain."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        from rich.console import Console

        self._console = Console(
            file=stream,
            force_terminal=can_redraw(stream, environ),
            force_jupyter=False,
            highlight=False,
            soft_wrap=True,
            width=_FALLBACK.width,  # of no effect on soft-wrapped lines; asking the terminal each time costs
            _environ=environ,
        )

    def styled(self, lines: Sequence[Text]) -> list[str]:
        """Each line as it goes to the terminal, without its end."""
        with self._console.capture() as capture:
            for line in lines:
                self._console.print(line)
        return capture.get().split("\n")[:-1]


def write(stream: TextIO, text: str) -> None:
    """Write at once to a terminal; what its encoding lacks becomes a question mark, as wide as most signs."""
    _write(stream, text, "replace")


def write_plain(stream: TextIO, lines: Iterable[str]) -> None:
    """Write lines at once to what may be a pipe; what its encoding lacks is escaped, so that nothing is lost."""
    _write(stream, "".join(f"{line}\n" for line in lines), "backslashreplace")


def _write(stream: TextIO, text: str, lacking: str) -> None:
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, lacking).decode(encoding))
    stream.flush()
