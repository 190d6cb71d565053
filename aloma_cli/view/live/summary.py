"""The block under a run that is over: how it ended, and what each agent did."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from aloma_cli.view.entries import cost_facts, explained
from aloma_cli.view.format import clean, duration, plural, short_count
from aloma_cli.view.live.scrollback import wrapped
from aloma_cli.view.screen import Screen, Tally, Usage
from aloma_cli.view.theme import DIM, Glyphs, style_of
from aloma_cli.view.width import Size, fit

if TYPE_CHECKING:
    from rich.text import Text

_MOST_AGENTS = 20
_MOST_LINES_A_MISS = 3
_LONG = 10.0
_GAP = "  "

_COLUMNS: tuple[tuple[str, Callable[[Tally], str]], ...] = (
    ("fired", lambda tally: _count(tally.fired)),
    ("looked", lambda tally: _count(tally.looked)),
    ("failed", lambda tally: _count(tally.failed)),
    ("voided", lambda tally: _count(tally.voided)),
    ("calls", lambda tally: _count(tally.usage.calls)),
    ("tokens", lambda tally: short_count(tally.usage.tokens) if tally.usage.tokens else ""),
    ("time", lambda tally: duration(tally.seconds)),
)

# What goes first when the terminal is narrow.
_DISPENSABLE = ("voided", "time", "calls", "looked")


def closing_lines(screen: Screen, now: float, size: Size, glyphs: Glyphs) -> list[Text]:
    """The lines of the block, none wider than `size.room`."""
    from rich.text import Text

    lines = [Text(), _headline(screen, now, size.room, glyphs)]
    if screen.rest is not None:
        for text in explained(screen.rest.missing, screen.rest.cycle):
            lines += wrapped([text], "  ", size.room, DIM, _MOST_LINES_A_MISS, glyphs)
    if screen.tallies:
        lines += [Text(), *_table(screen, size.room, glyphs)]
    if screen.usage.calls:
        money = glyphs.dot.join(_money(screen.usage))
        lines += [Text(), fit(Text(f"  {money}"), size.room, glyphs)]
    return [*lines, Text()]


def _headline(screen: Screen, now: float, room: int, glyphs: Glyphs) -> Text:
    from rich.text import Text

    node = screen.node(screen.root or "")
    elapsed, worked = screen.elapsed(now), screen.worked()
    took = f"  in {duration(elapsed)}" if screen.rest is not None else f"  after {duration(elapsed)}"
    if elapsed > _LONG and worked < elapsed / 2:
        took += f" ({duration(worked)} working)"
    sign = Text(f"{glyphs.sign(node.state)} {node.state}", f"bold {style_of(node.state)}")
    line = Text.assemble(sign, _GAP, (node.name, "bold"), took)
    if node.reason:
        line.append(f"{_GAP}{node.reason}")
    line = fit(line, room, glyphs)
    if line.cell_len + 2 + len(node.id) <= room:
        line.append(_GAP + node.id, DIM)
    return line


def _table(screen: Screen, room: int, glyphs: Glyphs) -> list[Text]:
    from rich.text import Text

    agents = sorted(screen.tallies.items(), key=lambda item: -item[1].seconds)
    shown = agents[:_MOST_AGENTS] if len(agents) > _MOST_AGENTS + 1 else agents
    columns = _columns([tally for _, tally in shown], room)
    names = [Text("agent", DIM), *(Text(clean(name)) for name, _ in shown)]
    width = max(5, min(max(name.cell_len for name in names), room - 2 - sum(len(column[0]) + 2 for column in columns)))
    lines = []
    for index, name in enumerate(names):
        line = Text("  ").append_text(fit(name, width, glyphs, pad=True))
        for cells in columns:
            line.append(_GAP + cells[index], "" if index else DIM)
        line.rstrip()
        lines.append(fit(line, room, glyphs))
    if len(agents) > len(shown):
        lines.append(Text(f"  {glyphs.ellipsis} and {len(agents) - len(shown)} more", DIM))
    return lines


def _columns(tallies: list[Tally], room: int) -> list[list[str]]:
    """The columns that have something to say and fit beside a name, each with its title, cells of one width."""
    columns = []
    for title, cell in _COLUMNS:
        cells = [cell(tally) for tally in tallies]
        if title == "fired" or any(cells):
            width = max(len(title), *map(len, cells))
            columns.append([text.rjust(width) for text in (title, *cells)])
    for title in _DISPENSABLE:
        if 2 + 16 + sum(len(column[0]) + 2 for column in columns) > room:
            columns = [column for column in columns if column[0].strip() != title]
    return columns


def _count(number: int) -> str:
    return f"{number:,}" if number else ""


def _money(usage: Usage) -> list[str]:
    """`9 of 9 answers simulated`, or calls, tokens and what they cost."""
    if usage.simulated and usage.simulated == usage.answers:
        return [f"{usage.simulated:,} of {plural(usage.answers, 'answer')} simulated"]
    facts = [plural(usage.calls, "call")]
    if usage.tokens:
        facts.append(f"{usage.input_tokens:,} tokens in, {usage.output_tokens:,} out")
    return [*facts, *cost_facts(usage)]
