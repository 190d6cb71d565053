"""Texts with places for values: `"Order {event.body.id}"`.

`{event.PATH}` stands for the value at a path of the event. Alone in a text it keeps its type. `{event.PATH?}` may be
missing, and is null, or nothing within a text, then. `{{word}}` is the text `{word}`. Nothing is evaluated.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator

from aloma_cli.document.paths import MISSING, get, parse_path, resolve
from aloma_cli.errors import InputError, did_you_mean
from aloma_cli.jsontext import Json, JsonObject, dumps

ROOT = "event"

_PLACE = re.compile(r"\{(?P<literal>\{[^{}\s:,]*\})\}|\{(?P<path>[A-Za-z_$][^{}\s:,]*)\}")


def check_template(value: Json) -> None:
    """Raise InputError for a place that names no value of an event."""
    for text in _texts(value):
        for place in _PLACE.finditer(text):
            if place["path"] is not None:
                _keys(place["path"])


def fill(value: Json, event: Json) -> Json:
    """A copy of `value` with what the event has at its places. Raises InputError where it has nothing."""
    match value:
        case str():
            return _filled(value, event)
        case list():
            return [fill(item, event) for item in value]
        case dict():
            return {key: fill(item, event) for key, item in value.items()}
    return value


def fill_text(text: str, event: JsonObject) -> str:
    """`text` with what the event has at its places, as text. Raises InputError."""
    return _PLACE.sub(lambda place: place["literal"] or _as_text(_value(place["path"], event)), text)


def _filled(text: str, event: Json) -> Json:
    whole = _PLACE.fullmatch(text)
    if whole is None or whole["path"] is None:
        return fill_text(text, event)
    return copy.deepcopy(_value(whole["path"], event))


def _value(path: str, event: Json) -> Json:
    keys = _keys(path)
    value = get(event, resolve(event, keys))
    if value is not MISSING:
        return value
    if path.endswith("?"):
        return None
    raise InputError(f"the event has nothing at {path}", hint=f"write {{{path}?}} if it may be missing")


def _keys(path: str) -> tuple[str, ...]:
    root, *keys = parse_path(path.removesuffix("?"))
    if root != ROOT:
        hint = did_you_mean(root, [ROOT]) or f"begin with `{ROOT}.`, or write {{{{{path}}}}} for the text itself"
        raise InputError(f"{{{path}}} is not a place of the event", hint=hint)
    return tuple(keys)


def _as_text(value: Json) -> str:
    return value if isinstance(value, str) else "" if value is None else dumps(value)


def _texts(value: Json) -> Iterator[str]:
    """The texts in a value. Raises InputError for a place that YAML read as a mapping."""
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _texts(item)
        case dict():
            for key, item in value.items():
                if item is None and len(value) == 1 and key.partition(".")[0] == ROOT:
                    raise InputError(f"{{{key}}} is a mapping", hint=f'put it in quotes: "{{{key}}}"')
                yield from _texts(item)
