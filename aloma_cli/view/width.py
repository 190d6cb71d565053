"""Text in the room that a terminal has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

    from aloma_cli.view.theme import Glyphs


@dataclass(frozen=True, slots=True)
class Size:
    """Columns and lines of a terminal."""

    width: int
    height: int

    @property
    def room(self) -> int:
        """Cells that may be filled; a terminal's last column is left free, since some wrap when it is written."""
        return max(1, self.width - 1)


def fit(text: Text, width: int, glyphs: Glyphs, *, pad: bool = False) -> Text:
    """`text` in `width` cells: cut with an ellipsis, or padded when asked."""
    missing = width - text.cell_len
    if missing < 0:
        ellipsis = glyphs.ellipsis[: max(0, width)]
        text.truncate(max(0, width - len(ellipsis)), overflow="crop")
        text.append(ellipsis)
    elif pad:
        text.append(" " * missing)
    return text


def flow(parts: Iterable[str], width: int, glyphs: Glyphs, most: int) -> list[str]:
    """`parts` with dots between them, on at most `most` lines of `width` cells; what does not fit is left out."""
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
