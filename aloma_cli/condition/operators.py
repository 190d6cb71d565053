"""The operators: for each a function from its argument to a node, and one line in a table.

A function receives the argument and its place in the pattern, and raises `place.error(…)` for an invalid argument. It
usually returns a Leaf: words for the explanation, and a test of the value found, which may be MISSING.
`place.compile` turns an argument that is itself a pattern into a node.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from aloma_cli.condition.mismatch import Found, show
from aloma_cli.condition.nodes import AllOf, AnyOf, Each, Leaf, Node, Not, Some
from aloma_cli.condition.place import Place, name_of
from aloma_cli.condition.regexes import compile_regex
from aloma_cli.condition.values import check_json, constant, literal, text_matching
from aloma_cli.document.paths import MISSING
from aloma_cli.jsontext import is_integer, is_number

Operator: TypeAlias = Callable[[Any, Place], Node]


def _exists(argument: object, place: Place) -> Node:
    if not isinstance(argument, bool):
        raise place.error(f"needs true or false, not {name_of(argument)}")
    if argument:
        return Leaf("present", lambda found: found is not MISSING, word="$exists", argument=True)
    return Leaf("missing", lambda found: found is MISSING, word="$exists", argument=False)


def _ne(value: object, place: Place) -> Node:
    same = literal(value, place)
    wanted = "neither missing nor null" if value is None else f"not {same.words}"
    return Leaf(wanted, lambda found: not same.test(found), word="$ne", argument=value)


def _comparison(word: str, symbol: str, compare: Callable[[Any, Any], bool], bound: Any, place: Place) -> Node:
    check_json(bound, place)
    wanted = f"{symbol} {show(bound)}"
    if isinstance(bound, str):
        return Leaf(wanted, lambda found: isinstance(found, str) and compare(found, bound), word=word, argument=bound)
    if is_number(bound):
        return Leaf(wanted, lambda found: is_number(found) and compare(found, bound), word=word, argument=bound)
    raise place.error(f"needs a number or a string, not {name_of(bound)}")


def _in(values: object, place: Place) -> Node:
    choices = _constants(values, place)
    return Leaf(f"one of {_listed(choices)}", lambda found: _overlap(choices, found), word="$in", argument=choices)


def _nin(values: object, place: Place) -> Node:
    choices = _constants(values, place)
    return Leaf(
        f"none of {_listed(choices)}", lambda found: not _overlap(choices, found), word="$nin", argument=choices
    )


def _all(values: object, place: Place) -> Node:
    """As in MongoDB, an empty `$all` matches nothing."""
    needed = _constants(values, place)
    return Leaf(
        f"a list with all of {_listed(needed)}",
        lambda found: isinstance(found, list) and bool(needed) and all(_among(leaf, found) for leaf in needed),
        word="$all",
        argument=needed,
    )


def _size(length: object, place: Place) -> Node:
    if not is_integer(length) or length < 0:
        raise place.error(f"needs an integer of at least 0, not {name_of(length)}")
    check_json(length, place)
    return Leaf(
        f"a list of length {length}",
        lambda found: isinstance(found, list) and len(found) == length,
        word="$size",
        argument=length,
    )


def _regex(regex: object, place: Place) -> Node:
    if not isinstance(regex, re.Pattern):
        regex = compile_regex(regex, re.NOFLAG, place)
    return text_matching(regex, place)


def _not(pattern: object, place: Place) -> Node:
    if not (isinstance(pattern, dict) and pattern) and not isinstance(pattern, re.Pattern):
        given = "an empty object" if pattern == {} else name_of(pattern)
        raise place.error(
            f"needs an operator or an object pattern, not {given}",
            hint='for a value, write {"$ne": value}; for any other pattern, {"$nor": [pattern]}',
        )
    return Not(place.compile(pattern))


VALUE_OPERATORS: dict[str, Operator] = {
    "$exists": _exists,
    "$ne": _ne,
    "$gt": partial(_comparison, "$gt", ">", operator.gt),
    "$gte": partial(_comparison, "$gte", ">=", operator.ge),
    "$lt": partial(_comparison, "$lt", "<", operator.lt),
    "$lte": partial(_comparison, "$lte", "<=", operator.le),
    "$in": _in,
    "$nin": _nin,
    "$all": _all,
    "$size": _size,
    "$regex": _regex,
    "$each": lambda pattern, place: Each(place.compile(pattern)),
    "$some": lambda pattern, place: Some(place.compile(pattern)),
}
"""They apply to a value, so they cannot be mixed with fields."""

LOGICAL_OPERATORS: dict[str, Operator] = {
    "$or": lambda patterns, place: AnyOf(_branches(patterns, place)),
    "$and": lambda patterns, place: AllOf(_branches(patterns, place)),
    "$nor": lambda patterns, place: AllOf(tuple(map(Not, _branches(patterns, place)))),
    "$not": _not,
}
"""They combine patterns for the same place, and can be mixed with fields and other operators: all must match."""

OPERATORS = VALUE_OPERATORS | LOGICAL_OPERATORS

ELSEWHERE = {
    "$eq": "write the value itself",
    "$elemMatch": "write `$some`",
    "$type": "write str, bool, int, float, list or dict itself",
}
"""Operators of MongoDB, and what to write instead."""


def _branches(patterns: object, place: Place) -> tuple[Node, ...]:
    if not isinstance(patterns, list) or not patterns:
        given = "an empty one" if patterns == [] else name_of(patterns)
        raise place.error(f"needs a list of patterns, not {given}")
    return tuple(place.operand(position).compile(pattern) for position, pattern in enumerate(patterns))


def _constants(values: object, place: Place) -> tuple[Leaf, ...]:
    if not isinstance(values, list):
        raise place.error(f"needs a list of values, not {name_of(values)}")
    return tuple(constant(value, place.operand(position)) for position, value in enumerate(values))


def _listed(leaves: tuple[Leaf, ...]) -> str:
    return ", ".join(leaf.words for leaf in leaves) or "nothing"


def _overlap(choices: tuple[Leaf, ...], found: Found) -> bool:
    """Whether the value, or an element of a list, is among `choices`."""
    if any(choice.test(found) for choice in choices):
        return True
    return isinstance(found, list) and any(_among(choice, found) for choice in choices)


def _among(leaf: Leaf, items: list[Any]) -> bool:
    return any(leaf.test(item) for item in items)
