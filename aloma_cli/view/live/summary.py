"""The block below a finished run: how it ended, and what each step did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aloma_cli.record.states import seen
from aloma_cli.view.entries import explained, spent
from aloma_cli.view.format import duration
from aloma_cli.view.live.screen import Screen
from aloma_cli.view.tables import STEPS, step_row, table_lines
from aloma_cli.view.theme import DIM, Glyphs, style_of
from aloma_cli.view.width import Size, fit, flow, line, wrapped

if TYPE_CHECKING:
    from rich.text import Text

_MOST_STEPS = 20
_MOST_LINES_A_MISS = 3
_LONG = 10.0
_INDENT = "  "


def summary_lines(screen: Screen, now: float, size: Size, glyphs: Glyphs) -> list[Text]:
    """The lines of the block, none wider than `size.room`."""
    lines = [line(), _headline(screen, now, size.room, glyphs)]
    if screen.rest is not None:
        for text in explained(screen.rest.missing, screen.rest.cycle):
            lines += wrapped([text], _INDENT, size.room, DIM, _MOST_LINES_A_MISS, glyphs)
    if screen.figures:
        lines += [line(), *_step_table(screen, size.room, glyphs)]
    if used := spent(screen.total):
        lines += [line(), *(line(f"{_INDENT}{text}") for text in flow(used, size.room - len(_INDENT), glyphs, most=3))]
    return [fit(text, size.room, glyphs) for text in (*lines, line())]


def _headline(screen: Screen, now: float, room: int, glyphs: Glyphs) -> Text:
    node = screen.node(screen.root or "")
    elapsed, worked = screen.elapsed(now), screen.worked()
    took = f"  in {duration(elapsed)}" if screen.rest is not None else f"  after {duration(elapsed)}"
    if elapsed > _LONG and worked < elapsed / 2:
        took += f" ({duration(worked)} working)"
    state = seen(node.state, held=False)
    sign = (f"{glyphs.sign(state)} {state}", f"bold {style_of(state)}")
    headline = line(sign, _INDENT, (node.name, "bold"), took, f"{_INDENT}{node.reason}" if node.reason else "")
    if headline.cell_len + 2 + len(node.id) <= room:
        headline.append_text(line((_INDENT + node.id, DIM)))
    return headline


def _step_table(screen: Screen, room: int, glyphs: Glyphs) -> list[Text]:
    rows = [step_row({"step": step, **figures.to_json()}) for step, figures in screen.figures.items()]
    shown = rows[:_MOST_STEPS] if len(rows) > _MOST_STEPS + 1 else rows
    lines = [line(_INDENT).append_text(text) for text in table_lines(STEPS, shown, room - len(_INDENT), glyphs, 0.0)]
    if len(rows) > len(shown):
        lines.append(line((f"{_INDENT}{glyphs.ellipsis} and {len(rows) - len(shown)} more", DIM)))
    return lines
