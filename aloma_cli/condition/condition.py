"""A compiled condition, and how to make one."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aloma_cli.condition.describe import describe, fingerprint
from aloma_cli.condition.mismatch import Found, Mismatch
from aloma_cli.condition.nodes import FieldPath, Node, Scalar, Test
from aloma_cli.condition.patterns import compile_pattern
from aloma_cli.condition.place import Place
from aloma_cli.document.paths import MISSING
from aloma_cli.jsontext import Json, JsonObject, Path


def compile_condition(pattern: dict[str, Any], *, name: str = "condition") -> Condition:
    """Compile `pattern`; `name` is what error messages call it.

    Raises ConditionError, whose `path` leads into the pattern, for anything that is not of the language.
    """
    root = compile_pattern(pattern, Place(compile_pattern, name))
    return Condition(
        pattern=copy.deepcopy(pattern),
        paths=frozenset(root.reads()),
        specificity=root.leaves,
        fingerprint=fingerprint(pattern),
        matches=root.test(),
        literals=dict(root.literals()),
        _root=root,
    )


class Nearness(NamedTuple):
    """How near a document comes to a condition; the greater the nearer, in this order.

    `share` is the part of its leaves that hold, from 0 to 1, and `met` their number. `reached` is how far down the
    paths to the other leaves the document goes, from 0 to 1.
    """

    share: float
    met: int
    reached: float


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled pattern. It holds no state and may be used for any number of documents at once.

    `paths`: only a change at, under or above one of them can alter the verdict; keys of objects, so a path ends at
    a list. `specificity`: the number of leaves; a literal, a type, an operator that takes no pattern, an empty object
    or list and a negated pattern are one each, parents none. A `$or` counts as its smallest alternative, since that
    much holds whichever it was; `{}` as the whole condition has none. `fingerprint`: equal for equal patterns,
    whatever the order of their keys; conditions are compared by it. `pattern` is a copy of what was compiled.
    `matches(document)` tells whether a document has everything the condition wants. `literals`: for those `paths` at
    which one scalar matches and no other value, that scalar.
    """

    pattern: dict[str, Any] = field(compare=False)
    paths: frozenset[FieldPath] = field(compare=False, repr=False)
    specificity: int = field(compare=False, repr=False)
    fingerprint: str
    matches: Test = field(compare=False, repr=False)
    literals: Mapping[FieldPath, Scalar] = field(compare=False, repr=False)
    _root: Node = field(compare=False, repr=False)

    def mismatches(self, document: JsonObject) -> Iterator[Mismatch]:
        """Everything that keeps `document` from matching, lazily, in the order of the pattern."""
        for node, path, found in self._root.complaints(document, ()):
            yield node.explain(found, path)

    def nearness(self, document: JsonObject) -> Nearness:
        """How near `document` comes, to rank several conditions by."""
        unmet = self._root.unmet(document)
        if not unmet:
            return Nearness(1.0, self.specificity, 1.0)
        paths = [left.path for mismatch in self.mismatches(document) for left in mismatch.nearest]
        reached = sum(_reached(document, path) for path in paths)
        return Nearness(
            share=1 - unmet / self.specificity,
            met=self.specificity - unmet,
            reached=reached / max(1, sum(map(len, paths))),
        )

    def describe(self) -> Json:
        """The pattern as JSON, for display: types as words such as "str", expressions as `{"$regex": …}`."""
        return describe(self.pattern)


def _reached(document: Found, path: Path) -> int:
    """How many steps of `path` the document has."""
    for depth, key in enumerate(path):
        if isinstance(document, dict):
            document = document.get(key, MISSING)
        elif isinstance(document, list) and isinstance(key, int):
            document = document[key]
        else:
            document = MISSING
        if document is MISSING:
            return depth
    return len(path)
