"""Strict JSON: what is read is what was meant, and what is written every other reader understands.

`json` alone accepts NaN, lets the last of two equal keys win and recurses as deep as the interpreter allows. Here
all of that is refused, with the place.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, TypeAlias

Json: TypeAlias = Any
"""A JSON value: None, bool, int, float, str, a list of them, or a dict from str to them."""

JsonObject: TypeAlias = dict[str, Any]

Path: TypeAlias = tuple[str | int, ...]
"""The place of a value: keys of objects (str) and positions in lists (int), from the root."""

MAX_DEPTH = 128
"""How deep objects and lists may nest; every Python and every other JSON library can read that."""

_KINDS = {"str": "string", "dict": "object"}
_SURROGATE = re.compile("[\ud800-\udfff]")
_PLAIN_KEY = re.compile(r"[^.\s\[\]\"]+")


class JsonError(ValueError):
    """A text is not JSON, or a value cannot be written as JSON; the message says what and where."""


def loads(text: str | bytes) -> Json:
    """Parse `text`, refusing what is not interchangeable JSON.

    Raises JsonError for syntax (with line and column), duplicate keys, NaN and infinities, numbers too large for a
    float, lone surrogates, nesting over MAX_DEPTH, and bytes that are not UTF-8.
    """
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise JsonError(f"not UTF-8: byte {error.start} is 0x{text[error.start]:02x}") from None
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_finite_float)
    except json.JSONDecodeError as error:
        raise JsonError(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise JsonError(f"nested deeper than {MAX_DEPTH} levels") from None
    except JsonError:
        raise
    except ValueError as error:  # an integer with more digits than Python converts
        raise JsonError(str(error).partition(";")[0]) from None
    _check(value)
    return value


def dumps(value: Json) -> str:
    """`value` in one line without spare spaces. Raises JsonError for what is not JSON."""
    return _dump(value, indent=None, separators=(",", ":"))


def pretty(value: Json) -> str:
    """`value` indented by two spaces, for people. Raises JsonError for what is not JSON."""
    return _dump(value, indent=2, separators=None)


def show_path(path: Path) -> str:
    """A path as people write it: `a.b.0.c`; keys that would be ambiguous are quoted; the root is `(document)`."""
    return ".".join(_show_key(key) for key in path) or "(document)"


def kind_of(value: object) -> str:
    """The JSON name of a value's kind, or its Python type's name where it has none."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return _KINDS.get(type(value).__name__, type(value).__name__)


def _show_key(key: str | int) -> str:
    if isinstance(key, int) or _PLAIN_KEY.fullmatch(key):
        return str(key)
    return json.dumps(key, ensure_ascii=False)


def _dump(value: Json, *, indent: int | None, separators: tuple[str, str] | None) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent, separators=separators)
    except (TypeError, ValueError, RecursionError) as error:
        raise JsonError(str(error)) from None
    # Lone surrogates cannot be encoded as UTF-8; JSON's own escape can say them.
    return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _object(pairs: list[tuple[str, Json]]) -> JsonObject:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise JsonError(f"the key {json.dumps(twice)} stands twice in one object")
    return result


def _refuse_constant(name: str) -> None:
    raise JsonError(f"{name} is not JSON")


def _finite_float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise JsonError(f"the number {text} is too large")
    return number


def _check(value: Json) -> None:
    """Refuse what the parser let through: depth and lone surrogates."""
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH and any(isinstance(item, dict | list) for item in level):
            raise JsonError(f"nested deeper than {MAX_DEPTH} levels")
        below: list[Json] = []
        for item in level:
            if isinstance(item, str):
                _refuse_surrogate(item)
            elif isinstance(item, dict):
                for key in item:
                    _refuse_surrogate(key)
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        level = below


def _refuse_surrogate(text: str) -> None:
    if not text.isascii() and _SURROGATE.search(text):
        raise JsonError(f"{json.dumps(text)[:60]} holds half of a surrogate pair")
