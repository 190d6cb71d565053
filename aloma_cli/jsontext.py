"""Strict JSON: unambiguous to read, and readable by every other program once written.

`json` alone accepts NaN, duplicate keys, and any depth that the interpreter allows. This module refuses them, with
their path.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from json import encoder
from typing import Any, TypeAlias, TypeGuard

Json: TypeAlias = Any
"""A JSON value: None, bool, int, float, str, a list of them, or a dict from str to them."""

JsonObject: TypeAlias = dict[str, Any]

Path: TypeAlias = tuple[str | int, ...]
"""The path of a value from the root: keys of objects (str) and positions in lists (int)."""

MAX_DEPTH = 128
"""The maximum depth of objects and lists, which every JSON library can read."""

LONGEST_INTEGER = 4300
"""The maximum number of digits of an integer; Python does not convert longer ones."""

KINDS: dict[type, str] = {str: "string", bool: "boolean", int: "number", float: "number", list: "list", dict: "object"}
"""What messages call the types of JSON; null aside."""

# Texts, because few commands need any of them: `re` compiles one when it is first used.
_SURROGATE = "[\ud800-\udfff]"
_PLAIN_KEY = r"[^.=\s\[\]\"]+"

UNSAFE = "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
"""Control characters, what turns the direction of writing, and halves of surrogate pairs."""

_NUMBERS = (int, float)
_PATH_SHOWN = 3
_TEXT_SHOWN = 60


class JsonError(ValueError):
    """A text is not JSON, or a value cannot be written as JSON; the message has the reason and the path."""


class JsonSyntaxError(JsonError):
    """A text is not JSON at all; most likely it is plain text."""


def loads(text: str | bytes, *, depth: int = MAX_DEPTH) -> Json:
    """Parse `text`, refusing JSON that other programs may read differently.

    Raises JsonSyntaxError (with line and column), and JsonError, with the path, for duplicate keys, NaN and
    infinities, numbers that are too large, lone surrogates, nesting over `depth`, and bytes that are not UTF-8.
    """
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise JsonError(f"not UTF-8: byte {error.start} is 0x{text[error.start]:02x}") from None
    try:
        value = _parse(text)
    except json.JSONDecodeError as error:
        raise JsonSyntaxError(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise JsonError(f"nested deeper than {depth} levels") from None
    _check_json(value, depth)
    return value


def reload(text: str | bytes) -> Json:
    """Parse the output of `dumps` or `pretty` without further checks. Raises JsonError if it is damaged."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise JsonError(str(error)) from None


def reload_line(text: str) -> Json:
    """As `reload`, for a text without space around it: a record has very many."""
    try:
        value, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError) as error:
        raise JsonError(str(error)) from None
    if end != len(text):
        raise JsonError(f"unexpected text after character {end}")
    return value


_DECODER = json.JSONDecoder()


