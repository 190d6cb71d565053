"""The clauses of a condition, those that hold as well: what is wanted where, and what the document has there."""

from __future__ import annotations

from collections.abc import Iterator

from aloma_cli.condition.mismatch import Found, Mismatch, sentence, visible
from aloma_cli.condition.nodes import AllOf, AnyOf, Node, Object, Some, holds
from aloma_cli.document.paths import MISSING
from aloma_cli.jsontext import Path
from aloma_cli.values import dataclass


@dataclass(frozen=True, slots=True)
class Clause:
    """At `path` the document has `found`, and `wanted` (in words) is wanted. `mismatch`: why it does not hold."""

    path: Path
    wanted: str
    found: Found
    mismatch: Mismatch | None = None

    @property
    def holds(self) -> bool:
        return self.mismatch is None

    @property
    def missing(self) -> bool:
        """Whether the document has no value at `path`."""
        return self.found is MISSING

    def __str__(self) -> str:
        return str(self.mismatch) if self.mismatch is not None else sentence(self.path, self.found, self.wanted)


def clauses_of(node: Node, found: Found, path: Path = ()) -> Iterator[Clause]:
    """The clauses of `node` for the value `found` at `path`, in the order of the pattern.

    Of a `$or` that holds only the alternative that holds counts, of a list the element that matches.
    """
    match node:
        case Object(fields=fields) if fields and (found is MISSING or found is None or isinstance(found, dict)):
            values = found if isinstance(found, dict) else {}
            for key, part in fields:
                yield from clauses_of(part, values.get(key, MISSING), (*path, key))
        case AllOf(nodes=nodes):
            for part in nodes:
                yield from clauses_of(part, found, path)
        case AnyOf(nodes=nodes) if holds(node, found):
            yield from clauses_of(next(part for part in nodes if holds(part, found)), found, path)
        case Some(element=element) if holds(node, found):
            position = next(at for at, item in enumerate(found) if holds(element, item))
            yield from clauses_of(element, found[position], (*path, position))
        case _:
            blamed = next(node.complaints(found, path), None)
            mismatch = None if blamed is None else blamed[0].explain(blamed[2], blamed[1])
            yield Clause(path, node.words, visible(found, path), mismatch)
