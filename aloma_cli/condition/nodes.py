"""The compiled form of a pattern: a tree of nodes that report complaints.

A node receives the value at its place and yields one complaint for each mismatch. An explanation is all complaints, in
words. A match is the absence of complaints. Conditions are evaluated after every commit, so a node also offers the
verdict alone as a fast function (`test`); a property test holds that both agree.
Nodes are frozen, so one condition can serve any number of documents at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from typing import ClassVar, TypeAlias

from aloma_cli.condition.mismatch import Found, Mismatch, visible
from aloma_cli.document.paths import MISSING
from aloma_cli.jsontext import Json, JsonObject, Path
from aloma_cli.values import dataclass

_SHOWN_ALTERNATIVES = 8

FieldPath: TypeAlias = tuple[str, ...]
"""A path made of object keys only."""


class Node(ABC):
    """What a pattern requires of the value at one place."""

    __slots__ = ()

    @property
    @abstractmethod
    def leaves(self) -> int:
        """The number of leaves that hold whenever this node matches."""

    @property
    @abstractmethod
    def words(self) -> str:
        """The pattern in words."""

    @abstractmethod
    def complaints(self, found: Found, path: Path) -> Iterator[Complaint]:
        """One complaint for each mismatch in `found`, the value at `path`; lazily."""

    @property
    def test(self) -> Test:
        """A function that returns the verdict of `complaints`, without the reasons."""
        return lambda found: holds(self, found)

    def reads(self) -> Iterator[Read]:
        """Relative paths: a change at, below or above one of them may change the verdict."""
        yield (), None

    def unmet(self, found: Found) -> int:
        """The number of leaves that do not hold; 0 means a match."""
        return 0 if holds(self, found) else self.leaves

    def explain(self, found: Found, path: Path) -> Mismatch:
        """This node's complaint in words."""
        return Mismatch(path, self.words, visible(found, path))


Test: TypeAlias = Callable[[Found], bool]

Scalar: TypeAlias = str | int | float | bool
"""A JSON string, number or boolean; not null, because a missing field matches null."""

Read: TypeAlias = tuple[FieldPath, Scalar | None]
"""A path, and the scalar that must be there if only one matches."""

Complaint: TypeAlias = tuple[Node, Path, Found]
"""The node, the path and the value found. A plain tuple, because most callers only check whether there is one."""


def holds(node: Node, found: Found) -> bool:
    """Whether `found` matches `node`."""
    return next(node.complaints(found, ()), None) is None


@dataclass(frozen=True, slots=True)
class Leaf(Node):
    """A test of the value itself.

    All but `words` and `test` is for the search for values (`solve/`), which knows no operator by its name. `scalar`:
    the only value that matches. `tries`: values to try, each of which may match or not. `is_decided`: whether one value
    of each kind, the values of `tries`, and one in each gap between these try all that the test tells apart; only then
    does a search without a result prove anything. `of_items`: what the test asks of the items of a list, as Some, Each,
    Not and AllOf of these. `length`: the length that it asks of a list.
    """

    leaves: ClassVar[int] = 1
    # Without `field()` the properties of Node would be their defaults.
    words: str = field()
    test: Test = field()
    scalar: Scalar | None = None
    tries: Callable[[], Iterable[Json]] = tuple
    is_decided: bool = False
    of_items: Node | None = None
    length: int | None = None

    def complaints(self, found: Found, path: Path) -> Iterator[Complaint]:
        if not self.test(found):
            yield self, path, found

    def reads(self) -> Iterator[Read]:
        yield (), self.scalar


def tried(leaves: Iterable[Leaf]) -> Iterator[Json]:
    """The values that leaves tell to try."""
    return (value for leaf in leaves for value in leaf.tries())


@dataclass(frozen=True, slots=True)
class Object(Node):
    """An object whose named fields match. Missing and null count as an empty object."""

    fields: tuple[tuple[str, Node], ...]

    @property
    def leaves(self) -> int:
        return sum(node.leaves for _, node in self.fields) or 1

    @property
    def words(self) -> str:
        return "{" + ", ".join(f"{key}: {node.words}" for key, node in self.fields) + "}"

    def complaints(self, found: Found, path: Path) -> Iterator[Complaint]:
        values = _as_object(found)
        if values is None:
            yield self, path, found
            return
        for key, node in self.fields:
            yield from node.complaints(values.get(key, MISSING), (*path, key))

    @property
    def test(self) -> Test:
        fields = tuple((key, node.test) for key, node in self.fields)

        def test(found: Found) -> bool:
            values = found if type(found) is dict else _as_object(found)
            if values is None:
                return False
            # Because a generator in `all(…)` would cost more than the tests it runs.
            for key, matches in fields:  # noqa: SIM110
                if not matches(values.get(key, MISSING)):
                    return False
            return True

        return test

    def reads(self) -> Iterator[Read]:
        if not self.fields:
            yield (), None
        for key, node in self.fields:
            for path, scalar in node.reads():
                yield (key, *path), scalar

    def unmet(self, found: Found) -> int:
        values = _as_object(found)
        if values is None:
            return self.leaves
        return sum(node.unmet(values.get(key, MISSING)) for key, node in self.fields)

    def explain(self, found: Found, path: Path) -> Mismatch:
        return Mismatch(path, "an object", visible(found, path))


