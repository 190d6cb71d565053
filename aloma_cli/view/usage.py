"""Tables of calls, tokens and cost, with remarks below them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from aloma_cli.record.figures import Figures
from aloma_cli.view.format import plural
from aloma_cli.view.tables import Column

COLUMNS = (
    Column("calls", "count"),
    Column("failed", "count", dispensable=True),
    Column("input", "count"),
    Column("cached", "count", dispensable=True),
    Column("output", "count"),
    Column("thoughts", "count", dispensable=True),
    Column("cost", "money"),
)
"""What calls took, as `cells` gives it."""


def cells(figures: Figures) -> list[Any]:
    """The cells of COLUMNS; the cost is empty if there is none, or no price is known."""
    counts = (figures.calls, figures.failed_calls, figures.input_tokens, figures.cached_tokens, figures.output_tokens)
    known = bool(figures.cost) or (bool(figures.tokens) and not figures.unpriced)
    return [*(count or None for count in (*counts, figures.reasoning_tokens)), figures.cost if known else None]


def remarks(total: Figures) -> Iterable[str]:
    """What the figures do not show: unknown prices, tokens that were not counted, simulated answers."""
    if total.unpriced:
        yield f"without the price of {plural(total.unpriced, 'call')}, which is unknown"
    if total.estimated:
        yield f"the tokens of {plural(total.estimated, 'call')} are estimated, because the server did not count them"
    if total.simulated:
        yield f"{plural(total.simulated, 'answer')} simulated"


def with_total(rows: Sequence[list[Any]], total: Figures) -> list[list[Any]]:
    """`rows` and, if there are several, a row with the total; its first cell says so, and further names are empty."""
    if len(rows) < 2:
        return list(rows)
    return [*rows, ["total", *[None] * (len(rows[0]) - 1 - len(COLUMNS)), *cells(total)]]
