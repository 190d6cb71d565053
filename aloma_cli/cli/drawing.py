"""Draw what a command prints at a terminal, as a picture that is its result."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from aloma_cli.cli.output import put_on, result
from aloma_cli.view.svg import Sheet, drawn
from aloma_cli.view.terminal import Canvas

_LOOK = ("TERM", "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "COLORTERM", "TTY_COMPATIBLE")
"""What changes the looks of a terminal."""


@contextmanager
def drawing(command: str) -> Iterator[None]:
    """What is printed within goes to a terminal of 100 columns, below `command`; then this is put as an SVG."""
    canvas, sheet = Canvas(), Sheet()
    with _colours(), put_on(canvas):
        yield
    sheet.write(canvas.getvalue().rstrip("\n").replace("\n", "\r\n"))  # as a terminal driver does
    result().write(drawn(sheet.rows, f"What `{command}` shows", [f"$ {command}", ""]))


@contextmanager
def _colours() -> Iterator[None]:
    """Within, terminals have 256 colours."""
    before = {name: os.environ.pop(name) for name in _LOOK if name in os.environ}
    os.environ["TERM"] = "xterm-256color"
    try:
        yield
    finally:
        del os.environ["TERM"]
        os.environ.update(before)
