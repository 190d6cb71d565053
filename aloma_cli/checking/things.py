"""What the reader of a source meets beside values of a document: functions, handles, modules, scopes."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Protocol, TypeAlias

from aloma_cli.checking.facts import Facts
from aloma_cli.checking.values import ANY, STAR, Doc, Known, Lst, OfType, Value, text_of
from aloma_cli.values import dataclass

Values: TypeAlias = list[Value]
"""What something may be."""

KINDS = {"str": str, "int": float, "float": float, "bool": bool, "list": list, "dict": dict}


@dataclass(frozen=True, slots=True, eq=False)
class SourceFunction(Value):
    """A function of the step's file or of a library. `around`: the names of the function that it is defined in."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    module: Module
    around: Mapping[str, Values] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Handle(Value):
    """What content is given: `task`, `connectors.openai`, `task.subtask`, …"""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ChatAnswer(Value):
    """What `connectors.NAME.chat` returns."""

    data: Values


@dataclass(frozen=True, slots=True, eq=False)
class Module(Value):
    """A file: its functions, and the values of its constants, read when they are used."""

    functions: Mapping[str, ast.FunctionDef | ast.AsyncFunctionDef]
    constants: Mapping[str, ast.expr]
    imported: frozenset[str]
    classes: frozenset[str]

    @classmethod
    def of(cls, text: str) -> Module:
        """The module with this source. Raises SyntaxError."""
        body = ast.parse(text).body
        functions = {one.name: one for one in body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
        constants = {
            target.id: one.value
            for one in body
            if isinstance(one, ast.Assign)
            for target in one.targets
            if isinstance(target, ast.Name)
        }
        names = {a.asname or a.name for one in body if isinstance(one, ast.Import | ast.ImportFrom) for a in one.names}
        classes = {one.name for one in body if isinstance(one, ast.ClassDef)}
        return cls(functions, constants, frozenset(names), frozenset(classes))


@dataclass(frozen=True, slots=True, eq=False)
class Called(Value):
    """An attribute of a value, which is likely to be called: `data["x"].append`."""

    owner: Value
    name: str


@dataclass(slots=True)
class Scope:
    """The names of a function, and what it may return."""

    module: Module
    names: dict[str, Values]
    returned: Values = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Pattern(OfType):
    """A string with a STAR for each part that is not known."""

    text: str = ""

    def __init__(self, text: str) -> None:
        object.__setattr__(self, "kind", str)
        object.__setattr__(self, "text", text)


class Evaluator(Protocol):
    """What the meaning of a call asks of the reader of the source."""

    step: str
    facts: Facts

    @property
    def sure(self) -> bool:
        """Whether the present line runs in each firing."""

    def eval(self, node: ast.expr, scope: Scope) -> Values:
        """What an expression may be."""

    def keys(self, values: Values) -> list[str]:
        """The keys that a subscript may be."""

    def elements(self, values: Values) -> Values:
        """What a loop over these values meets."""

    def item(self, owner: Value, key: str) -> Values:
        """What is in a value at a key."""

    def enter(self, function: SourceFunction, arguments: Mapping[str, Values]) -> Values:
        """Run a function of the author's; returns what it may return."""

    def write(
        self, path: tuple[str, ...], value: Value, line: int, *, appends: bool = False, later: bool = False
    ) -> None:
        """Note a write; `later`: it is not part of the firing's own commit, or it may not happen."""

    def spread(self, path: tuple[str, ...], values: Values, line: int) -> None:
        """Note that the fields of `values` are written below a place."""

    def remove(self, path: tuple[str, ...], line: int) -> None:
        """Note that a place is removed."""

    def escape(self, values: Iterable[Value], line: int) -> None:
        """A value is given to code that cannot be read."""


def one_of(values: Values) -> Value:
    """What something is that may be all of this: its place in the document counts most."""
    return values[0] if len(values) == 1 else next((one for one in values if isinstance(one, Doc)), ANY)


def place_of(values: Values) -> list[tuple[str, ...]]:
    """The places that a dotted path or a tuple of keys may name."""
    places: list[tuple[str, ...]] = []
    for value in values:
        if (text := text_of(value)) is not None:
            places.append(tuple(text.split(".")))
        elif isinstance(value, Pattern):
            places.append(tuple(STAR if STAR in key else key for key in value.text.split(".")))
        elif isinstance(value, Lst):
            places.append(tuple(key_of(one) for one in value.elements))
        elif not (isinstance(value, Known) and value.value is None):
            places.append((STAR,))
    return places


def key_of(value: Value) -> str:
    if (text := text_of(value)) is not None:
        return text
    if isinstance(value, Known) and isinstance(value.value, int) and value.value >= 0:
        return str(value.value)
    return STAR
