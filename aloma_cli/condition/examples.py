"""Strings in which a regular expression is found."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from re import _parser  # type: ignore[attr-defined]  # there is no public parser
from typing import Any

_MOST = 12
_LONGEST = 200


def examples(regex: re.Pattern[str]) -> Iterator[str]:
    """A few strings in which `regex` is found; none where it is too involved."""
    try:
        parsed = _parser.parse(regex.pattern, regex.flags & ~re.UNICODE)
    except (re.error, RecursionError):
        return
    for text in _sequence(parsed, 0)[:_MOST]:
        if regex.search(text):
            yield text


def _sequence(parts: Iterable[Any], depth: int) -> list[str]:
    texts = [""]
    for operation, argument in parts:
        pieces = _part_texts(str(operation), argument, depth + 1)
        texts = [text + piece for text in texts for piece in pieces if len(text) < _LONGEST][:_MOST]
    return texts


def _part_texts(operation: str, argument: Any, depth: int) -> list[str]:
    """What one part of a pattern may be; a part that takes no characters is the empty string."""
    match operation:
        case "LITERAL":
            return [chr(argument)]
        case "NOT_LITERAL":
            return [next(one for one in "ab" if ord(one) != argument)]
        case "ANY":
            return ["a"]
        case "IN":
            return _members(argument)
        case "BRANCH":
            return [text for branch in argument[1] for text in _sequence(branch, depth)]
        case "SUBPATTERN":
            return _sequence(argument[-1], depth)
        case "ATOMIC_GROUP":
            return _sequence(argument, depth)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return _repeated(argument, depth)
    return [""]


def _repeated(argument: Any, depth: int) -> list[str]:
    least, most, part = argument
    texts = _sequence(part, depth)
    counts = {least, min(int(most), max(1, least))}
    return [text * count for count in sorted(counts) if count <= _LONGEST for text in texts]


_CLASSES = {
    "CATEGORY_DIGIT": "0",
    "CATEGORY_NOT_DIGIT": "a",
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_SPACE": "a",
    "CATEGORY_WORD": "a",
    "CATEGORY_NOT_WORD": "-",
}


def _members(items: list[Any]) -> list[str]:
    """A few characters of a set; of a negated one some that are not in it."""
    if str(items[0][0]) == "NEGATE":
        pattern = re.compile("|".join(map(re.escape, filter(None, _members(items[1:])))) or "(?!)")
        ranges = [argument for operation, argument in items[1:] if str(operation) == "RANGE"]
        return [
            one
            for one in "a0-_ Zé"
            if not pattern.fullmatch(one) and not any(low <= ord(one) <= high for low, high in ranges)
        ][:2]
    return [_member(str(operation), argument) for operation, argument in items][:4]


def _member(operation: str, argument: Any) -> str:
    match operation:
        case "LITERAL":
            return chr(argument)
        case "RANGE":
            return chr(argument[0])
    return _CLASSES.get(str(argument), "a")
