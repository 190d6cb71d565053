"""Where the compiler stands in a pattern, and how it refuses what it finds there."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from aloma_cli.condition.mismatch import show
from aloma_cli.condition.nodes import Node
from aloma_cli.errors import ConditionError
from aloma_cli.jsontext import MAX_DEPTH, Path, kind_of, show_path


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a pattern.

    `path` leads there through keys, operators and positions; `at_top` says that the pattern there describes the whole
    document. `compiler` turns any pattern into a node: operators that hold patterns call it through `compile`.
    """

    compiler: Callable[[object, Place], Node]
    name: str
    path: Path = ()
    at_top: bool = True

    def field(self, key: str | int) -> Place:
        """The place of a field or an element, one level down in the document too."""
        return replace(self.operand(key), at_top=False)

    def operand(self, key: str | int) -> Place:
        """The place of an operator's argument, or of a part of it: at the same place of the document."""
        place = replace(self, path=(*self.path, key))
        if len(place.path) > MAX_DEPTH:
            raise ConditionError(f"{self.name} is nested deeper than {MAX_DEPTH} levels", path=place.path[:MAX_DEPTH])
        return place

    def compile(self, pattern: object) -> Node:
        """The node of the pattern that stands here."""
        return self.compiler(pattern, self)

    def error(self, what: str, *, hint: str | None = None) -> ConditionError:
        """An error that says where (`condition.order.total.$gt`) and `what` is wrong."""
        where = f"{self.name}.{show_path(self.path)}" if self.path else self.name
        return ConditionError(f"{where}: {what}", path=self.path, hint=hint)


def name_of(value: object) -> str:
    """A part of a pattern as an error message calls it: JSON where it is a scalar, else its kind."""
    if value is None or isinstance(value, str | bool | int | float):
        return show(value)
    if isinstance(value, type):
        return f"the type {value.__name__}"
    kind = "regular expression" if isinstance(value, re.Pattern) else kind_of(value)
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