def dumps(value: Json, write: Callable[[Any], str] | None = None) -> str:
    """`value` on one line without extra spaces, or as `write` writes it. Raises JsonError if it is not JSON."""
    try:
        text = (write or one_line)(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise JsonError(str(error)) from None
    return text if text.isascii() else escape_surrogates(text)


def pretty(value: Json) -> str:
    """`value` indented by two spaces, for people. Raises JsonError if it is not JSON."""
    return dumps(value, _INDENTED)


def show_path(path: Path) -> str:
    """A path as people write it: `a.b.0.c`; the root is `(document)`. Ambiguous or invisible keys are quoted."""
    return ".".join(_show_key(key) for key in path) or "(document)"


def cut(text: str, most: int) -> str:
    """`text`, shortened to `most` characters with an ellipsis."""
    return text if len(text) <= most else text[: max(0, most - 1)] + "…"


def printable(text: str) -> str:
    """`text` with a sign in place of every character that a terminal would obey."""
    return re.sub(UNSAFE, "\ufffd", text)


def kind_of(value: object) -> str:
    """What messages call the type of a value: its JSON type, else its Python type."""
    if value is None:
        return "null"
    return next((word for kind, word in KINDS.items() if isinstance(value, kind)), type(value).__name__)


def is_integer(value: object) -> TypeGuard[int]:
    """Whether `value` is a JSON integer; a boolean is not, although Python counts it as an int."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether `value` is a JSON number; a boolean is not."""
    return isinstance(value, _NUMBERS) and not isinstance(value, bool)


def text_or_json(value: Json) -> str:
    """A string as it is, any other value as JSON."""
    return value if isinstance(value, str) else dumps(value)


def first_few(words: Iterable[str], most: int) -> str:
    """The first of some words, with … if there are more."""
    all_of_them = [*words]
    return ", ".join([*all_of_them[:most], *["…"][: len(all_of_them) > most]])


def with_article(noun: str) -> str:
    """`a string`, `an object`."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _show_key(key: str | int) -> str:
    if isinstance(key, int):
        return str(key)
    if re.fullmatch(_PLAIN_KEY, key) and key.isprintable():
        return key
    # Invisible characters are escaped, so that users can type the key.
    return json.dumps(key, ensure_ascii=not key.isprintable())


_INDENTED = json.JSONEncoder(ensure_ascii=False, allow_nan=False, indent=2).encode


def _compact() -> Callable[[Any], str]:
    """Writes a value on one line. `JSONEncoder` makes its C part again each time; this takes a third as long."""
    slow = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    make = getattr(encoder, "c_make_encoder", None)
    if make is None:
        return slow.encode
    write = make(None, slow.default, encoder.encode_basestring, None, ":", ",", False, False, False)
    return lambda value: "".join(write(value, 0))


one_line = _compact()
"""JSON as `dumps` writes it, but raises TypeError, ValueError or RecursionError, and leaves lone surrogates."""


def escape_surrogates(text: str) -> str:
    """A JSON text without lone surrogates: they cannot be encoded as UTF-8, but JSON can escape them."""
    return re.sub(_SURROGATE, lambda match: f"\\u{ord(match[0]):04x}", text)


def is_deeper(value: Json, levels: int) -> bool:
    """Whether `value` nests deeper than `levels`."""
    level = [value] if isinstance(value, dict | list) else []
    while level and levels > 0:
        levels -= 1
        inside = (part for item in level for part in (item.values() if isinstance(item, dict) else item))
        level = [part for part in inside if isinstance(part, dict | list)]
    return bool(level)


def is_too_long(number: int) -> bool:
    """Whether an integer has more than LONGEST_INTEGER digits."""
    return not -_TOO_LONG < number < _TOO_LONG


_TOO_LONG = 10**LONGEST_INTEGER


class _Refused:
    """Marks an invalid part of a parsed value, whose path is known only once the whole is parsed."""

    def __init__(self, why: str) -> None:
        self.why = why


def _parse(text: str) -> Json:
    hooks: Any = {"object_pairs_hook": _unique_keys, "parse_constant": _constant, "parse_float": _float}
    try:
        return json.loads(text, **hooks)
    except json.JSONDecodeError:
        raise
    except ValueError:
        # An integer has more digits than Python converts. Checking each integer always would slow down all other texts.
        return json.loads(text, **hooks, parse_int=_integer)


def _unique_keys(pairs: list[tuple[str, Json]]) -> JsonObject | _Refused:
    result = dict(pairs)
    if len(result) == len(pairs):
        return result
    seen: set[str] = set()
    twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    return _Refused(f"the key {_cut_json(twice)} appears twice in one object")


def _constant(name: str) -> _Refused:
    return _Refused(f"{name} is not allowed")


def _float(text: str) -> float | _Refused:
    number = float(text)
    return _Refused(f"the number {cut(text, _TEXT_SHOWN)} is too large") if math.isinf(number) else number


def _integer(text: str) -> int | _Refused:
    if len(text.removeprefix("-")) > LONGEST_INTEGER:
        return _Refused(f"the integer {cut(text, _TEXT_SHOWN)} has more than {LONGEST_INTEGER} digits")
    return int(text)


def _check_json(value: Json, most: int) -> None:
    """Refuse what the parser accepted but this module does not, with its path."""
    level, depth = [value], 0
    while level:
        depth += 1
        below: list[Json] = []
        for item in level:
            kind = type(item)
            if kind in _HARMLESS or (kind is str and item.isascii()):
                continue
            if kind is dict:
                below.extend(item.values())
            elif kind is list:
                below.extend(item)
            # The path is computed only if there is a problem.
            if _is_refused(item) or (depth > most and (kind is dict or kind is list)):
                raise JsonError(_complaint(value, most))
        level = below


_HARMLESS = frozenset({int, float, bool, type(None)})


def _is_refused(item: Json) -> bool:
    kind = type(item)
    if kind is str:
        return not item.isascii() and re.search(_SURROGATE, item) is not None
    if kind is dict:
        return not all(map(str.isascii, item)) and any(re.search(_SURROGATE, key) for key in item)
    return kind is _Refused


def _complaint(value: Json, most: int) -> str:
    """The first problem in `value`, which has one, and its path."""
    waiting: list[tuple[Json, Path]] = [(value, ())]
    for item, path in waiting:
        if isinstance(item, dict | list) and len(path) >= most:
            return f"nested deeper than {most} levels, at {show_path(path[:_PATH_SHOWN])}…"
        if _is_refused(item):
            return _why(item) + (f", at {show_path(path)}" if path else "")
        if isinstance(item, dict):
            waiting += ((part, (*path, key)) for key, part in item.items())
        elif isinstance(item, list):
            waiting += ((part, (*path, position)) for position, part in enumerate(item))
    raise AssertionError("the value has no problem")


def _why(item: Json) -> str:
    if isinstance(item, _Refused):
        return item.why
    text = item if isinstance(item, str) else next(key for key in item if re.search(_SURROGATE, key))
    return f"{_cut_json(text)} contains half of a surrogate pair"


def _cut_json(text: str) -> str:
    return cut(json.dumps(text), _TEXT_SHOWN)
