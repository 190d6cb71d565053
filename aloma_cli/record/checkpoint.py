"""A tree as JSON, so that a long record need not be added up from its beginning.

The annotations of the classes say how each attribute is written, so a new attribute needs nothing here. A field that
has `PASSING` as its metadata is left out, and starts over in the tree that is read. Events are as in the journal.
Objects that parts of a tree share (documents) are written once, and shared again when they are read.
"""

from __future__ import annotations

import types
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import Field, fields, is_dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast, get_args, get_origin, get_type_hints

from aloma_cli.jsontext import Json, JsonObject
from aloma_cli.record.codec import from_wire, to_wire
from aloma_cli.record.events import Event
from aloma_cli.record.tree import Tree

_ROOT = Path(__file__).parents[1]

AnyTree = TypeVar("AnyTree", bound=Tree)


class _Objects:
    """The shared JSON objects of a tree; each is named by its position in `found`."""

    def __init__(self, found: list[JsonObject]) -> None:
        self.found = found
        self._numbers: dict[int, int] = {}

    def number(self, shared: JsonObject) -> int:
        """The position of an object, which is added the first time."""
        number = self._numbers.setdefault(id(shared), len(self.found))
        if number == len(self.found):
            self.found.append(shared)
        return number


class _Form(NamedTuple):
    """How values of one type are written as JSON, and read."""

    put: Callable[[Any, _Objects], Json]
    take: Callable[[Json, _Objects], Any]


def to_checkpoint(tree: Tree) -> JsonObject:
    """All that a tree is, as JSON. It shares parts with the tree, so write it before the tree changes."""
    objects, kind = _Objects([]), cast("Any", type(tree))
    return {"program": program(), "tree": _form(kind).put(tree, objects), "objects": objects.found}


def from_checkpoint(kind: type[AnyTree], checkpoint: JsonObject) -> AnyTree | None:
    """The tree that `to_checkpoint` wrote; None if another version of this program did."""
    if checkpoint.get("program") != program():
        return None
    try:
        tree: AnyTree = _form(cast("Any", kind)).take(checkpoint["tree"], _Objects(checkpoint["objects"]))
    except Exception:  # noqa: BLE001  (whatever is wrong with it, the journal has everything)
        return None
    return tree


def facts_of(tree: Tree) -> Tree:
    """The facts of a tree alone, as a tree of its own."""
    objects = _Objects([])
    facts: Tree = _form(Tree).take(_form(Tree).put(tree, objects), objects)
    return facts


@cache
def program() -> str:
    """A hash of the code that adds events up: only the same code can use the sum."""
    folders = (_ROOT, *(_ROOT / name for name in ("document", "engine", "record")))
    files = sorted(file for folder in folders for file in folder.glob("*.py*"))
    return blake2b(b"".join(file.read_bytes() for file in files), digest_size=16).hexdigest()


_PLAIN = _Form(lambda value, _: value, lambda value, _: value)
_SHARED = _Form(lambda value, objects: objects.number(value), lambda number, objects: objects.found[number])
_BYTES = _Form(lambda value, _: value.hex(), lambda value, _: bytes.fromhex(value))
_EVENT = _Form(lambda event, _: to_wire(event), lambda wire, _: from_wire(wire))


@cache
def _form(hint: Any) -> _Form:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is types.UnionType:
        return _optional(inner)
    if origin is tuple:
        return _tuple(inner)
    if origin in (list, set):
        return _several(origin, _form(inner[0]))
    if hint == JsonObject:
        return _SHARED
    if origin in (dict, defaultdict):
        return _pairs_form(origin, *inner)
    if origin is Counter:
        return _Form(lambda value, _: dict(value), lambda value, _: Counter(value))
    if hint is bytes:
        return _BYTES
    if not isinstance(hint, type) or hint in (Any, str, int, float, bool):
        return _PLAIN
    if issubclass(hint, Event):
        return _EVENT
    if is_dataclass(hint):
        return _dataclass_form(hint)
    named: Any = hint  # what is left are named tuples
    return _tuple(tuple(get_type_hints(named).values()), named._make)


def _optional(alternatives: tuple[Any, ...]) -> _Form:
    """One type or null; of several others, only plain ones need no mark that distinguishes them."""
    forms = [_form(one) for one in alternatives if one is not types.NoneType]
    if any(form is not _PLAIN for form in forms[1:]):
        raise TypeError(f"{alternatives} cannot be distinguished in JSON")
    form = forms[0]
    return _Form(
        lambda value, objects: None if value is None else form.put(value, objects),
        lambda value, objects: None if value is None else form.take(value, objects),
    )


def _tuple(inner: tuple[Any, ...], make: Callable[[Any], Any] = tuple) -> _Form:
    if inner[1:] == (Ellipsis,):
        return _several(make, _form(inner[0]))
    forms = [_form(one) for one in inner]
    return _Form(
        lambda value, objects: [form.put(one, objects) for form, one in zip(forms, value, strict=True)],
        lambda value, objects: make(form.take(one, objects) for form, one in zip(forms, value, strict=True)),
    )


def _several(make: Callable[[Any], Any], form: _Form) -> _Form:
    return _Form(
        lambda value, objects: [form.put(one, objects) for one in value],
        lambda value, objects: make(form.take(one, objects) for one in value),
    )


def _pairs_form(kind: type, key: Any, value: Any) -> _Form:
    """A dictionary as a list of pairs, because its keys may be of any type. Empty defaults are not kept."""
    pairs = _several(list, _tuple((key, value)))
    is_default = kind is defaultdict

    def put(table: Mapping[Any, Any], objects: _Objects) -> Json:
        return pairs.put([(name, one) for name, one in table.items() if one or not is_default], objects)

    def take(written: Json, objects: _Objects) -> Any:
        found = pairs.take(written, objects)
        return defaultdict(get_origin(value) or value, found) if is_default else dict(found)

    return _Form(put, take)


def _dataclass_form(kind: type) -> _Form:
    """A dataclass as an object of its fields."""
    hints = get_type_hints(kind)
    kept: list[Field[Any]] = [field for field in fields(kind) if not field.metadata.get("passing")]
    forms = {field.name: _form(hints[field.name]) for field in kept}
    made = [field.name for field in kept if field.init]
    later = [field.name for field in kept if not field.init]

    def take(written: Json, objects: _Objects) -> Any:
        one = kind(**{name: forms[name].take(written[name], objects) for name in made})
        for name in later:
            setattr(one, name, forms[name].take(written[name], objects))
        return one

    return _Form(
        lambda one, objects: {name: form.put(getattr(one, name), objects) for name, form in forms.items()}, take
    )
