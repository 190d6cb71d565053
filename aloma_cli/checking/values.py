"""What is known about a value before it exists: a literal, a kind, the fields of an object, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from typing import Any, TypeAlias

from aloma_cli.checking.places import value_for
from aloma_cli.jsontext import Json, is_number
from aloma_cli.values import dataclass

STAR = "*"
"""In a path: a key that is not known, or a position in a list."""

Keys: TypeAlias = tuple[str, ...]
"""A place in a document; keys, and STAR."""


class Value:
    """Nothing is known about it."""

    __slots__ = ()


ANY = Value()


@dataclass(frozen=True, slots=True)
class Known(Value):
    """A scalar: exactly this one."""

    value: Any


@dataclass(frozen=True, slots=True)
class OfType(Value):
    """Some value of a JSON type; an integer and a float are both `float`."""

    kind: type


@dataclass(slots=True, eq=False)
class Obj(Value):
    """An object with these fields; with others too, if it is `open`."""

    fields: dict[str, list[Value]] = field(default_factory=dict)
    open: bool = False

    def values(self) -> list[Value]:
        """What its fields may be."""
        return [one for values in self.fields.values() for one in values]

    def set(self, key: str, values: Iterable[Value]) -> None:
        """Write a field; STAR opens the object."""
        if key == STAR:
            self.open = True
        else:
            self.fields[key] = [*self.fields.get(key, ()), *values]


@dataclass(slots=True, eq=False)
class Lst(Value):
    """A list of such elements."""

    elements: list[Value] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Doc(Value):
    """What is at a place of the document of the firing."""

    path: Keys


def text_of(value: Value) -> str | None:
    """The string that a value is known to be."""
    return value.value if isinstance(value, Known) and isinstance(value.value, str) else None


def is_text(value: Value) -> bool:
    """Whether a value is some string."""
    return isinstance(value, OfType) and value.kind is str


def sample(value: Json) -> Value:
    """What an example shows: types and fields, but no scalar, because other data has other scalars."""
    if isinstance(value, dict):
        return Obj({key: [sample(inner)] for key, inner in value.items()})
    if isinstance(value, list):
        return Lst([sample(one) for one in value])
    if value is None:
        return ANY
    return OfType(float if is_number(value) else type(value))


@dataclass(frozen=True, slots=True, eq=False)
class Write:
    """A value that is written at a place. `by`: a step, a file. `line`: in the step's file. `certain`: in each firing.

    `appends`: to a list, where others may append too. `removes`: the place is gone afterwards.
    """

    path: Keys
    value: Value
    by: str
    line: int = 0
    certain: bool = False
    appends: bool = False
    removes: bool = False


class Writes:
    """All that may be written into documents of a workspace."""

    def __init__(self, writes: Iterable[Write]) -> None:
        self._all = [write for write in writes if not write.removes]
        self._known: dict[Keys, list[PossibleValue]] = {}

    def values_at(self, path: Keys) -> list[Value]:
        """What may be at `path`; empty if nothing ever is."""
        return [found.value for found in self._at(path)]

    def is_named(self, path: Keys) -> bool:
        """Whether something that can be read names this place, rather than any place."""
        return any(found.named for found in self._at(path))

    def keys_at(self, path: Keys) -> set[str]:
        """The names of the fields that may be in the object at `path`."""
        longer = [write.path for write in self._all if len(write.path) > len(path) and fits(write.path, path)]
        fields = {key for value in self.values_at(path) if isinstance(value, Obj) for key in value.fields}
        keys = fields | {other[len(path)] for other in longer}
        return {key for key in keys if key != STAR and not key.startswith("$")}

    def _at(self, path: Keys) -> list[PossibleValue]:
        if path not in self._known:
            self._known[path] = _UNDER_WAY  # what is copied from its own place adds nothing
            found = (found for write in self._all for found in self._of(write, path))
            # One value comes by many ways where places are copied into each other.
            self._known[path] = list({(id(one.value), one.named): one for one in found}.values())
        return self._known[path]

    def _of(self, write: Write, path: Keys) -> Iterator[PossibleValue]:
        if not fits(write.path, path):
            return
        named = write.path[:1] != (STAR,)
        if len(write.path) > len(path):
            yield PossibleValue(Lst() if write.appends else Obj(open=True), named)
            return
        for found in self._inside(write.value, path[len(write.path) :]):
            yield PossibleValue(found.value, named and found.named)

    def _inside(self, value: Value, rest: Keys) -> Iterator[PossibleValue]:
        for found in below(value, rest):
            if isinstance(found.value, Doc):
                source = self._at(found.value.path[:_DEEPEST])
                yield from source
                if not source and source is not _UNDER_WAY:
                    yield PossibleValue(ANY, found.named)
            else:
                yield found


@dataclass(frozen=True, slots=True, eq=False)
class PossibleValue:
    """A value that may be at a place. `named`: the place is named where it is written."""

    value: Value
    named: bool = True


_DEEPEST = 24
_UNDER_WAY: list[PossibleValue] = []


def below(value: Value, rest: Keys) -> Iterator[PossibleValue]:
    """What may be below `value` at `rest`; a place of the document is given as it is."""
    if isinstance(value, Doc):
        yield PossibleValue(Doc((*value.path, *rest)), named=not rest)
    elif not rest:
        yield PossibleValue(value)
    elif isinstance(value, Obj):
        for one in value.values() if rest[0] == STAR else value.fields.get(rest[0], []):
            yield from below(one, rest[1:])
        if value.open:
            yield PossibleValue(ANY, named=False)
    elif isinstance(value, Lst) and (rest[0] == STAR or rest[0].isdigit()):
        for one in value.elements:
            yield from below(one, rest[1:])
    elif type(value) is Value:
        yield PossibleValue(ANY, named=False)


def fits(path: Keys, other: Keys) -> bool:
    """Whether two places may be the same, as far as both are given."""
    return all(one == two or STAR in (one, two) for one, two in zip(path, other, strict=False))


Test: TypeAlias = Callable[[Any], bool]


_SAMPLES: Mapping[type, tuple[Any, ...]] = {list: ([], ["a"]), dict: ({}, {"a": 1})}
_TYPES: Mapping[type, Any] = {float: {"$or": [int, float]}}
"""The pattern of a kind, where that is not the type itself."""


def may_meet(value: Value, pattern: Any, test: Test) -> bool:
    """Whether a value of which this is known may pass `test`, the test of `pattern`."""
    is_type = isinstance(pattern, type)
    match value:
        case Known():
            return test(value.value)
        case OfType():
            return not value_for(_TYPES.get(value.kind, value.kind), pattern).proven
        case Lst():
            return any(map(test, _SAMPLES[list])) or not is_type
        case Obj():
            return any(map(test, _SAMPLES[dict])) or not is_type
    return True
