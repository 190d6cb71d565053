"""Tables are painted as the library paints all other views."""

from __future__ import annotations

import io
from typing import TextIO

import pytest
from rich.style import Style

from aloma_cli.record.states import STATES
from aloma_cli.view.paint import Part, paint
from aloma_cli.view.terminal import Canvas, Ink
from aloma_cli.view.theme import DIM, style_of
from aloma_cli.view.width import line

LINES: list[list[Part]] = [[("  ", ""), ("TITLE", DIM), (" a [b]text[/b] 日本 :smile: 12 ", "")], []]
LINES += [[(name, style_of(name)), (" ", "")] for name in STATES]

ENVIRONS: tuple[dict[str, str], ...] = (
    {},
    {"TERM": "xterm"},
    {"TERM": "xterm-256color"},
    {"TERM": "xterm-kitty"},
    {"TERM": "xterm-256color", "COLORTERM": "truecolor"},
    {"TERM": "xterm-256color", "COLORTERM": " 24BIT"},
    {"TERM": "xterm-256color", "NO_COLOR": "1"},
    {"TERM": "xterm-256color", "NO_COLOR": ""},
    {"TERM": "dumb", "COLORTERM": "truecolor"},
    {"TERM": "Unknown", "FORCE_COLOR": "1"},
    {"TERM": "xterm", "FORCE_COLOR": "1"},
    {"TERM": "xterm", "CLICOLOR_FORCE": "1", "NO_COLOR": "1"},
    {"TERM": "xterm", "TTY_COMPATIBLE": "0"},
)


@pytest.mark.parametrize("environ", ENVIRONS, ids=str)
@pytest.mark.parametrize("stream", [Canvas(), io.StringIO()], ids=["terminal", "pipe"])
def test_a_line_is_painted_as_the_library_paints_it(stream: TextIO, environ: dict[str, str]) -> None:
    for kept in (Style.parse, Style._add):  # a style keeps the codes of the first terminal that it was drawn on
        kept.cache_clear()
    inked = Ink(stream, environ).styled([line(*parts) for parts in LINES])
    assert paint(LINES, stream, environ).splitlines() == inked
