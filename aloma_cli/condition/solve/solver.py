"""Find a value that meets all needs of one place, and differs as little as possible from the present one.

Each proposal is tested by the condition itself, so none is wrong. `and`, `or` and `not` are
taken apart first: what is left at a place are tests of the value, of its fields, and of its items.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field, replace
from itertools import islice
from typing import Any

from aloma_cli.condition.nodes import AllOf, AnyOf, Each, Leaf, Node, Not, Object, Some
from aloma_cli.condition.solve.edits import cost
from aloma_cli.condition.solve.lists import lists
from aloma_cli.condition.solve.needs import NOTHING, Need
from aloma_cli.condition.solve.scalars import likely, others
from aloma_cli.document.paths import MISSING
from aloma_cli.values import dataclass

_MOST_CASES = 48
_MOST_PLACES = 4000


@dataclass(frozen=True, slots=True)
class Way:
    """One way to meet what is needed at a place. `is_object`: whether the value must count as an object."""

    fields: dict[str, tuple[Need, ...]] = field(default_factory=dict)
    is_object: bool | None = None
    tests: tuple[Need, ...] = ()

    @property
    def leaves(self) -> list[Leaf]:
        return [need.node for need in self.tests if isinstance(need.node, Leaf)]

    def with_field(self, key: str, need: Need) -> Way:
        return replace(self, fields={**self.fields, key: (*self.fields.get(key, ()), need)})


@dataclass(slots=True)
class Solver:
    """`fixed`: the keys of the document that cannot be written. `is_sure`: what was not found does not exist."""

    fixed: frozenset[str] = frozenset()
    is_sure: bool = True
    _places: int = 0

    def solve(self, needs: Iterable[Need], found: Any, *, at_top: bool = False) -> Any:
        """The value nearest to `found` that meets the needs, or NOTHING."""
        needs = tuple(needs)
        if all(need.met(found) for need in needs):
            return found
        self._places += 1
        if self._places > _MOST_PLACES:
            self.is_sure = False
            return NOTHING
        cases = [*islice(_cases(needs, Way()), _MOST_CASES + 1)]
        if len(cases) > _MOST_CASES:
            self.is_sure = False
        for values in (self._likely, self._others):
            fitting = [
                value
                for case in cases[:_MOST_CASES]
                for value in values(case, found, at_top)
                if (not at_top or isinstance(value, dict)) and all(need.met(value) for need in needs)
            ]
            if fitting:
                return min(fitting, key=lambda value: cost(found, value))
        return NOTHING

    def _likely(self, case: Way, found: Any, at_top: bool) -> Iterator[Any]:
        """Values that may meet a case."""
        if case.is_object:
            yield from self._objects(case, found, at_top=at_top)
        if not case.fields:
            yield from likely(case.leaves)
        if not case.is_object and any(map(_is_about_lists, case.tests)):
            yield from lists(self, case.tests, found)

    def _others(self, case: Way, found: Any, at_top: bool) -> Iterator[Any]:  # noqa: ARG002  (as _likely)
        """Values to try last."""
        if not all(_is_decided(need.node) for need in case.tests):
            self.is_sure = False  # there may be values that are not tried
        return iter(()) if case.fields else others(case.leaves)

    def _objects(self, case: Way, found: Any, *, at_top: bool) -> Iterator[Any]:
        made = dict(found) if isinstance(found, dict) else {}
        for key, needs in case.fields.items():
            before = made.get(key, MISSING)
            is_fixed = at_top and key in self.fixed
            after = _as_it_is(needs, before) if is_fixed else self.solve(needs, before)
            if after is NOTHING:
                return
            if after is MISSING:
                made.pop(key, None)
            else:
                made[key] = after
        yield made
        if not made and not at_top:
            yield from (MISSING, None)


def _as_it_is(needs: Iterable[Need], found: Any) -> Any:
    return found if all(need.met(found) for need in needs) else NOTHING


def _cases(needs: tuple[Need, ...], case: Way) -> Iterator[Way]:
    """All ways to meet the needs, on top of a case."""
    if not needs:
        yield case
        return
    (node, wanted), rest = needs[0], needs[1:]
    match node:
        case Not(node=inner):
            yield from _cases((Need(inner, not wanted), *rest), case)
        case AllOf(nodes=nodes) if wanted:
            yield from _cases((*map(Need, nodes), *rest), case)
        case AllOf(nodes=nodes):
            for part in nodes:
                yield from _cases((Need(part, False), *rest), case)
        case AnyOf(nodes=nodes) if wanted:
            for part in nodes:
                yield from _cases((Need(part), *rest), case)
        case AnyOf(nodes=nodes):
            yield from _cases((*(Need(part, False) for part in nodes), *rest), case)
        case Object(fields=fields):
            for one in _object_cases(fields, wanted, case):
                yield from _cases(rest, one)
        case _:
            yield from _cases(rest, replace(case, tests=(*case.tests, needs[0])))


def _object_cases(fields: tuple[tuple[str, Node], ...], wanted: bool, case: Way) -> Iterator[Way]:
    if wanted:
        if case.is_object is not False:
            made = replace(case, is_object=True)
            for key, node in fields:
                made = made.with_field(key, Need(node))
            yield made
        return
    if case.is_object is not True:
        yield replace(case, is_object=False)
    if case.is_object is not False:
        for key, node in fields:
            yield replace(case, is_object=True).with_field(key, Need(node, False))


def _is_about_lists(need: Need) -> bool:
    return isinstance(need.node, Some | Each) or (isinstance(need.node, Leaf) and need.node.of_items is not None)


def _is_decided(node: Node) -> bool:
    """Whether all values that the test of `node` tells apart are tried; the items of a list are solved on their own."""
    return isinstance(node, Some | Each) or (isinstance(node, Leaf) and node.is_decided)
