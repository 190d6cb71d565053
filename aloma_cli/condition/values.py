"""Leaves that test a single value: literals, types and regular expressions."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

from aloma_cli.condition.mismatch import Found, show
from aloma_cli.condition.nodes import AllOf, Leaf, Scalar, Test
from aloma_cli.condition.place import Place, name_of
from aloma_cli.condition.regexes import options_of
from aloma_cli.document.paths import MISSING
from aloma_cli.jsontext import KINDS, LONGEST_INTEGER, Json, is_number, is_too_long, with_article

ALLOWED = (
    "a pattern is a JSON value, None, one of the types str, bool, int, float, list, dict, a re.compile(…), "
    "or an object or list of patterns"
)


def equal(left: Json, right: Json) -> bool:
    """Equality of JSON values: True is not 1, 3 is 3.0."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    return bool(left == right)


TYPES: dict[type, Callable[[Found], bool]] = {
    str: lambda found: isinstance(found, str),
    bool: lambda found: isinstance(found, bool),
    int: is_number,
    float: is_number,
    list: lambda found: isinstance(found, list),
    dict: lambda found: isinstance(found, dict),
}


def of_type(kind: type) -> Leaf:
    """A leaf that matches any value of one of TYPES."""
    of_items = AllOf(()) if kind is list else None
    return Leaf(with_article(KINDS[kind]), TYPES[kind], is_decided=True, of_items=of_items)


def literal(value: object, place: Place) -> Leaf:
    """A leaf that matches the JSON value `value`; None matches null and missing.

    Raises ConditionError if it is not JSON.
    """
    if value is None:
        return _exactly(value, "missing or null", lambda found: found is None or found is MISSING)
    if isinstance(value, str):
        return _exactly(value, show(value), lambda found: bool(found == value), value)
    if isinstance(value, bool):
        return _exactly(value, show(value), lambda found: found is value, value)
    check_json(value, place)
    if isinstance(value, int | float):
        return _exactly(value, show(value), lambda found: found == value and not isinstance(found, bool), value)
    fixed = copy.deepcopy(value)
    return _exactly(fixed, show(fixed), lambda found: equal(found, fixed))


def _exactly(value: Any, words: str, test: Test, scalar: Scalar | None = None) -> Leaf:
    return Leaf(words, test, scalar, lambda: (value,), is_decided=True)


def text_matching(regex: re.Pattern[str], place: Place) -> Leaf:
    """A leaf that matches a string in which `regex` is found."""
    if not isinstance(regex.pattern, str):
        raise place.error("a regular expression must match strings, not bytes")
    search = regex.search
    return Leaf(
        f"a string matching /{regex.pattern}/{options_of(regex)}",
        lambda found: isinstance(found, str) and search(found) is not None,
        tries=lambda: _examples(regex),
    )


def _examples(regex: re.Pattern[str]) -> Iterator[str]:
    from aloma_cli.condition.examples import examples  # few runs search for values

    return examples(regex)


def constant(value: object, place: Place) -> Leaf:
    """A leaf for an item of `$in` and similar lists: a JSON value or a regular expression."""
    return text_matching(value, place) if isinstance(value, re.Pattern) else literal(value, place)


def check_json(value: object, place: Place) -> None:
    """Refuse values that cannot occur in a JSON document."""
    if isinstance(value, list):
        for position, item in enumerate(value):
            check_json(item, place.operand(position))
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_key(key, place)
            check_json(item, place.operand(key))
    elif isinstance(value, float) and not math.isfinite(value):
        raise place.error(f"{value} is not a JSON number")
    elif isinstance(value, int) and is_too_long(value):
        raise place.error(f"an integer of over {LONGEST_INTEGER} digits is not a JSON number")
    elif value is not None and not isinstance(value, str | int | float):
        raise place.error(f"needs a JSON value, not {name_of(value)}", hint="for patterns, use $or, $and or $nor")


def _check_key(key: object, place: Place) -> None:
    if not isinstance(key, str):
        raise place.error(f"keys must be strings, not {name_of(key)}")
    if key.startswith("$"):
        raise place.operand(key).error("a value cannot contain an operator", hint="for patterns, use $or, $and or $nor")
