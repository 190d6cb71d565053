"""The compiler's current place in a pattern, and the errors it raises there."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from aloma_cli.condition.mismatch import show
from aloma_cli.condition.nodes import Node
from aloma_cli.errors import ConditionError
from aloma_cli.jsontext import MAX_DEPTH, Path, kind_of, show_path, with_article
from aloma_cli.values import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a pattern.

    `path`: keys, operators and positions that lead there. `at_top`: whether the pattern there describes the whole
    document. `compiler` turns any pattern into a node; operators call it through `compile`.
    """

    compiler: Callable[[object, Place], Node]
    name: str
    path: Path = ()
    at_top: bool = True

    def field(self, key: str | int) -> Place:
        """The place of a field or an element: one level down in the document as well."""
        return replace(self.operand(key), at_top=False)

    def operand(self, key: str | int) -> Place:
        """The place of an operator's argument or a part of it: still at the same place in the document."""
        place = replace(self, path=(*self.path, key))
        if len(place.path) > MAX_DEPTH:
            raise ConditionError(f"{self.name} is nested deeper than {MAX_DEPTH} levels", path=place.path[:MAX_DEPTH])
        return place

    def compile(self, pattern: object) -> Node:
        """The node of the pattern here."""
        return self.compiler(pattern, self)

    def error(self, what: str, *, hint: str | None = None) -> ConditionError:
        """The error to raise: the place (`condition.order.total.$gt`), then `what` is wrong."""
        where = f"{self.name}.{show_path(self.path)}" if self.path else self.name
        return ConditionError(f"{where}: {what}", path=self.path, hint=hint)


def name_of(value: object) -> str:
    """A part of a pattern for an error message: a scalar as JSON, anything else by its type."""
    if value is None or isinstance(value, str | bool | int | float):
        return show(value)
    if isinstance(value, type):
        return f"the type {value.__name__}"
    kind = "regular expression" if isinstance(value, re.Pattern) else kind_of(value)
    return with_article(kind)
