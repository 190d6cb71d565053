"""What a prompt says in its `Label: value` lines, and what of it changes from run to run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from aloma_cli.jsontext import Json, JsonObject, Path, cut, show_path

_LABEL = re.compile(r"^[ \t]*(?:[-*][ \t]+)?([A-Z][\w ()/&'-]{0,59}):(?=[\s{\[]|$)[ \t]*", re.MULTILINE)
_VOLATILE = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"  # a time
    r"|(?<!\d)1\d{12}(?!\d)"  # milliseconds since 1970, as in coord_1790000000000
    r"|(?<![0-9a-z])0[0-9a-hjkmnp-tv-z]{15}(?:\.\d+)*(?![0-9a-z])"  # the id of a task
)
_MOST_FACTS = 50
_LONGEST_VALUE = 80


def steady(text: str) -> str:
    """`text` with times and ids of tasks made equal, so that it is the same in every run."""
    return _VOLATILE.sub("~", text)


def facts(messages: Sequence[JsonObject]) -> list[str]:
    """The `Label = value` and `Label.path = value` of the user's messages that are the same in every run."""
    found: list[str] = []
    for message in messages:
        if message.get("role") == "user":
            found += [fact for fact in _facts_of(text_of(message)) if steady(fact) == fact]
    return found[:_MOST_FACTS]


def text_of(message: JsonObject) -> str:
    """The text of a message, whose content may be a list of parts."""
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(str(part["text"]) for part in content if isinstance(part, dict) and "text" in part)
    return content if isinstance(content, str) else ""


def _facts_of(text: str) -> Iterator[str]:
    position = 0
    while label := _LABEL.search(text, position):
        value, position = _value_at(text, label.end())
        for path, leaf in _leaves(value, ()):
            yield f"{_place(label[1], path)} = {leaf}"


def _value_at(text: str, start: int) -> tuple[Json, int]:
    """The value behind a label, and where it ends: JSON over any number of lines, or the rest of the line."""
    first = start + len(text[start:]) - len(text[start:].lstrip())
    if text[first : first + 1] in {"{", "["}:
        try:
            return json.JSONDecoder().raw_decode(text, first)
        except (ValueError, RecursionError):
            pass
    end = text.find("\n", start)
    end = len(text) if end < 0 else end
    return text[start:end].strip(), end


def _leaves(value: Json, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from _leaves(item, (*path, key))
    elif value not in ("", None):
        text = value if isinstance(value, str) else json.dumps(value)
        yield path, cut(" ".join(text.split()), _LONGEST_VALUE)


def _place(label: str, path: Path) -> str:
    return f"{label}.{show_path(path)}" if path else label
