"""Tables of tasks and steps: columns, colours and "2 hours ago" for people, tabs and exact values for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TextIO

from aloma_cli.clock import Clock, from_iso
from aloma_cli.view.format import ago, clean, data_size, duration, money, one_line
from aloma_cli.view.paint import Part, paint
from aloma_cli.view.terminal import is_for_people, size_of, write, write_plain
from aloma_cli.view.theme import DIM, Glyphs, glyphs_for, style_of
from aloma_cli.view.width import line

if TYPE_CHECKING:
    from rich.text import Text

Kind = Literal["text", "id", "state", "time", "seconds", "count", "size", "money"]

_GAP = 2
_LEAST = 8
_MORE = "more columns: a wider terminal, or --json"
_RIGHT = frozenset({"seconds", "count", "size", "money"})


class Column(NamedTuple):
    """A column. Its cells are, by `kind`: str or a sequence of them (text), str (id, state), ISO 8601 (time), seconds,
    int (count), bytes (size), US dollars (money); None is empty.

    On a narrow terminal texts are cut; then the last `dispensable` column is left out, and so on.
    """

    title: str
    kind: Kind = "text"
    dispensable: bool = False


STEPS = (
    Column("step"),
    Column("fired", "count"),
    Column("looked", "count", dispensable=True),
    Column("failed", "count"),
    Column("voided", "count", dispensable=True),
    Column("calls", "count", dispensable=True),
    Column("tokens", "count"),
    Column("time", "seconds", dispensable=True),
)
"""The figures of steps, as `step_row` gives them."""


def step_row(figures: Mapping[str, Any]) -> list[Any]:
    """One of the `steps` of a task's record as cells of STEPS."""
    counts = (figures[name] for name in ("fired", "looked", "failed", "voided", "calls"))
    tokens = figures["input_tokens"] + figures["output_tokens"]
    return [figures["step"], *(count or None for count in (*counts, tokens)), figures["seconds"]]


def write_table(
    columns: Sequence[Column],
    rows: Iterable[Sequence[Any]],
    stream: TextIO,
    *,
    environ: Mapping[str, str],
    clock: Clock,
    write: Callable[[TextIO, str], None] = write,
) -> None:
    """Write `rows` to `stream`: for people by `write`, aligned below titles; else one tab-separated line each."""
    if is_for_people(stream, environ):
        size, glyphs = size_of(stream), glyphs_for(stream.encoding)
        write(stream, paint(_laid_out(columns, list(rows), size.room, glyphs, clock.now(), _MORE), stream, environ))
    else:
        kinds = [column.kind for column in columns]
        write_plain(stream, ("\t".join(map(exact, row, kinds)) for row in rows))


def exact(value: Any, kind: Kind) -> str:
    """A cell for programs: not rounded where it matters, on one line."""
    match kind:
        case _ if value is None:
            return ""
        case "seconds":
            return f"{value:.3f}"
        case "money":
            return f"{value:.6f}"
        case "count" | "size":
            return str(value)
    return _cell_text(value)


def for_people(value: Any, kind: Kind, now: float) -> str:
    """A cell for people; `now` is in seconds since 1970."""
    match kind:
        case _ if value is None:
            return ""
        case "time":
            return ago(now - from_iso(value))
        case "seconds":
            return duration(value)
        case "money":
            return money(value)
        case "count":
            return f"{value:,}"
        case "size":
            return data_size(value)
    return _cell_text(value)


def _cell_text(value: Any) -> str:
    return clean(value if isinstance(value, str) else ", ".join(map(str, value)))


def table_lines(
    columns: Sequence[Column], rows: Sequence[Sequence[Any]], room: int, glyphs: Glyphs, now: float
) -> list[Text]:
    """The rows below their titles, in `room` cells; empty columns are left out."""
    return [line(*parts) for parts in _laid_out(columns, rows, room, glyphs, now)]


def _laid_out(
    columns: Sequence[Column],
    rows: Sequence[Sequence[Any]],
    room: int,
    glyphs: Glyphs,
    now: float,
    more: str | None = None,
) -> list[list[Part]]:
    """The lines of a table. `more` says where columns do not fit."""
    if not rows:
        return []
    cells = [[(column.title.upper(), DIM) for column in columns]]
    cells += [[_cell(value, column.kind, now) for value, column in zip(row, columns, strict=True)] for row in rows]
    filled = [at for at in range(len(columns)) if any(row[at][0] for row in cells[1:])]
    shown = _fitting(columns, cells, filled, room)
    columns, cells = [columns[at] for at in shown], [[row[at] for at in shown] for row in cells]
    widths = _widths(columns, cells, room)
    lines = [_row_line(columns, row, widths, glyphs) for row in cells]
    if more is not None and len(shown) < len(filled):
        lines.append(_fit((f"{glyphs.ellipsis} {more}", DIM), room, glyphs))
    return lines


def _cell(value: Any, kind: Kind, now: float) -> Part:
    text = one_line(for_people(value, kind, now))
    return text, style_of(text) if kind == "state" else DIM if kind == "time" else ""


def _width(cell: Part) -> int:
    if cell[0].isascii():  # as nearly all are, and the library takes as long to import as a table to draw
        return len(cell[0])
    from rich.cells import cell_len

    return cell_len(cell[0])


def _fitting(columns: Sequence[Column], cells: list[list[Part]], filled: Sequence[int], room: int) -> list[int]:
    """Of the columns that have something in them (`filled`) as many as fit."""
    shown = [*filled]
    widths = [max(_width(row[at]) for row in cells) for at in range(len(columns))]
    least = [min(width, _LEAST) if columns[at].kind == "text" else width for at, width in enumerate(widths)]
    while sum(least[at] + _GAP for at in shown) - _GAP > room:
        dispensable = [at for at in shown if columns[at].dispensable]
        if not dispensable:
            break
        shown.remove(dispensable[-1])
    return shown


def _widths(columns: Sequence[Column], cells: list[list[Part]], room: int) -> list[int]:
    """As wide as the widest cell; if that is too much, the widest texts are cut first."""
    widths = [max(_width(row[index]) for row in cells) for index in range(len(columns))]
    texts = [index for index, column in enumerate(columns) if column.kind == "text"]
    while texts and sum(widths) + _GAP * (len(widths) - 1) > room:
        widest = max(texts, key=lambda index: widths[index])
        if widths[widest] <= _LEAST:
            break
        widths[widest] -= 1
    return widths


def _row_line(columns: Sequence[Column], row: list[Part], widths: list[int], glyphs: Glyphs) -> list[Part]:
    parts: list[Part] = []
    gap = 0
    for column, cell, width in zip(columns, row, widths, strict=True):
        missing = max(0, width - _width(cell))
        before, after = (missing, 0) if column.kind in _RIGHT else (0, missing)
        parts += [(" " * (gap + before), ""), *_fit(cell, width, glyphs)]
        gap = _GAP + after
    return parts[: next((at for at in range(len(parts), 0, -1) if parts[at - 1][0].strip()), 0)]


def _fit(cell: Part, width: int, glyphs: Glyphs) -> list[Part]:
    """A cell in at most `width` cells of a terminal: cut with an ellipsis."""
    if _width(cell) <= width:
        return [cell]
    from rich.cells import set_cell_size

    ellipsis = glyphs.ellipsis[: max(0, width)]
    return [(set_cell_size(cell[0], max(0, width - len(ellipsis))), cell[1]), (ellipsis, "")]
