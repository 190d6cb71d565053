"""Which conditions a change may concern, found without asking every step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from typing import TypeAlias

from aloma_cli.content.step import Step
from aloma_cli.document.changes import Change
from aloma_cli.jsontext import Json, JsonObject
from aloma_cli.values import dataclass

Value: TypeAlias = str | float | tuple[bool]
"""A scalar as a key: 1 is 1.0, as in conditions, and a boolean is neither, so it is in a tuple."""


@dataclass(slots=True)
class _Node:
    """One path that conditions name.

    `steps` read it. `any` of those may match whatever scalar is there; the others match one scalar each (`values`).
    `below`: the nodes of longer paths. `above` are the nodes of shorter ones. `reached`: this one, and all that are
    below it.
    """

    path: tuple[str, ...] = ()
    above: tuple[_Node, ...] = ()
    steps: set[str] = field(default_factory=set)
    any: set[str] = field(default_factory=set)
    values: dict[Value | None, set[str]] = field(default_factory=dict)
    below: dict[str | int, _Node] = field(default_factory=dict)
    reached: list[_Node] = field(default_factory=list)


class Index:
    """The paths that the conditions of `steps` read, with the steps that read them."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self._root = _Node()
        self._root.reached.append(self._root)
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
            if key not in node.below:
                made = node.below[key] = _Node(path[:end], (*node.above, node))
                for one in (*made.above, made):
                    one.reached.append(made)
            node = node.below[key]
        return node

    def readers(self, changes: Iterable[Change]) -> set[str]:
        """The steps whose condition names a path at, under or above one of the changes."""
        found: set[str] = set()
        for change in changes:
            node, reached = self._find(change.place)
            for one in (*node.above, node, *reached):
                found |= one.steps
        return found

    def concerned(self, changes: Iterable[Change], before: JsonObject, after: JsonObject) -> set[str]:
        """Those of `readers` whose verdict may not be the same for the documents `before` and `after` the changes."""
        found: set[str] = set()
        for change in changes:
            node, reached = self._find(change.place)
            # Only a container has something below it, so the values above are not scalars, before or after.
            for one in node.above:
                found |= one.any
            found |= node.any
            for one in reached:
                found |= one.any
                if one.values:
                    found.update(one.values.get(_scalar_at(before, one.path), ()))
                    found.update(one.values.get(_scalar_at(after, one.path), ()))
        return found

    def _find(self, place: Sequence[str | int]) -> tuple[_Node, Sequence[_Node]]:
        """The node at a place, and what is reached from there. Where there is none: the last above it, and nothing."""
        node = self._root
        for key in place:
            # Conditions do not name positions in lists, so at one of them every reader has been passed.
            if key not in node.below:
                return node, ()
            node = node.below[key]
        return node, node.reached


_SCALARS = (str, int, float)


def _scalar_at(document: Json, path: tuple[str, ...]) -> Value | None:
    """The scalar at a path that is made of keys; None where there is none."""
    for key in path:
        if not isinstance(document, dict):
            return None
        document = document.get(key)
    return _value(document)


def _value(found: Json | object) -> Value | None:
    if isinstance(found, bool):
        return (found,)
    return found if isinstance(found, _SCALARS) else None
