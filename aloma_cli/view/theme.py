"""Glyphs and colours: what each state and each ending looks like, in Unicode and in ASCII.

The colours are those of the product, and readable on dark and on light ground. Everything that has a colour also has
a glyph or a word, for those who see no colours or asked for none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

from aloma_cli.record.states import STATES

_BLUE, _ORANGE, _GREEN, _RED = "#3498db", "#dd8f00", "#2aa13d", "#c13333"

Item = TypeVar("Item")

DIM = "dim"
"""The grey that every terminal has, on dark and on light ground."""

SHADES = {
    _BLUE: ("38;2;52;152;219", "38;5;68", "36"),
    _ORANGE: ("38;2;221;143;0", "38;5;172", "33"),
    _GREEN: ("38;2;42;161;61", "38;5;35", "32"),
    _RED: ("38;2;193;51;51", "38;5;131", "33"),
}
"""What selects each colour on a terminal with all colours, with 256, and with 16."""

_COLORS = {"blue": _BLUE, "orange": _ORANGE, "green": _GREEN, "red": _RED, "dim": DIM}

_WORDS = {
    "fired": _GREEN,
    "looked": DIM,
    "unsent": _ORANGE,
    "failed": _RED,
    "changed": _BLUE,
    "landed": _BLUE,
    "conflict": _ORANGE,
    "lost": _ORANGE,
    "superseded": _ORANGE,
    **{state.name: _COLORS[state.color] for state in STATES.values()},
}


def style_of(word: str) -> str:
    """The colour of a task's state or of what happened; grey for those without one."""
    return _WORDS.get(word, DIM)


class Glyphs(NamedTuple):
    """The signs of a view. `spinner` are the phases of what runs; `words` maps what happened to its sign."""

    spinner: str
    words: dict[str, str]
    other: str
    tee: str
    corner: str
    bar: str
    log: str
    dot: str
    into: str
    ellipsis: str

    def sign(self, word: str) -> str:
        """The sign of a state or of what happened."""
        return self.words.get(word, self.other)


def branches(items: Sequence[Item], indent: str, glyphs: Glyphs) -> Iterator[tuple[Item, str, str]]:
    """The items of one level of a tree, each with what is before it, and with the indent of what is below it."""
    for number, item in enumerate(items, 1):
        is_last = number == len(items)
        below = " " * len(glyphs.bar) if is_last else glyphs.bar
        yield item, f"{indent}{glyphs.corner if is_last else glyphs.tee}", f"{indent}{below}"


_KINDS = (
    ("fired done", "✓", "+"),
    ("looked", "·", "."),
    ("failed error", "✗", "x"),
    ("conflict lost superseded retry", "↻", "~"),
    ("withdrawn stopped ignored", "−", "-"),
    ("waiting limited", "◷", "o"),
    ("question asking unsettled unknown", "?", "?"),
    ("processing running", "●", "*"),
    ("incomplete", "!", "!"),
    ("changed armed", "»", ">"),
    ("landed", "←", "<"),
    ("notified", "→", ">"),
    ("unsent", "!", "!"),
)


def _kind_words(column: int) -> dict[str, str]:
    return {word: kind[column] for kind in _KINDS for word in kind[0].split()}


UNICODE = Glyphs("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", _kind_words(1), "○", "├ ", "└ ", "│ ", "│", " · ", " › ", "…")
ASCII = Glyphs("|/-\\", _kind_words(2), "o", "|- ", "`- ", "|  ", "|", ", ", " > ", "...")


def glyphs_for(encoding: str | None) -> Glyphs:
    """The signs that a stream with this encoding can carry."""
    name = (encoding or "ascii").lower().replace("-", "").replace("_", "")
    return UNICODE if name in ("utf8", "utf8sig", "utf16", "utf32", "cp65001") else ASCII
