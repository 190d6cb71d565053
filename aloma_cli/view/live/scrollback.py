"""What goes to the scrollback: each finished firing on a line of its own, its error and its log lines below it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import TYPE_CHECKING

from aloma_cli.jsontext import cut
from aloma_cli.view.entries import Entry
from aloma_cli.view.format import LONGEST, bounded, clean, clean_lines, duration
from aloma_cli.view.screen import Firing
from aloma_cli.view.theme import DIM, Glyphs, style_of
from aloma_cli.view.width import Size, fit, flow

if TYPE_CHECKING:
    from rich.text import Text

_TIME = 6
_INDENT = "    "
_LEAST_FACTS = 16
_LEAST_CHANGES = 24
_MOST_ERROR_LINES = 5
_MOST_LOG_LINES = 3


def entry_lines(entry: Entry, size: Size, glyphs: Glyphs) -> list[Text]:
    """The lines that tell `entry`, none wider than `size.room`."""
    from rich.text import Text

    room, told = size.room, bounded(entry.text)
    line = _who(entry, room, glyphs)
    facts, error = _facts(entry, left := room - line.cell_len - 2, glyphs), clean(told)
    error_fits = len(facts) + len(glyphs.dot) + len(error) <= left and "\n" not in told
    if error and error_fits:
        facts = glyphs.dot.join(part for part in (facts, error) if part)
    below: list[Text] = []
    if facts and left >= min(_LEAST_FACTS, len(facts)):
        line.append(f"  {facts}", DIM)
    elif facts:
        below.append(Text(f"{_INDENT}{_facts(entry, room - len(_INDENT), glyphs)}", DIM))
    if told and not error_fits:
        below += wrapped(clean_lines(told), _INDENT, room, style_of(entry.word), _MOST_ERROR_LINES, glyphs)
    if entry.firing is not None:
        below += _log_lines(entry.firing, room, glyphs)
    return [fit(text, room, glyphs) for text in (line, *below)]


def _who(entry: Entry, room: int, glyphs: Glyphs) -> Text:
    """The sign, the step, the subtask it ran in, and the time it took, in columns as long as names are short."""
    from rich.text import Text

    who = Text.assemble((f"{glyphs.sign(entry.word)} ", style_of(entry.word)))
    who.append(clean(entry.step or entry.task or entry.word), DIM if entry.word == "looked" else "")
    if entry.step and entry.task is not None:
        who.append(f"  {entry.task}", DIM)
    column = max(14, min(38, room * 2 // 5))
    who = fit(who, max(column, min(who.cell_len, room - _TIME - 2)), glyphs, pad=True)
    who.append(f"  {'' if entry.seconds is None else duration(entry.seconds):>{_TIME}}")
    return who


def _facts(entry: Entry, width: int, glyphs: Glyphs) -> str:
    """The changed places and the other facts, in `width` cells: the most telling first, and whole ones only."""
    untold = entry.word in ("fired", "failed", "changed") or not (entry.step or entry.task)
    word = () if untold else (entry.word,)
    changed: tuple[str, ...] = ()
    if entry.changed:
        room = max(_LEAST_CHANGES, width - len(glyphs.dot.join(("", *word, *entry.facts))))
        changed = (entry.changed.fitting(min(room, width), glyphs.ellipsis),)
    facts = (cut(fact, LONGEST) for fact in entry.facts)
    return flow((*word, *changed, *facts), width, glyphs, most=1)[0]


def _log_lines(firing: Firing, room: int, glyphs: Glyphs) -> Iterator[Text]:
    from rich.text import Text

    indent = f"  {glyphs.log} "
    dropped = firing.logged - len(firing.logs)
    if dropped:
        yield Text(f"{indent}{glyphs.ellipsis} {dropped:,} earlier lines", DIM)
    for level, text in firing.logs:
        style = {"warning": style_of("waiting"), "error": style_of("error")}.get(level, DIM)
        yield from wrapped(clean_lines(bounded(text)), indent, room, style, _MOST_LOG_LINES, glyphs)


def wrapped(lines: Iterable[str], indent: str, room: int, style: str, most: int, glyphs: Glyphs) -> list[Text]:
    """`lines` broken at words, the first `most` of them; the last tells that there is more."""
    from rich.text import Text

    broken = [part for line in lines for part in _broken(line, max(8, room - len(indent)))]
    shown = [Text.assemble((indent, DIM), (part, style)) for part in broken[:most]]
    if len(broken) > most:
        shown[-1].append(f" {glyphs.ellipsis}", style)
    return shown


def _broken(line: str, width: int) -> list[str]:
    """`line` in pieces of at most `width` cells: `wrap` knows words, but takes every character for one cell."""
    from rich.cells import chop_cells

    return [piece for part in wrap(line, width) for piece in chop_cells(part, width)] or [""]
