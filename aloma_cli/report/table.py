"""Tables of a page, with the columns and cells of those at a terminal (`view/tables.py`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from aloma_cli.record.figures import Figures
from aloma_cli.report.markup import Markup, join, region, tag, text
from aloma_cli.view.format import duration, money, short_count
from aloma_cli.view.tables import Column
from aloma_cli.view.usage import remarks

_BREAKS = re.compile(r"(?<=[/._])(?=.)", re.DOTALL)
"""Where a long name may be broken."""


def table(columns: Sequence[Column], rows: Iterable[Sequence[Any]], caption: str, *, plain: bool = False) -> Markup:
    """A table that scrolls sideways where a screen is narrow. A dispensable column that is empty is left out.

    `plain`: the caption is only for those who do not see the page, because a heading says the same.
    """
    columns, rows = _filled_columns(columns, [*rows])
    heads = (tag("th", column.title, scope="col", class_=_cell_class(column)) for column in columns)
    body = (
        tag(
            "tr", *(_cell(column, cell, number) for number, (column, cell) in enumerate(zip(columns, row, strict=True)))
        )
        for row in rows
    )
    drawn = tag(
        "table",
        tag("caption", caption, class_="unseen" if plain else None),
        tag("thead", tag("tr", *heads)),
        tag("tbody", *body),
    )
    return region(caption, "wide", drawn)


def tiles(total: Figures, *first: tuple[str, str, str]) -> Markup:
    """Figures in large letters: the name of each, what it is, and more about it in small letters.

    The figures of calls, tokens and cost come last, with remarks about them below.
    """
    tokens = f"{short_count(total.input_tokens)} in, {short_count(total.output_tokens)} out" if total.tokens else ""
    figures = (
        *first,
        ("calls", f"{total.calls:,}", f"{total.failed_calls:,} failed" if total.failed_calls else ""),
        ("tokens", short_count(total.tokens), tokens),
        ("money", money(total.cost) if total.cost else "–", ""),
    )
    drawn = (
        tag("div", tag("dt", name), tag("dd", told, tag("small", more) if more else None))
        for name, told, more in figures
    )
    about = (tag("p", f"{remark}.", class_="about") for remark in remarks(total))
    return join([tag("dl", *drawn, class_="tiles"), *about])


def badge(state: str) -> Markup:
    """A state as a coloured word."""
    return tag("span", state, class_=f"state {state}")


def moment(at: str) -> Markup:
    """A time (ISO 8601), which the script of a page puts into the zone of its reader."""
    return tag("time", f"{at[:10]} {at[11:19]} UTC", datetime=at)


def _filled_columns(columns: Sequence[Column], rows: list[Sequence[Any]]) -> tuple[list[Column], list[list[Any]]]:
    kept = [
        at for at, one in enumerate(columns) if not one.dispensable or any(row[at] not in (None, "") for row in rows)
    ]
    return [columns[at] for at in kept], [[row[at] for at in kept] for row in rows]


def _cell_class(column: Column) -> str | None:
    return {"text": None, "id": "brief", "state": "brief", "time": "brief"}.get(column.kind, "number")


def _cell(column: Column, cell: Any, number: int) -> Markup:
    name = "td" if number else "th"
    return tag(name, _cell_content(column, cell), class_=_cell_class(column), scope=None if number else "row")


def _cell_content(column: Column, cell: Any) -> Markup | str:
    if cell is None or isinstance(cell, Markup):
        return cell or ""
    match column.kind:
        case "count":
            return f"{cell:,}"
        case "money":
            return money(cell)
        case "seconds":
            return duration(cell)
        case "time":
            return moment(cell)
        case "state":
            return badge(cell)
    return Markup("<wbr/>".join(map(text, _BREAKS.split(str(cell)))))
