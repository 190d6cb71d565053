"""Lists of tasks and steps: columns, colours and "2 hours ago" for people, tabs and exact values for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TextIO

from aloma_cli.clock import Clock, from_iso
from aloma_cli.view.format import ago, clean, data_size, duration, money
from aloma_cli.view.terminal import Ink, size_of, write, write_plain
from aloma_cli.view.theme import DIM, Glyphs, glyphs_for, style_of
from aloma_cli.view.width import fit

if TYPE_CHECKING:
    from rich.text import Text

Kind = Literal["text", "id", "state", "time", "seconds", "count", "size", "money"]

_GAP = 2
_LEAST = 8
_RIGHT = frozenset({"seconds", "count", "size", "money"})


@dataclass(frozen=True, slots=True)
class Column:
    """A column. Its cells are, by `kind`: str or a sequence of them (text), str (id, state), ISO 8601 (time), seconds,
    int (count), bytes (size), US dollars (money); None is empty.

    Where a terminal is narrow, texts are cut; then the last column that is `dispensable` goes, and so on.
    """

    title: str
    kind: Kind = "text"
    dispensable: bool = False


def write_table(
    columns: Sequence[Column],
    rows: Iterable[Sequence[Any]],
    stream: TextIO,
    *,
    environ: Mapping[str, str],
    clock: Clock,
) -> None:
    """Write `rows` to `stream`: aligned below titles on a terminal, else one tab-separated line each, no titles."""
    if stream.isatty():
        _write_aligned(columns, list(rows), stream, environ, clock.now())
        return
    kinds = [column.kind for column in columns]
    write_plain(stream, ("\t".join(map(exact, row, kinds)) for row in rows))


def exact(value: Any, kind: Kind) -> str:
    """A cell for programs: nothing rounded that matters, nothing that breaks the line."""
    match kind:
        case _ if value is None:
            return ""
        case "seconds":
            return f"{value:.3f}"
        case "money":
            return f"{value:.6f}"
        case "count" | "size":
            return str(value)
    return _text(value)


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
    return _text(value)


def _text(value: Any) -> str:
    return clean(value if isinstance(value, str) else ", ".join(map(str, value)))


def _write_aligned(
    columns: Sequence[Column], rows: list[Sequence[Any]], stream: TextIO, environ: Mapping[str, str], now: float
) -> None:
    from rich.text import Text

    if not rows:
        return
    glyphs, room = glyphs_for(stream.encoding), size_of(stream).room
    cells = [[Text(column.title.upper(), DIM) for column in columns]]
    cells += [[_cell(value, column.kind, now) for value, column in zip(row, columns, strict=True)] for row in rows]
    shown = _shown(columns, cells, room)
    columns, cells = [columns[at] for at in shown], [[row[at] for at in shown] for row in cells]
    widths = _widths(columns, cells, room)
    lines = [_line(columns, row, widths, glyphs) for row in cells]
    write(stream, "".join(f"{line}\n" for line in Ink(stream, environ).styled(lines)))


def _cell(value: Any, kind: Kind, now: float) -> Text:
    from rich.text import Text

    text = for_people(value, kind, now)
    return Text(text, style_of(text) if kind == "state" else DIM if kind == "time" else "")


def _shown(columns: Sequence[Column], cells: list[list[Text]], room: int) -> list[int]:
    """The columns that are shown: those with something in them, as many as have room."""
    shown = [at for at in range(len(columns)) if any(row[at].cell_len for row in cells[1:])]
    widths = [max(row[at].cell_len for row in cells) for at in range(len(columns))]
    least = [min(width, _LEAST) if columns[at].kind == "text" else width for at, width in enumerate(widths)]
    while sum(least[at] + _GAP for at in shown) - _GAP > room:
        dispensable = [at for at in shown if columns[at].dispensable]
        if not dispensable:
            break
        shown.remove(dispensable[-1])
    return shown


def _widths(columns: Sequence[Column], cells: list[list[Text]], room: int) -> list[int]:
    """As wide as the widest cell; when that is too much, the widest texts give way first."""
    widths = [max(row[index].cell_len for row in cells) for index in range(len(columns))]
    texts = [index for index, column in enumerate(columns) if column.kind == "text"]
    while texts and sum(widths) + _GAP * (len(widths) - 1) > room:
        widest = max(texts, key=lambda index: widths[index])
        if widths[widest] <= _LEAST:
            break
        widths[widest] -= 1
    return widths


def _line(columns: Sequence[Column], row: list[Text], widths: list[int], glyphs: Glyphs) -> Text:
    from rich.text import Text

    line = Text()
    for column, cell, width in zip(columns, row, widths, strict=True):
        line.append(" " * _GAP if line else "")
        if column.kind in _RIGHT:
            line.append(" " * (width - cell.cell_len))
        line.append_text(fit(cell, width, glyphs, pad=column.kind not in _RIGHT))
    line.rstrip()
    return line
