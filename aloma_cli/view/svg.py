"""What a terminal shows, as a picture (SVG)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby
from typing import TypeAlias

from aloma_cli.view.format import one_line

_BOLD, _DIM = "b", "d"
_STYLE = (
    "text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#d7dae0;white-space:pre}"
    f".{_BOLD}{{font-weight:700}}.{_DIM}{{opacity:.6}}"
)
_CELL, _LINE, _MARGIN = 7.83, 18, 16

_TOKEN = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|(.)", re.DOTALL)

Cell: TypeAlias = tuple[str, str]
"""A character, and the attributes of the element it is drawn in."""


class Sheet:
    """What a terminal shows: scrollback and screen as rows of cells."""

    def __init__(self) -> None:
        self.rows: list[list[Cell]] = [[]]
        self._row = self._column = 0
        self._style = ""

    def write(self, text: str) -> None:
        for parameters, command, character in _TOKEN.findall(text):
            if command == "m":
                self._style = _attributes(parameters)
            elif command:
                self._move(parameters, command)
            else:
                self._type(character)

    def text(self) -> str:
        return "\n".join(map(text_of, self.rows))

    def _move(self, parameters: str, command: str) -> None:
        if command == "A":
            self._row = max(self._row - int(parameters or 1), 0)
        elif command == "K":
            del self.rows[self._row][self._column :]
        elif command == "J":
            del self.rows[self._row + 1 :]
            del self.rows[self._row][self._column :]

    def _type(self, character: str) -> None:
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


def text_of(row: Iterable[Cell]) -> str:
    return "".join(character for character, _ in row)


def drawn(rows: Sequence[Sequence[Cell]], label: str, typed: Sequence[str] = ()) -> str:
    """The rows as an SVG, below the lines that were `typed`. `label`: what it shows, for those who do not see it."""
    lines = [*([(character, _attributes("1")) for character in line] for line in typed), *rows]
    width = round(max(map(len, lines)) * _CELL + 2 * _MARGIN)
    height = len(lines) * _LINE + 2 * _MARGIN
    texts = "\n".join(
        f'<text x="{_MARGIN}" y="{_MARGIN + _LINE * number + 13}">{_spans(line)}</text>'
        for number, line in enumerate(lines)
        if line
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(one_line(label))}">\n'
        f'<style>{_STYLE}</style>\n<rect width="100%" height="100%" rx="8" fill="#161b22"/>\n{texts}\n</svg>\n'
    )


def _attributes(parameters: str) -> str:
    """What the SVG says where a terminal was sent these parameters: bold, dim, and one of 256 colours."""
    parts = []
    colour = re.search(r"38;5;(\d+)", parameters)
    if colour:
        parts.append(f'fill="{_hex(int(colour[1]))}"')
    classes = [name for code, name in (("1", _BOLD), ("2", _DIM)) if code == parameters.partition(";")[0]]
    return " ".join([*parts, *(f'class="{name}"' for name in classes)])


def _hex(number: int) -> str:
    """The colour of a number of the cube of 6 x 6 x 6, which begins at 16."""
    digits = (number - 16) // 36, (number - 16) // 6 % 6, (number - 16) % 6
    return "#" + "".join(f"{(0, 95, 135, 175, 215, 255)[digit]:02x}" for digit in digits)


def _spans(line: Iterable[Cell]) -> str:
    parts = []
    for attributes, cells in groupby(line, key=lambda cell: cell[1]):
        text = escape(text_of(cells), quote=False)
        parts.append(f"<tspan {attributes}>{text}</tspan>" if attributes else text)
    return "".join(parts).rstrip()
