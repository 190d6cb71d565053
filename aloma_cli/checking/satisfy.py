"""A smallest document that a condition holds for, or the proof that there is none.

A condition is taken apart into alternatives, each with the tests for each place. For a place, the candidates are the
values between which its tests can distinguish: each constant, its neighbours, and some of each type. If no candidate
passes, no value does, except where a test is undecidable: then nothing is claimed.
"""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import Any

from aloma_cli.condition import compile_condition
from aloma_cli.document.paths import MISSING
from aloma_cli.document.reserved import RESERVED
from aloma_cli.jsontext import JsonObject
from aloma_cli.values import dataclass

Path = tuple[str, ...]
Tests = dict[Path, list[Any]]
"""The patterns for each place."""

_MOST = 64
_BASIC: tuple[Any, ...] = (MISSING, None, True, False, 0, 1, -1, 0.5, "a", "", [], ["a"], [0], {}, {"a": 1})
_NESTED = ("$each", "$some")


@dataclass(frozen=True, slots=True)
class Answer:
    """`document`: one that the condition holds for, None if none was found. `proven`: then there is none.

    `clash`: the place at which no value passes all tests, with the tests.
    """

    document: JsonObject | None
    proven: bool = False
    clash: tuple[Path, list[Any]] | None = None


def solve(pattern: Mapping[str, Any]) -> Answer:
    """The smallest document that meets a condition."""
    clash = None
    condition = compile_condition(dict(pattern))
    ways = alternatives(pattern)
    proven = len(ways) < _MOST
    for tests in ways:
        found = _Alternative(tests).solve()
        if found.document is not None and condition.matches(found.document):
            return found
        proven = proven and found.proven
        clash = clash or found.clash
    return Answer(None, proven, clash)


def alternatives(pattern: Mapping[str, Any]) -> list[Tests]:
    """The ways in which a condition can hold: for each place the patterns that it must match."""
    return list(_alternatives(pattern, (), at_top=True))


def test_of(pattern: Any) -> Callable[[Any], bool]:
    """The test of one value, MISSING too, against a pattern below the top of a condition."""
    matches = compile_condition({"v": pattern}).matches
    return lambda value: matches({} if value is MISSING else {"v": value})


def always_holds(pattern: Mapping[str, Any]) -> bool:
    """Whether a condition holds for every document that its tests could distinguish."""
    condition = compile_condition(dict(pattern))
    ways = alternatives(pattern)
    decided = len(ways) < _MOST and not is_undecidable(dict(pattern))
    return decided and all(map(condition.matches, _samples(ways)))


def _samples(ways: list[Tests]) -> Iterator[JsonObject]:
    yield {}
    for tests in ways:
        for path, patterns in tests.items():
            for value in candidates(*patterns):
                if path and value is not MISSING:
                    yield _with({}, path, value)
            for length in range(1, len(path)):
                yield _with({}, path[:length], "a")


@dataclass(slots=True)
class _Alternative:
    tests: Tests
    undecided: bool = False
    chosen: dict[Path, Any] = field(default_factory=dict)

    def solve(self) -> Answer:
        for path in sorted(self.tests, key=len, reverse=True):
            value = self._choose(path)
            if value is _NOTHING:
                return Answer(None, not self.undecided, (path, self.tests[path]))
            self.chosen[path] = value
        document: JsonObject = {}
        for path in sorted(self.tests, key=len):
            if self.chosen[path] is not MISSING and path:
                document = _with(document, path, self.chosen[path])
        return Answer(document)

    def _choose(self, path: Path) -> Any:
        below = [value for other, value in self.chosen.items() if len(other) > len(path) and other[: len(path)] == path]
        needed = any(value is not MISSING for value in below)
        patterns = self.tests[path]
        tests = list(map(test_of, patterns)) if path else []
        for value in candidates(*patterns):
            if below and not (isinstance(value, dict) or (not needed and value in (MISSING, None))):
                continue
            if all(test(value) for test in tests):
                return {} if needed else value
        self.undecided = self.undecided or any(map(is_undecidable, patterns))
        return _NOTHING


_NOTHING = object()


def _alternatives(pattern: Mapping[str, Any], path: Path, *, at_top: bool = False) -> Iterator[Tests]:
    """At most _MOST of them: where there are as many, nothing is proven, because there may be more."""
    parts: list[list[Tests]] = [[{path: []}]]
    operators: dict[str, Any] = {}
    for key, inner in pattern.items():
        if key == "$and":
            parts += [list(_of_value(one, path, at_top=at_top)) for one in inner]
        elif key == "$or":
            parts.append([tests for one in inner for tests in _of_value(one, path, at_top=at_top)])
        elif key.startswith("$") and not (at_top and key in RESERVED):
            if path:  # `$nor` and `$not` over whole documents are left to the final match
                operators[key] = inner
        else:
            parts.append(list(_of_value(inner, (*path, key))))
    if operators:
        parts.append([{path: [operators]}])
    elif not at_top and not {"$and", "$or"} & pattern.keys():
        parts.append([{path: [{}]}])  # an object, or nothing
    for chosen in itertools.islice(itertools.product(*parts), _MOST):
        yield _joined(chosen)


