"""The operators: for each a function from its argument to a node, and one line in a table.

A function receives the argument and its place in the pattern, and raises `place.error(…)` for an invalid argument. It
usually returns a Leaf: words for the explanation, and a test of the value found, which may be MISSING. A Leaf may bring
what finds values for it (`tries`, `is_decided`, `of_items`); without these no value is found, and nothing is proven.
`place.compile` turns an argument that is itself a pattern into a node.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from aloma_cli.condition.mismatch import Found, show
from aloma_cli.condition.nodes import AllOf, AnyOf, Each, Leaf, Node, Not, Some, tried
from aloma_cli.condition.place import Place, name_of
from aloma_cli.condition.regexes import compile_regex
from aloma_cli.condition.values import TYPES, check_json, constant, literal, text_matching
from aloma_cli.document.paths import MISSING
from aloma_cli.jsontext import is_integer, is_number

Operator: TypeAlias = Callable[[Any, Place], Node]


def _exists(argument: object, place: Place) -> Node:
    if not isinstance(argument, bool):
        raise place.error(f"needs true or false, not {name_of(argument)}")
    if argument:
        return Leaf("present", lambda found: found is not MISSING, is_decided=True)
    return Leaf("missing", lambda found: found is MISSING, is_decided=True)


def _ne(value: object, place: Place) -> Node:
    same = literal(value, place)
    wanted = "neither missing nor null" if value is None else f"not {same.words}"
    return Leaf(wanted, lambda found: not same.test(found), tries=same.tries, is_decided=True)


def _comparison(symbol: str, compare: Callable[[Any, Any], bool], bound: Any, place: Place) -> Node:
    check_json(bound, place)
    if not isinstance(bound, str) and not is_number(bound):
        raise place.error(f"needs a number or a string, not {name_of(bound)}")
    is_alike = TYPES[str] if isinstance(bound, str) else is_number
    return Leaf(
        f"{symbol} {show(bound)}",
        lambda found: is_alike(found) and compare(found, bound),
        tries=lambda: (bound,),
        is_decided=True,
    )


def _in(values: object, place: Place) -> Node:
    choices = _constants(values, place)
    return Leaf(
        f"one of {_listed(choices)}",
        lambda found: _overlap(choices, found),
        tries=lambda: tried(choices),
        is_decided=_are_decided(choices),
        of_items=Some(AnyOf(choices)),
    )


def _nin(values: object, place: Place) -> Node:
    choices = _constants(values, place)
    return Leaf(
        f"none of {_listed(choices)}",
        lambda found: not _overlap(choices, found),
        tries=lambda: tried(choices),
        is_decided=_are_decided(choices),
        of_items=Not(Some(AnyOf(choices))),
    )


def _all(values: object, place: Place) -> Node:
    """As in MongoDB, an empty `$all` matches nothing."""
    needed = _constants(values, place)
    return Leaf(
        f"a list with all of {_listed(needed)}",
        lambda found: isinstance(found, list) and bool(needed) and all(_among(leaf, found) for leaf in needed),
        tries=lambda: [[*tried(needed)], *tried(needed)],
        is_decided=_are_decided(needed),
        of_items=AllOf(tuple(map(Some, needed))),
    )


def _size(length: object, place: Place) -> Node:
    if not is_integer(length) or length < 0:
        raise place.error(f"needs an integer of at least 0, not {name_of(length)}")
    check_json(length, place)
    return Leaf(
        f"a list of length {length}",
        lambda found: isinstance(found, list) and len(found) == length,
        is_decided=True,
        of_items=AllOf(()),
        length=length,
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
    "$gt": partial(_comparison, ">", operator.gt),
    "$gte": partial(_comparison, ">=", operator.ge),
    "$lt": partial(_comparison, "<", operator.lt),
    "$lte": partial(_comparison, "<=", operator.le),
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


def _are_decided(leaves: tuple[Leaf, ...]) -> bool:
    return all(leaf.is_decided for leaf in leaves)


def _listed(leaves: tuple[Leaf, ...]) -> str:
    return ", ".join(leaf.words for leaf in leaves) or "nothing"


def _overlap(choices: tuple[Leaf, ...], found: Found) -> bool:
    """Whether the value, or an element of a list, is among `choices`."""
    if any(choice.test(found) for choice in choices):
        return True
    return isinstance(found, list) and any(_among(choice, found) for choice in choices)


def _among(leaf: Leaf, items: list[Any]) -> bool:
    return any(leaf.test(item) for item in items)
