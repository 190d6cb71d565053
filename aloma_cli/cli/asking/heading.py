"""What a person is shown of a question before they answer it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from aloma_cli.clock import from_iso
from aloma_cli.document.stash import hide_stash
from aloma_cli.forms.read import shown
from aloma_cli.jsontext import Json, JsonObject, cut, dumps
from aloma_cli.view.format import ago, clean, clean_lines, duration

_MOST_LINES = 30
_LONGEST_VALUE = 2000


def heading(asked: JsonObject, name: str, now: float) -> list[str]:
    """The lines for an open question of a record. `name`: of its task."""
    about = [clean(name), asked["task"]]
    if asked.get("asked_at"):
        about.append(f"asked {ago(now - from_iso(asked['asked_at']))}")
    if asked.get("step"):
        about.append(f"by {clean(asked['step'])}")
    deadline = (f"  {line}" for line in _deadline(asked, now))
    return [f"? {clean(asked['question'])}", f"  {', '.join(about)}", *_context(asked.get("context")), *deadline]


def _context(context: Json) -> list[str]:
    """A text as it is, an object with a line for each of its values."""
    lines = [f"  {line}" for line in _told(hide_stash(context))]
    more = len(lines) - _MOST_LINES
    return [*lines[:_MOST_LINES], f"  … {more:,} more lines"] if more > 0 else lines


def _told(context: Json) -> Iterator[str]:
    if isinstance(context, dict):
        for key, value in context.items():
            first, *more = _lines(value)
            yield f"{clean(key)}: {first}"
            yield from (f"  {line}" for line in more)
    elif context is not None:
        yield from _lines(context)


def _lines(value: Json) -> list[str]:
    return clean_lines(cut(value if isinstance(value, str) else dumps(value), _LONGEST_VALUE))


def _deadline(asked: JsonObject, now: float) -> Iterator[str]:
    until = asked.get("until")
    if until is not None:
        left = from_iso(until) - now
        at = datetime.fromtimestamp(from_iso(until)).astimezone().strftime("%Y-%m-%d %H:%M")
        when = f"until {at} (for {duration(left)} more)" if left > 0 else "by now"
        yield f"without an answer {when}: {clean(shown(asked.get('default')))}"
