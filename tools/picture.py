"""Render docs/live.svg: the live view in the middle of a real run of examples/research.json.

    .venv/bin/python -m tools.picture

The run takes about six seconds, needs no key, and leaves nothing behind: it happens in a copy of the workspace.
"""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator
from html import escape
from itertools import groupby
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
PICTURE = REPOSITORY / "docs/live.svg"
COMMAND = (
    *("task", "new", "Multi-Agent Research Project"),
    *("-f", "examples/research.json", "--offline", "--responses", "examples/four-domains"),
)
PROMPT = (
    '$ aloma task new "Multi-Agent Research Project" -f examples/research.json \\',
    "      --offline --responses examples/four-domains",
)
WIDTH, HEIGHT = 106, 40
WORTH_SHOWING = re.compile(r"(?s)✓ research/agent.*2 running")

BOLD, DIM = "b", "d"
STYLE = (
    "text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#d7dae0;white-space:pre}"
    f".{BOLD}{{font-weight:700}}.{DIM}{{opacity:.6}}"
)
CELL, LINE, MARGIN = 7.83, 18, 16

TOKEN = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|(.)", re.DOTALL)
Cell = tuple[str, str]
"""A character, and the attributes of the element it is drawn in."""


class Screen:
    """What a terminal shows: scrollback and screen as rows of cells."""

    def __init__(self) -> None:
        self.rows: list[list[Cell]] = [[]]
        self._row = self._column = 0
        self._style = ""

    def write(self, text: str) -> None:
        for parameters, command, character in TOKEN.findall(text):
            if command == "m":
                self._style = _attributes(parameters)
            elif command:
                self._move(parameters, command)
            else:
                self._put(character)

    def text(self) -> str:
        return "\n".join(map(_text, self.rows))

    def _move(self, parameters: str, command: str) -> None:
        if command == "A":
            self._row = max(self._row - int(parameters or 1), 0)
        elif command == "K":
            del self.rows[self._row][self._column :]
        elif command == "J":
            del self.rows[self._row + 1 :]
            del self.rows[self._row][self._column :]

    def _put(self, character: str) -> None:
        if character == "\n":
            self._row += 1
            self.rows += [] if self._row < len(self.rows) else [[]]
        elif character == "\r":
            self._column = 0
        else:
            row = self.rows[self._row]
            row += [(" ", "")] * (self._column + 1 - len(row))
            row[self._column] = (character, self._style)
            self._column += 1


def _attributes(parameters: str) -> str:
    """What the SVG says where a terminal was sent these parameters: bold, dim, and one of 256 colours."""
    parts = []
    colour = re.search(r"38;5;(\d+)", parameters)
    if colour:
        parts.append(f'fill="{_hex(int(colour[1]))}"')
    classes = [name for code, name in (("1", BOLD), ("2", DIM)) if code == parameters.partition(";")[0]]
    return " ".join([*parts, *(f'class="{name}"' for name in classes)])


def _hex(number: int) -> str:
    """The colour of a number of the cube of 6 x 6 x 6, which begins at 16."""
    digits = (number - 16) // 36, (number - 16) // 6 % 6, (number - 16) % 6
    return "#" + "".join(f"{(0, 95, 135, 175, 215, 255)[digit]:02x}" for digit in digits)


def main() -> int:
    rows = next((rows for rows in _moments() if rows), None)
    if rows is None:
        print("the run had no moment with two agents done and two running", file=sys.stderr)
        return 1
    PICTURE.write_text(drawn(rows), encoding="utf-8")
    print(f"{PICTURE.relative_to(REPOSITORY)}: {PICTURE.stat().st_size:,} bytes")
    return 0


def _moments() -> Iterator[list[list[Cell]]]:
    """What the screen shows at each moment that is worth a picture."""
    screen = Screen()
    for text in _played():
        screen.write(text)
        if WORTH_SHOWING.search(screen.text()):
            yield [row for row in screen.rows if not _text(row).startswith("aloma: ")]


def _text(row: list[Cell]) -> str:
    return "".join(character for character, _ in row)


def _played() -> Iterator[str]:
    """What the command writes to a terminal, frame by frame."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("steps", "libraries", "examples"):
            shutil.copytree(REPOSITORY / name, Path(folder, name))
        yield from _at_terminal(Path(folder))


def _at_terminal(folder: Path) -> Iterator[str]:
    master, slave = pty.openpty()
    termios.tcsetwinsize(master, (HEIGHT, WIDTH))
    environ = {**os.environ, "TERM": "xterm-256color", "CI": ""}
    command = [sys.executable, "-m", "aloma_cli", *COMMAND]
    with subprocess.Popen(command, cwd=folder, env=environ, stdin=slave, stdout=slave, stderr=slave):
        os.close(slave)
        try:
            while piece := os.read(master, 65536):
                yield piece.decode(errors="replace")
        except OSError:  # how Linux tells that the other side is closed
            return


def drawn(rows: list[list[Cell]]) -> str:
    """The rows as an SVG."""
    lines = [*([(character, _attributes("1")) for character in line] for line in PROMPT), *rows]
    width = round(max(map(len, lines)) * CELL + 2 * MARGIN)
    height = len(lines) * LINE + 2 * MARGIN
    texts = "\n".join(
        f'<text x="{MARGIN}" y="{MARGIN + LINE * number + 13}">{_spans(line)}</text>'
        for number, line in enumerate(lines)
        if line
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="The live view of a task: agents that have fired, and a tree of those that run">\n'
        f'<style>{STYLE}</style>\n<rect width="100%" height="100%" rx="8" fill="#161b22"/>\n{texts}\n</svg>\n'
    )


def _spans(line: list[Cell]) -> str:
    parts = []
    for attributes, cells in groupby(line, key=lambda cell: cell[1]):
        text = escape(_text(list(cells)), quote=False)
        parts.append(f"<tspan {attributes}>{text}</tspan>" if attributes else text)
    return "".join(parts).rstrip()


if __name__ == "__main__":
    sys.exit(main())
