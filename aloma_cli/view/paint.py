"""Styled texts for a terminal without the library that draws the other views: its import takes as long as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TextIO

from aloma_cli.view.terminal import can_redraw, is_forced
from aloma_cli.view.theme import DIM, SHADES

Part = tuple[str, str]
"""A text, and its style: a colour of the theme, DIM, or "" for none."""

_DEPTHS = {"256color": 1, "kitty": 1}
"""The place in SHADES of the colours that a terminal has, by the end of TERM."""


def paint(lines: Iterable[Iterable[Part]], stream: TextIO, environ: Mapping[str, str]) -> str:
    """The lines as they go to `stream`: in colours if the terminal has them and NO_COLOR is not set."""
    codes = _codes(stream, environ)
    return "".join("".join(_painted(text, codes.get(style)) for text, style in line) + "\n" for line in lines)


def _painted(text: str, code: str | None) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if code and text else text


def _codes(stream: TextIO, environ: Mapping[str, str]) -> dict[str, str]:
    term = environ.get("TERM", "").strip().lower()
    if term in ("dumb", "unknown") or not (can_redraw(stream, environ) or is_forced(environ)):
        return {}
    if environ.get("NO_COLOR"):
        return {DIM: "2"}
    true_color = environ.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit")
    depth = 0 if true_color else _DEPTHS.get(term.rpartition("-")[2], 2)
    return {DIM: "2", **{color: codes[depth] for color, codes in SHADES.items()}}