def _of_value(pattern: Any, path: Path, *, at_top: bool = False) -> Iterator[Tests]:
    if isinstance(pattern, dict):
        yield from _alternatives(pattern, path, at_top=at_top)
    else:
        yield {path: [pattern]}


def _joined(parts: tuple[Tests, ...]) -> Tests:
    joined: Tests = {}
    for part in parts:
        for path, patterns in part.items():
            joined.setdefault(path, []).extend(patterns)
            for length in range(1, len(path)):
                joined.setdefault(path[:length], [])
    return joined


def candidates(*patterns: Any) -> Iterator[Any]:
    """Smallest first: nothing, then what the patterns name, then some of each type."""
    yield MISSING
    constants = [one for pattern in patterns for one in _constants(pattern)]
    yield from constants
    numbers = sorted(one for one in constants if isinstance(one, int | float) and not isinstance(one, bool))
    for number in numbers:
        yield from (number - 1, number + 1)
    yield from ((low + high) / 2 for low, high in itertools.pairwise(numbers))
    for text in [one for one in constants if isinstance(one, str)]:
        yield from (f"{text}a", text[:-1])
    yield from _lists(list(patterns), constants)
    yield from _BASIC


def _lists(patterns: list[Any], constants: list[Any]) -> Iterator[list[Any]]:
    elements = [one for pattern in patterns for one in _elements(pattern)]
    if elements:
        yield elements
        yield from ([one] for one in elements)
    for size in {one for pattern in patterns for one in _sizes(pattern)}:
        for filler in (*elements, *constants[:8], "a", 0):
            yield [*elements, *[filler] * size][:size]
    if constants:
        yield constants


def _constants(pattern: Any) -> Iterator[Any]:
    """The scalars that a pattern compares with."""
    if isinstance(pattern, dict):
        for key, inner in pattern.items():
            if key == "$size" or key in _NESTED:
                continue
            yield from [_literal_of(inner)] if key == "$regex" else _constants(inner)
    elif isinstance(pattern, list):
        for one in pattern:
            yield from _constants(one)
    elif isinstance(pattern, re.Pattern):
        yield _literal_of(pattern)
    elif isinstance(pattern, str | int | float):
        yield pattern


def _literal_of(regex: Any) -> str:
    """A text in which a simple regular expression is found."""
    text = regex.pattern if isinstance(regex, re.Pattern) else str(regex)
    first = text.split("|")[0]
    return str(re.sub(r"\\(.)", r"\1", first.strip("^$")))


def _elements(pattern: Any) -> Iterator[Any]:
    """An element for each pattern of elements, where one is found."""
    inner: list[Any] = []
    if isinstance(pattern, list):
        inner = pattern
    elif isinstance(pattern, dict):
        inner = [pattern[key] for key in _NESTED if key in pattern]
        inner += [one for key in ("$in", "$all") for one in pattern.get(key, ())]
    for one in inner:
        found = solve({"v": one}).document
        if found is not None and "v" in found:
            yield found["v"]


def _sizes(pattern: Any) -> Iterator[int]:
    size = pattern.get("$size") if isinstance(pattern, dict) else None
    if isinstance(size, int) and size <= 1000:
        yield size


def is_undecidable(pattern: Any) -> bool:
    """Whether the candidates may miss a value: for regular expressions, lists and nested negations."""
    if isinstance(pattern, dict):
        hard = {"$regex", "$size", "$all", "$not", "$nor", *_NESTED}
        parts = [pattern[key] for key in ("$and", "$or") if key in pattern]
        plain = [inner for key, inner in pattern.items() if key not in ("$and", "$or")]
        return bool(hard & pattern.keys()) or any(map(is_undecidable, [*plain, *itertools.chain(*parts)]))
    if isinstance(pattern, list):
        return any(isinstance(one, dict | list) or is_undecidable(one) for one in pattern)
    return isinstance(pattern, re.Pattern)


def _with(document: JsonObject, path: Path, value: Any) -> JsonObject:
    """`document` with a value at `path`; an object there is kept if the value is an empty one."""
    *above, last = path
    inner = document
    for key in above:
        if not isinstance(inner.get(key), dict):
            inner[key] = {}
        inner = inner[key]
    if value != {} or not isinstance(inner.get(last), dict):
        inner[last] = copy.deepcopy(value)
    return document
