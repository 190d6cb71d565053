"""The live region as styled lines: a header, the tree of what runs and waits, a footer with the totals.

A frame depends on the screen, the time and the size alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aloma_cli.record.states import seen
from aloma_cli.view.entries import total_facts
from aloma_cli.view.format import ticking
from aloma_cli.view.live.rows import Row, Rows, count_waiting, visible_rows, waits_for
from aloma_cli.view.live.screen import Screen
from aloma_cli.view.theme import DIM, Glyphs, style_of
from aloma_cli.view.width import Size, fit, flow, last_line, line

if TYPE_CHECKING:
    from rich.text import Text

MOST_LINES = 14
"""The most lines of a region, however high the terminal is."""

_SPINS_PER_SECOND = 8
_TIME = 6
_LEAST_DOING = 12


def frame(screen: Screen, now: float, size: Size, glyphs: Glyphs, *, held: bool = True) -> list[Text]:
    """The lines of the region, each at most `size.room` cells wide, and fewer than `size.height`.

    `held`: whether a process runs the task.
    """
    most = max(1, min(MOST_LINES, size.height - 1))
    header, footer = _header(screen, now, size.room, glyphs, held=held), _footer(screen, size.room, glyphs, held=held)
    limit = most - 2 - len(footer)
    if limit < 1:
        return [header]
    rows = visible_rows(screen, now, limit)
    if rows.more_running or rows.more_waiting:
        rows = visible_rows(screen, now, limit - 1)
    return [line(), header, *_tree_lines(rows, now, size.room, glyphs), *footer]


def _header(screen: Screen, now: float, room: int, glyphs: Glyphs, *, held: bool) -> Text:
    node = screen.node(screen.root or "")
    state = seen(node.state, held=held)
    tail = line(f"  {ticking(screen.elapsed(now))}  ", (state, style_of(state)))
    header = line((f"{glyphs.sign(state)} ", style_of(state)))
    header.append_text(fit(line((node.name, "bold")), max(8, room - tail.cell_len - header.cell_len), glyphs))
    header.append_text(tail)
    note = node.why or ("" if _root_works(screen) else waits_for(node))
    if note and room - header.cell_len >= _LEAST_DOING + 2:
        header.append_text(line((f"  {note}", DIM)))
    if header.cell_len + 2 + len(node.id) <= room:
        header.append_text(line((f"  {node.id}", DIM)))
    return fit(header, room, glyphs)


def _root_works(screen: Screen) -> bool:
    """Whether the root itself has a firing in flight; only the first few are looked at."""
    return any(firing.task == screen.root for firing, _ in zip(screen.running.values(), range(64), strict=False))


def _tree_lines(rows: Rows, now: float, room: int, glyphs: Glyphs) -> list[Text]:
    more = _more_rows(rows)
    labels = [_label(row, now, glyphs, continues=bool(more)) for row in rows.rows]
    widest = max((label.cell_len for label in labels), default=0)
    width = min(widest, max(room // 2, min(24, room - _TIME - 2)))
    if room - width - 2 * 2 - _TIME < _LEAST_DOING:
        width = min(widest, room - _TIME - 2)
    lines = [_row_line(row, label, width, now, room, glyphs) for row, label in zip(rows.rows, labels, strict=True)]
    if more:
        lines.append(fit(line((f"{glyphs.corner}{glyphs.ellipsis} and {more}", DIM)), room, glyphs))
    return lines


def _more_rows(rows: Rows) -> str:
    parts = ((rows.more_running, "running"), (rows.more_waiting, "waiting"))
    return ", ".join(f"{count:,} more {what}" for count, what in parts if count)


def _label(row: Row, now: float, glyphs: Glyphs, *, continues: bool) -> Text:
    # If a line with the number of hidden rows follows, no row at the top is the last.
    last = (row.last[0] and not continues, *row.last[1:])
    stems = "".join(" " * len(glyphs.bar) if done else glyphs.bar for done in last[:-1])
    parts = [(stems + (glyphs.corner if last[-1] else glyphs.tee), DIM)]
    if row.kind == "running":
        parts.append((f"{glyphs.spinner[int(now * _SPINS_PER_SECOND) % len(glyphs.spinner)]} ", style_of("processing")))
    elif row.kind != "task":
        parts.append((f"{glyphs.sign(row.kind)} ", style_of("waiting")))
    for name in row.label[:-1]:
        parts += [(name, DIM), (glyphs.into, DIM)]
    return line(*parts, row.label[-1])


def _row_line(row: Row, label: Text, width: int, now: float, room: int, glyphs: Glyphs) -> Text:
    text = fit(label, width, glyphs, pad=True)
    time = "" if row.since is None else ticking(now - row.since)
    left = room - width - _TIME - 2 * 2
    if left >= _LEAST_DOING:
        doing = row.doing if row.answer is None else last_line(row.answer, left) or row.doing
        text.append_text(line(f"  {time:>{_TIME}}  ", (doing, DIM)))
    else:
        text.append_text(line(f"  {time:>{_TIME}}" if time else f"  {row.doing}"))
    text.rstrip()
    return fit(text, room, glyphs)


def _footer(screen: Screen, room: int, glyphs: Glyphs, *, held: bool) -> list[Text]:
    calling, queued = screen.calls
    calls = ((calling, "calling"), (queued, "queued")) if queued else ()
    counts = ((len(screen.running), "running" if held else "unfinished"), *calls, (count_waiting(screen), "waiting"))
    parts = [f"{count:,} {what}" for count, what in counts if count]
    lines = flow([*parts, *total_facts(screen.total)], room - 2, glyphs, most=2)
    return [fit(line((f"  {text}", DIM)), room, glyphs) for text in lines if text]
