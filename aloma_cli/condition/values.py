"""Leaves that compare a value as it is: literals, types and regular expressions."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Callable

from aloma_cli.condition.mismatch import Found, show
from aloma_cli.condition.nodes import Leaf
from aloma_cli.condition.place import Place, name_of
from aloma_cli.condition.regexes import options_of
from aloma_cli.document.paths import MISSING
from aloma_cli.jsontext import LONGEST_INTEGER, Json, is_too_long

ALLOWED = (
    "a pattern is a JSON value, None, one of the types str, bool, int, float, list, dict, a re.compile(…), "
    "or an object or list of patterns"
)


def is_number(value: Found) -> bool:
    """Whether `value` is a JSON number: bool is none, though Python counts it as an int."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def equal(left: Json, right: Json) -> bool:
    """Equality of JSON values: True is not 1, 3 is 3.0."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    return bool(left == right)


TYPES: dict[type, tuple[str, Callable[[Found], bool]]] = {
    str: ("text", lambda found: isinstance(found, str)),
    bool: ("true or false", lambda found: isinstance(found, bool)),
    int: ("a number", is_number),
    float: ("a number", is_number),
    list: ("a list", lambda found: isinstance(found, list)),
    dict: ("an object", lambda found: isinstance(found, dict)),
}


def of_type(kind: type) -> Leaf:
    """A leaf for any value of one of TYPES."""
    return Leaf(*TYPES[kind])


def literal(value: object, place: Place) -> Leaf:
    """A leaf for the JSON value `value`; None means null or missing. Raises ConditionError for what is not JSON."""
    check_json(value, place)
    if value is None:
        return Leaf("missing or null", lambda found: found is None or found is MISSING)
    if isinstance(value, str):
        return Leaf(show(value), lambda found: bool(found == value), value)
    if isinstance(value, bool):
        return Leaf(show(value), lambda found: found is value, value)
    if isinstance(value, int | float):
        return Leaf(show(value), lambda found: found == value and not isinstance(found, bool), value)
    fixed = copy.deepcopy(value)
    return Leaf(show(fixed), lambda found: equal(found, fixed))


def text_matching(regex: re.Pattern[str], place: Place) -> Leaf:
    """A leaf for a string in which `regex` is found."""
    if not isinstance(regex.pattern, str):
        raise place.error("is a regular expression over bytes, which JSON does not have")
    search = regex.search
    return Leaf(
        f"text matching /{regex.pattern}/{options_of(regex)}",
        lambda found: isinstance(found, str) and search(found) is not None,
    )


def constant(value: object, place: Place) -> Leaf:
    """A leaf for what `$in` and the like may list: a JSON value or a regular expression."""
    return text_matching(value, place) if isinstance(value, re.Pattern) else literal(value, place)


def check_json(value: object, place: Place) -> None:
    """Refuse what could not be equal to anything in a JSON document."""
    if isinstance(value, list):
        for position, item in enumerate(value):
            check_json(item, place.operand(position))
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_key(key, place)
            check_json(item, place.operand(key))
    elif isinstance(value, float) and not math.isfinite(value):
        raise place.error(f"{value} is no JSON number")
    elif isinstance(value, int) and is_too_long(value):
        raise place.error(f"an integer of over {LONGEST_INTEGER} digits is no JSON number")
    elif value is not None and not isinstance(value, str | int | float):
        raise place.error(f"needs a JSON value, not {name_of(value)}", hint="for patterns use $or, $and or $nor")


def _check_key(key: object, place: Place) -> None:
    if not isinstance(key, str):
        raise place.error(f"keys must be strings, not {name_of(key)}")
    if key.startswith("$"):
        raise place.operand(key).error("an operator cannot stand in a value", hint="for patterns use $or, $and or $nor")
