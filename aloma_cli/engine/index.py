"""Which conditions a change may concern, found without asking every step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field
from typing import TypeAlias

from aloma_cli.content.step import Step
from aloma_cli.document.changes import Change
from aloma_cli.jsontext import Json, JsonObject
from aloma_cli.values import dataclass

Value: TypeAlias = tuple[bool, object]
"""A scalar as a key: 1 is 1.0, as in conditions, and True is neither."""


@dataclass(slots=True)
class _Node:
    """One path that conditions name.

    `steps` read it. `any` of those may match whatever scalar is there; the others match one scalar each (`values`).
    """

    path: tuple[str, ...] = ()
    steps: set[str] = field(default_factory=set)
    any: set[str] = field(default_factory=set)
    values: dict[Value | None, set[str]] = field(default_factory=dict)
    below: dict[str | int, _Node] = field(default_factory=dict)

    def all_below(self) -> Iterator[_Node]:
        for node in self.below.values():
            yield node
            yield from node.all_below()


class Index:
    """The paths that the conditions of `steps` read, with the steps that read them."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self._root = _Node()
        for step in steps:
            for path in step.condition.paths:
                node = self._node(path)
                node.steps.add(step.name)
                if path in step.condition.literals:
                    node.values.setdefault(_value(step.condition.literals[path]), set()).add(step.name)
                else:
                    node.any.add(step.name)

    def _node(self, path: tuple[str, ...]) -> _Node:
        node = self._root
        for end, key in enumerate(path, 1):
            node = node.below.setdefault(key, _Node(path[:end]))
        return node

    def readers(self, changes: Iterable[Change]) -> set[str]:
        """The steps whose condition names a path at, under or above one of the changes."""
        found: set[str] = set()
        for change in changes:
            above, at = self._way(change.place)
            for node in (*above, *at):
                found |= node.steps
        return found

    def concerned(self, changes: Iterable[Change], before: JsonObject, after: JsonObject) -> set[str]:
        """Those of `readers` whose verdict may not be the same for the documents `before` and `after` the changes."""
        found: set[str] = set()
        for change in changes:
            above, at = self._way(change.place)
            for node in above:
                # Only a container has something below it, so the value is not a scalar, before or after.
                found |= node.any
            for node in at:
                found |= node.any
                if node.values:
                    found.update(node.values.get(_scalar_at(before, node.path), ()))
                    found.update(node.values.get(_scalar_at(after, node.path), ()))
        return found

    def _way(self, place: Sequence[str | int]) -> tuple[list[_Node], list[_Node]]:
        """The nodes above a place, and those at it and below."""
        above, node = [], self._root
        for key in place:
            above.append(node)
            # Conditions do not name positions in lists, so at one of them every reader has been passed.
            below = node.below.get(key)
            if below is None:
                return above, []
            node = below
        return above, [node, *node.all_below()] if node.below else [node]


_SCALARS = (str, int, float)


def _scalar_at(document: Json, path: tuple[str, ...]) -> Value | None:
    """The scalar at a path that is made of keys; None where there is none."""
    for key in path:
        if not isinstance(document, dict):
            return None
        document = document.get(key)
    return _value(document)


def _value(found: Json | object) -> Value | None:
    return (isinstance(found, bool), found) if isinstance(found, _SCALARS) else None
