"""A condition taken apart: the ways in which it can hold, and the patterns of each place."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from aloma_cli.condition import compile_condition
from aloma_cli.condition.solve.smallest import Smallest, smallest
from aloma_cli.document.paths import MISSING
from aloma_cli.document.reserved import RESERVED

Path: TypeAlias = tuple[str, ...]

Patterns: TypeAlias = dict[Path, list[Any]]
"""The patterns for each place."""

_MOST = 64


def alternatives(pattern: Mapping[str, Any]) -> list[Patterns]:
    """The ways in which a condition can hold, at most 64 of them: for each place the patterns that it must match."""
    return list(_alternatives(pattern, (), at_top=True))


def test_of(pattern: Any) -> Callable[[Any], bool]:
    """The test of one value, MISSING too, against a pattern below the top of a condition."""
    matches = compile_condition({"v": pattern}).matches
    return lambda value: matches({} if value is MISSING else {"v": value})


def value_for(*patterns: Any) -> Smallest:
    """A document with a value `v` that matches all these patterns."""
    return smallest(compile_condition({"v": {"$and": list(patterns)}}))


def clash(pattern: Mapping[str, Any]) -> tuple[Path, list[Any]]:
    """The first place at which no value matches all its patterns; without patterns if the reason is another one."""
    for places in alternatives(pattern):
        for path in sorted(places, key=len, reverse=True):
            if path and places[path] and value_for(*places[path]).document is None:
                return path, places[path]
    return (), []


def _alternatives(pattern: Mapping[str, Any], path: Path, *, at_top: bool = False) -> Iterator[Patterns]:
    parts: list[list[Patterns]] = [[{path: []}]]
    operators: dict[str, Any] = {}
    for key, inner in pattern.items():
        if key == "$and":
            parts += [list(_of_value(one, path, at_top=at_top)) for one in inner]
        elif key == "$or":
            parts.append([places for one in inner for places in _of_value(one, path, at_top=at_top)])
        elif key.startswith("$") and not (at_top and key in RESERVED):
            if path:  # `$nor` and `$not` over whole documents are about no single place
                operators[key] = inner
        else:
            parts.append(list(_of_value(inner, (*path, key))))
    if operators:
        parts.append([{path: [operators]}])
    elif not at_top and not {"$and", "$or"} & pattern.keys():
        parts.append([{path: [{}]}])  # an object, or nothing
    for chosen in itertools.islice(itertools.product(*parts), _MOST):
        yield _joined(chosen)


def _of_value(pattern: Any, path: Path, *, at_top: bool = False) -> Iterator[Patterns]:
    if isinstance(pattern, dict):
        yield from _alternatives(pattern, path, at_top=at_top)
    else:
        yield {path: [pattern]}


def _joined(parts: tuple[Patterns, ...]) -> Patterns:
    joined: Patterns = {}
    for part in parts:
        for path, patterns in part.items():
            joined.setdefault(path, []).extend(patterns)
            for length in range(1, len(path)):
                joined.setdefault(path[:length], [])
    return joined
