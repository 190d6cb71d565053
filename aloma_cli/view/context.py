"""What a person has to know to answer a question, as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from aloma_cli.document.stash import hide_stash
from aloma_cli.jsontext import Json, cut, text_or_json
from aloma_cli.view.format import clean, clean_lines

_MOST_LINES = 30
_LONGEST_VALUE = 2000


def context_lines(context: Json) -> list[str]:
    """A text as it is, an object with a line for each of its values; none for null."""
    lines = list(_told(hide_stash(context)))
    more = len(lines) - _MOST_LINES
    return [*lines[:_MOST_LINES], f"… {more:,} more lines"] if more > 0 else lines


def _told(context: Json) -> Iterator[str]:
    if isinstance(context, dict):
        for key, value in context.items():
            first, *more = _lines(value)
            yield f"{clean(key)}: {first}"
            yield from (f"  {line}" for line in more)
    elif context is not None:
        yield from _lines(context)


def _lines(value: Json) -> list[str]:
    return clean_lines(cut(text_or_json(value), _LONGEST_VALUE))
