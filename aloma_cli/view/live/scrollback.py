"""What goes to the scrollback: each finished firing on a line of its own, its error and its log lines below it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from aloma_cli.jsontext import cut
from aloma_cli.view.entries import Entry, Firing, facts, leveled, text
from aloma_cli.view.format import LONGEST, bounded, clean, clean_lines, duration
from aloma_cli.view.theme import DIM, Glyphs, style_of
from aloma_cli.view.width import fit, flow, line, wrapped

if TYPE_CHECKING:
    from rich.text import Text

_TIME = 6
_LEAST_CHANGES = 24
_MOST_ERROR_LINES = 5
_MOST_LOG_LINES = 3


def scrolled_lines(entry: Entry, room: int, glyphs: Glyphs) -> list[Text]:
    """The lines of `entry`, and below them what its firing logged."""
    logs = _firing_logs(entry.firing, room, glyphs) if entry.firing is not None else ()
    return [*entry_lines(entry, room, glyphs), *(fit(text, room, glyphs) for text in logs)]


def entry_lines(entry: Entry, room: int, glyphs: Glyphs, margin: str = "", indent: str = "    ") -> list[Text]:
    """The lines that show `entry`, none wider than `room`: the first after `margin`, the others after `indent`."""
    from rich.cells import cell_len

    first = line((margin, DIM)).append_text(_who(entry, room - len(margin), glyphs))
    told = bounded(text(entry)).strip()
    said, error = _facts(entry, left := room - first.cell_len - 2, glyphs), clean(told)
    error_fits = "\n" not in told and cell_len(f"{said}{glyphs.dot}{error}") <= left
    if error and error_fits:
        said = glyphs.dot.join(filter(None, (said, error)))
    below: list[Text] = []
    if cell_len(said) <= left:
        first.append_text(line((f"  {said}" if said else "", DIM)))
    else:
        below.append(line((f"{indent}{_facts(entry, room - len(indent), glyphs)}", DIM)))
    if told and not error_fits:
        below += wrapped(clean_lines(told), indent, room, style_of(entry.word), _MOST_ERROR_LINES, glyphs)
    return [fit(shown, room, glyphs) for shown in (first, *below)]


def _who(entry: Entry, room: int, glyphs: Glyphs) -> Text:
    """The sign, the step, its subtask, and the seconds, in columns as long as names are short."""
    who = line(
        (f"{glyphs.sign(entry.word)} ", style_of(entry.word)),
        (entry.step or entry.task or entry.word, DIM if entry.word == "looked" else ""),
        (f"  {entry.task}" if entry.step and entry.task is not None else "", DIM),
    )
    column = max(14, min(38, room * 2 // 5))
    who = fit(who, max(column, min(who.cell_len, room - _TIME - 2)), glyphs, pad=True)
    return who.append(f"  {'' if entry.seconds is None else duration(entry.seconds):>{_TIME}}")


def _facts(entry: Entry, width: int, glyphs: Glyphs) -> str:
    """The changes and the other facts, in `width` cells: the most important first, and whole ones only."""
    changed, said = entry.changed, [clean(cut(fact, LONGEST)) for fact in facts(entry)]
    hidden = entry.word in ("fired", "failed", "changed") or not (entry.step or entry.task)
    parts = [*([] if hidden else [entry.word]), *said]
    if changed:
        room = max(_LEAST_CHANGES, width - len(glyphs.dot.join(("", *parts))))
        at = sum(part.startswith("asks ") for part in parts)
        parts.insert(at, clean(changed.fitting(min(room, width), glyphs.ellipsis)))
    return flow(parts, width, glyphs, most=1)[0]


def _firing_logs(firing: Firing, room: int, glyphs: Glyphs) -> Iterator[Text]:
    earlier = firing.logged - sum(count for _, _, count in firing.logs)
    if earlier:
        yield line((f"  {glyphs.log} {glyphs.ellipsis} {earlier:,} earlier lines", DIM))
    yield from log_lines(firing.logs, f"  {glyphs.log} ", room, _MOST_LOG_LINES, glyphs)


def folded(logs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str, int]]:
    """(level, text, how many times) of log lines that repeat one after the other."""
    return ((level, said, sum(1 for _ in same)) for (level, said), same in groupby(logs))


def log_lines(
    logs: Iterable[tuple[str, str, int]], indent: str, room: int, most: int, glyphs: Glyphs
) -> Iterator[Text]:
    """The lines of a log, at most `most` for each text; `logs` as `folded` gives them."""
    for level, said, count in logs:
        style = {"warning": style_of("waiting"), "error": style_of("error")}.get(level, DIM)
        yield from wrapped(leveled(level, bounded(said)), indent, room, style, most, glyphs)
        if count > 1:
            yield line((f"{indent}{glyphs.ellipsis} {count - 1:,} more like this", DIM))
