"""Values to try where a condition wants something: one of each kind that its operators can tell apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from aloma_cli.condition.nodes import Leaf, tried
from aloma_cli.document.paths import MISSING
from aloma_cli.jsontext import Json, is_number

_PLAIN: tuple[Any, ...] = (MISSING, True, False, 1, 0, "text", None, [], {}, "", -1, 2, 0.5)
_STRANGE: tuple[Any, ...] = (
    "a",
    "b",
    "A",
    "0",
    "_",
    "-",
    " ",
    "\n",
    "z",
    "é",
    "text 2",
    "text 3",
    [None],
    [1],
    {"key": 1},
    [[]],
)


def likely(leaves: Iterable[Leaf]) -> Iterator[Any]:
    """The values that leaves tell to try, and a plain one of each kind. MISSING stands for no value."""
    yield from tried(leaves)
    yield from _PLAIN


def others(leaves: Iterable[Leaf]) -> Iterator[Any]:
    """More values; in each gap between bounds and excluded values lies one."""
    found = [*tried(leaves)]
    yield from _numbers([value for value in found if is_number(value)])
    yield from _near_texts([value for value in found if isinstance(value, str)])
    yield from ([value] for value in found)
    yield from _STRANGE


def _numbers(bounds: list[Any]) -> Iterator[Json]:
    """For each gap between the numbers one that is in it."""
    ordered = sorted(bounds)
    for bound in ordered:
        yield from (bound + 1, bound - 1)
    yield from (_middle(low, high) for low, high in pairwise(ordered))
    if ordered:
        yield from (ordered[-1] * 2 + 1, -abs(ordered[0]) * 2 - 1)


def _middle(low: Any, high: Any) -> Json:
    if isinstance(low, int) and isinstance(high, int):
        return (low + high) // 2 if high - low > 1 else low + 0.5
    return low + (high - low) / 2


def _near_texts(texts: list[str]) -> Iterator[str]:
    """For each string one just above and one just below, and what two of them make together."""
    for text in texts:
        yield from (f"{text}a", f"{text} 2", text[:-1], f"{text}\x00")
        if text and ord(text[-1]) > 1:
            yield f"{text[:-1]}{chr(ord(text[-1]) - 1)}"
    short = texts[:6]
    yield from (f"{one}{other}" for one in short for other in short if one != other)
