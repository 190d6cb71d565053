"""Text in the room that a terminal has: cleaned, cut, and broken between words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from aloma_cli.view.format import one_line
from aloma_cli.view.theme import DIM, Glyphs

if TYPE_CHECKING:
    from rich.text import Text

_HANGING = " " * 4
_WORD = r"(\s*)(\S+)"
_WORD_OR_COMMAND = r"(\s*)(`[^`]+`\S*|\baloma (?:task|step|secret|trigger) [^;,()`]*[^;,()`\s]|\S+)"


class Size(NamedTuple):
    """Columns and lines of a terminal."""

    width: int
    height: int

    @property
    def room(self) -> int:
        """Cells that may be filled; the last column stays free, because some terminals wrap when it is written."""
        return max(1, self.width - 1)


def line(*parts: str | tuple[str, str]) -> Text:
    """One line of `parts`: strings, or (string, style). Every drawn text is made here, so a terminal obeys none."""
    from rich.text import Text

    pairs = ((part, "") if isinstance(part, str) else part for part in parts)
    return Text.assemble(*((one_line(text), style) for text, style in pairs))


def fit(text: Text, width: int, glyphs: Glyphs, *, pad: bool = False) -> Text:
    """`text` in `width` cells: cut with an ellipsis, or padded if `pad`."""
    missing = width - text.cell_len
    if missing < 0:
        ellipsis = glyphs.ellipsis[: max(0, width)]
        text.truncate(max(0, width - len(ellipsis)), overflow="crop")
        text.append(ellipsis)
    elif pad:
        text.append(" " * missing)
    return text


def flow(parts: Iterable[str], width: int, glyphs: Glyphs, most: int) -> list[str]:
    """`parts` with dots between them, on at most `most` lines of `width` cells; parts that do not fit are left out."""
    from rich.cells import cell_len

    lines = [""]
    for part in parts:
        longer = f"{lines[-1]}{glyphs.dot}{part}" if lines[-1] else part
        if cell_len(longer) <= width or not lines[-1]:
            lines[-1] = longer
        elif len(lines) < most:
            lines.append(part)
        else:
            break
    return lines


def wrapped(lines: Iterable[str], indent: str, room: int, style: str, most: int, glyphs: Glyphs) -> list[Text]:
    """The first `most` of `lines` after breaking them between words; an ellipsis at the end if there are more."""
    pieces = [piece for text in lines for piece in broken(text, max(8, room - len(indent)))]
    shown = [line((indent, DIM), (piece, style)) for piece in pieces[:most]]
    if len(pieces) > most:
        fit(shown[-1], room - 1 - len(glyphs.ellipsis), glyphs).append(f" {glyphs.ellipsis}", style)
    return shown


def paragraph(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` cells; the further ones are indented by four more than the first."""
    body = text.lstrip(" ")
    indent = " " * (len(text) - len(body))
    first, *more = broken(body, max(8, width - len(indent)))
    rest = broken(" ".join(more), max(8, width - len(indent) - len(_HANGING))) if more else []
    return [indent + first, *(indent + _HANGING + piece for piece in rest)]


def last_line(text: str, width: int) -> str:
    """The last line of a text that grows, broken into lines of `width` cells: it fills from left to right."""
    return broken(one_line(text).strip(), width)[-1]


def broken(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` cells. A word, or a command to copy, stays whole if one line can hold it."""
    from rich.cells import cell_len

    lines = [""]
    for space, word in _spaced_words(text, width):
        if cell_len(longer := lines[-1] + space + word) <= width:
            lines[-1] = longer
        elif lines[-1]:
            lines.append(word)
        else:
            lines[-1] = word
    return lines


def _spaced_words(text: str, width: int) -> Iterator[tuple[str, str]]:
    """(space before it, word or command) in order; words wider than `width` in pieces."""
    from rich.cells import cell_len, chop_cells

    for space, command in re.findall(_WORD_OR_COMMAND, text):
        if cell_len(command) <= width:
            yield space, command
            continue
        for gap, word in re.findall(_WORD, space + command):
            first, *rest = chop_cells(word, width) if cell_len(word) > width else [word]
            yield gap, first
            yield from (("", piece) for piece in rest)