@dataclass(frozen=True, slots=True)
class Each(Node):
    """A non-empty list in which every element matches."""

    element: Node

    @property
    def leaves(self) -> int:
        return self.element.leaves

    @property
    def words(self) -> str:
        return f"a list in which every element is {self.element.words}"

    def complaints(self, found: Found, path: Path) -> Iterator[Complaint]:
        items = _as_list(found)
        if not items:
            yield self, path, found
        for position, item in enumerate(items):
            yield from self.element.complaints(item, (*path, position))

    def unmet(self, found: Found) -> int:
        return max((self.element.unmet(item) for item in _as_list(found)), default=self.leaves)


@dataclass(frozen=True, slots=True)
class Some(Node):
    """A list in which at least one element matches."""

    element: Node

    @property
    def leaves(self) -> int:
        return self.element.leaves

    @property
    def words(self) -> str:
        return f"a list with {self.element.words}"

    def complaints(self, found: Found, path: Path) -> Iterator[Complaint]:
        for item in _as_list(found):
            if holds(self.element, item):
                return
        yield self, path, found

    def unmet(self, found: Found) -> int:
        return min((self.element.unmet(item) for item in _as_list(found)), default=self.leaves)

    def explain(self, found: Found, path: Path) -> Mismatch:
        # An element that meets no leaf is not an attempt at the pattern.
        begun = [
            (self.element, item, (*path, position))
            for position, item in enumerate(_as_list(found))
            if self.element.unmet(item) < self.leaves
        ]
        return Mismatch(path, self.words, visible(found, path), _nearest_first(begun))


@dataclass(frozen=True, slots=True)
class AllOf(Node):
    """All of several patterns for the same place; an empty tuple matches anything."""

    nodes: tuple[Node, ...]

    @property
    def leaves(self) -> int:
        return sum(node.leaves for node in self.nodes)

    @property
    def words(self) -> str:
        return " and ".join(_grouped(node) for node in self.nodes) or "anything"

    def complaints(self, found: Found, path: Path) -> Iterator[Complaint]:
        for node in self.nodes:
            yield from node.complaints(found, path)

    @property
    def test(self) -> Test:
        tests = tuple(node.test for node in self.nodes)
        return lambda found: all(matches(found) for matches in tests)

    def reads(self) -> Iterator[Read]:
        if not self.nodes:
            yield (), None
        for node in self.nodes:
            yield from node.reads()

    def unmet(self, found: Found) -> int:
        return sum(node.unmet(found) for node in self.nodes)


@dataclass(frozen=True, slots=True)
class AnyOf(Node):
    """At least one of several patterns for the same place; an empty tuple matches nothing."""

    nodes: tuple[Node, ...]

    @property
    def leaves(self) -> int:
        # This many hold, whichever alternative matches.
        return min((node.leaves for node in self.nodes), default=1)

    @property
    def words(self) -> str:
        return " or ".join(_grouped(node) for node in self.nodes)

    def complaints(self, found: Found, path: Path) -> Iterator[Complaint]:
        for node in self.nodes:
            if holds(node, found):
                return
        yield self, path, found

    @property
    def test(self) -> Test:
        tests = tuple(node.test for node in self.nodes)
        return lambda found: any(matches(found) for matches in tests)

    def reads(self) -> Iterator[Read]:
        for node in self.nodes:
            for path, _ in node.reads():
                yield path, None

    def unmet(self, found: Found) -> int:
        return min((node.unmet(found) for node in self.nodes), default=1)

    def explain(self, found: Found, path: Path) -> Mismatch:
        tries = [(node, found, path) for node in self.nodes]
        return Mismatch(path, self.words, visible(found, path), _nearest_first(tries))


@dataclass(frozen=True, slots=True)
class Not(Node):
    """Anything that does not match a pattern."""

    leaves: ClassVar[int] = 1
    node: Node

    @property
    def words(self) -> str:
        return f"not {_grouped(self.node)}"

    def complaints(self, found: Found, path: Path) -> Iterator[Complaint]:
        if holds(self.node, found):
            yield self, path, found

    @property
    def test(self) -> Test:
        matches = self.node.test
        return lambda found: not matches(found)

    def reads(self) -> Iterator[Read]:
        for path, _ in self.node.reads():
            yield path, None


def _as_object(found: Found) -> JsonObject | None:
    """`found` as an object; missing and null count as an empty one. None for anything else."""
    if isinstance(found, dict):
        return found
    return {} if found is MISSING or found is None else None


def _as_list(found: Found) -> list[Json]:
    return found if isinstance(found, list) else []


def _grouped(node: Node) -> str:
    return f"({node.words})" if isinstance(node, AllOf | AnyOf) else node.words


def _distance(node: Node, found: Found) -> tuple[float, int]:
    """The share of leaves that do not hold; among equals, more leaves that hold are closer."""
    unmet = node.unmet(found)
    return unmet / max(1, node.leaves), unmet - node.leaves


def _nearest_first(tries: Iterable[tuple[Node, Found, Path]]) -> tuple[tuple[Mismatch, ...], ...]:
    ranked = sorted(tries, key=lambda attempt: _distance(attempt[0], attempt[1]))
    return tuple(
        tuple(blamed.explain(value, where) for blamed, where, value in node.complaints(found, path))
        for node, found, path in ranked[:_SHOWN_ALTERNATIVES]
    )
