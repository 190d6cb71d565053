"""A compiled condition, and how to make one."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, NamedTuple

from aloma_cli.condition.clauses import Clause, clauses_of
from aloma_cli.condition.describe import describe, fingerprint
from aloma_cli.condition.mismatch import Found, Mismatch
from aloma_cli.condition.nodes import FieldPath, Node, Scalar, Test
from aloma_cli.condition.patterns import compile_pattern
from aloma_cli.condition.place import Place
from aloma_cli.document.paths import MISSING
from aloma_cli.jsontext import Json, JsonObject, Path, show_path
from aloma_cli.values import dataclass


def compile_condition(pattern: dict[str, Any], *, name: str = "condition") -> Condition:
    """Compile `pattern`; error messages refer to it as `name`.

    Raises ConditionError for anything outside the language; its `path` leads into the pattern.
    """
    root = compile_pattern(pattern, Place(compile_pattern, name))
    reads = list(root.reads())
    return Condition(
        pattern=copy.deepcopy(pattern),
        paths=frozenset([path for path, _ in reads]),
        specificity=root.leaves,
        fingerprint=fingerprint(pattern),
        matches=root.test,
        literals={path: scalar for path, scalar in reads if scalar is not None},
        root=root,
    )


class Nearness(NamedTuple):
    """How close a document is to meeting a condition; greater is closer, compared field by field.

    `share`: the share of the leaves that hold, from 0 to 1. `met`: their number. `reached`: how much of the paths to
    the other leaves exists in the document, from 0 to 1.
    """

    share: float
    met: int
    reached: float


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled pattern. It holds no state and can serve any number of documents at once.

    `paths`: only a change at, below or above one of them can change the verdict. They are made of object keys, so a
    path ends at a list. `specificity`: the number of leaves. A literal, a type, an operator without a pattern, an
    empty object or list, and a negated pattern are one leaf each; a `$or` counts as its smallest alternative.
    `fingerprint`: equal for equal patterns in any order of keys; conditions are compared by it. `pattern`: a copy of
    what was compiled. `root`: its compiled form. `matches(document)`: whether the document meets the condition.
    `literals`: the scalar for each of the `paths` at which only one scalar matches.
    """

    pattern: dict[str, Any] = field(compare=False)
    paths: frozenset[FieldPath] = field(compare=False, repr=False)
    specificity: int = field(compare=False, repr=False)
    fingerprint: str
    matches: Test = field(compare=False, repr=False)
    literals: Mapping[FieldPath, Scalar] = field(compare=False, repr=False)
    root: Node = field(compare=False, repr=False)

    def beside(self, places: Sequence[Path]) -> tuple[str, ...]:
        """Those of `places` that it does not name, as dotted paths."""
        return tuple([show_path(place) for place in places if place not in self.paths]) if places else ()

    def mismatches(self, document: JsonObject) -> Iterator[Mismatch]:
        """Each reason why `document` does not match, lazily, in the order of the pattern."""
        for node, path, found in self.root.complaints(document, ()):
            yield node.explain(found, path)

    def clauses(self, document: JsonObject) -> Iterator[Clause]:
        """Each clause of the condition, with what `document` has there; lazily, in the order of the pattern."""
        return clauses_of(self.root, document)

    def nearness(self, document: JsonObject) -> Nearness:
        """How close `document` is to a match; ranks several conditions."""
        unmet = self.root.unmet(document)
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
        """The pattern as JSON, for display: types as names such as "str", regular expressions as `{"$regex": …}`."""
        return describe(self.pattern)


def _reached(document: Found, path: Path) -> int:
    """How many keys of `path` exist in the document."""
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
