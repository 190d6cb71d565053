"""Dicts and lists that know what was written to them, so that the cost of a draft follows what a step touches, not its
size.

A tracked container starts as a shallow copy of a committed one. A committed container below it is replaced when it is
first reached: a small one by a plain copy, a large one by another tracked container. So an author gets plain values
nearly everywhere, and nothing that is handed out is part of the committed document.

Storage is always complete, because C code (the JSON encoder, `==`, `repr`) reads it past the methods here. Two ways
remain to reach a committed container: `dict.__getitem__(data, key)`, and `heapq` on a large list of containers.

What was read is noted as well, key by key in an object and item by item in a list of containers. A container that was
handed out as a plain copy counts as read, as does one that was asked for all it has.
"""

# ruff: noqa: SLF001  (the two classes know one another)

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self, SupportsIndex

from aloma_cli.document.changes import Change
from aloma_cli.document.diff import appended, collect_field, compare
from aloma_cli.errors import ContentError
from aloma_cli.jsontext import Json, JsonObject, Path

SMALL = 256
"""A container with at most this many values in all is handed out as a plain copy."""

Copied = dict[int, list[Any]]
"""What was handed out for the items of committed lists, by the `id` of the list: it shows which item was which."""

_KINDS = (dict, list)
_CONTAINERS = frozenset(_KINDS)
_get, _set, _items, _has = dict.__getitem__, dict.__setitem__, dict.items, dict.__contains__
_get_item, _set_item, _iter_items = list.__getitem__, list.__setitem__, list.__iter__


class TrackedDict(dict[str, Any]):
    """A `dict` with marks: `_written` has the keys that were set or removed, `_reached` the copies handed out.

    `_read` has the keys that were asked for while they were as committed; with `_all`, any key was. `_removed`: a key
    was removed, perhaps to be set again.
    """

    __slots__ = ("_all", "_base", "_copies", "_reached", "_read", "_removed", "_written")

    def __init__(self, base: JsonObject, copies: Copied | None = None) -> None:
        super().__init__(base)
        self._begin(base, {} if copies is None else copies)

    def _begin(self, base: JsonObject, copies: Copied) -> None:
        self._base = base
        self._copies = copies
        self._written: dict[str, None] = {}
        self._reached: dict[str, Any] = {}
        self._read: dict[str, None] = {}
        self._removed = False
        self._all = False

    def _reach(self, key: str, value: Any) -> Any:
        """What to hand out for `value`, found at `key`."""
        if type(value) in _CONTAINERS and key not in self._written and key not in self._reached:
            value = self._reached[key] = _handed_out(value, self._copies)
            _set(self, key, value)
        return value

    def _reach_all(self) -> None:
        self._all = True
        for key, value in list(_items(self)):
            self._reach(key, value)

    def __getitem__(self, key: str) -> Any:
        if key not in self._written:
            self._read[key] = None
        value = _get(self, key)
        return self._reach(key, value) if type(value) in _CONTAINERS else value

    def __contains__(self, key: Any) -> bool:
        if key not in self._written:
            self._read[key] = None
        return _has(self, key)

    def get(self, key: str, default: Any = None) -> Any:
        if key not in self._written:
            self._read[key] = None
        if not _has(self, key):
            return default
        value = _get(self, key)
        return self._reach(key, value) if type(value) in _CONTAINERS else value

    def __iter__(self) -> Iterator[str]:
        # Overridden also so that C code which copies dicts (`dict(data)`, `{**data}`) asks for each item.
        self._all = True
        return super().__iter__()

    def values(self) -> Any:
        self._reach_all()
        return super().values()

    def items(self) -> Any:
        self._reach_all()
        return super().items()

    def __setitem__(self, key: str, value: Any) -> None:
        self._written[key] = None
        _set(self, key, value)

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self._written[key] = None
        self._removed = True

    def setdefault(self, key: str, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *others: Any, **fields: Any) -> None:
        for key, value in dict(*others, **fields).items():
            self[key] = value

    def __ior__(self, other: Any) -> Self:  # type: ignore[override]
        self.update(other)
        return self

    def pop(self, key: str, *default: Any) -> Any:
        if key not in self:
            return super().pop(key, *default)
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[str, Any]:
        if not self:
            return super().popitem()
        key = next(reversed(self))
        return key, self.pop(key)

    def clear(self) -> None:
        self._written.update(dict.fromkeys(super().keys()))
        self._removed = True
        super().clear()

    def copy(self) -> dict[str, Any]:
        return dict(self)

    __copy__ = copy

    def __or__(self, other: Any) -> Any:
        return dict(self) | dict(other) if isinstance(other, dict) else NotImplemented

    def __ror__(self, other: Any) -> Any:
        return dict(other) | dict(self) if isinstance(other, dict) else NotImplemented

    def __deepcopy__(self, memo: Any) -> Any:
        return plain(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return dict, (plain(self),)

    @classmethod
    def fromkeys(cls, keys: Iterable[Any], value: Any = None) -> dict[Any, Any]:
        return dict.fromkeys(keys, value)

    def _collect(self, path: Path, changes: list[Change]) -> None:
        """Add the changes since the copy was made; it is at `path` of the document."""
        written, base = self._written, self._base
        removed: list[str] = []
        if self._removed:
            removed = [key for key in written if not _has(self, key)]
            changes.extend([Change("remove", (*path, key)) for key in removed if key in base])
        for key in written:
            if key not in removed:
                collect_field(base, key, _get(self, key), path, changes, self._copies)
        for key, value in self._reached.items():
            if key not in written:
                _collect(base[key], value, (*path, key), changes, self._copies)

    def _reads(self, path: Path) -> list[Path]:
        """The places that were read; `path` is that of this one."""
        if self._all or not (self._read or self._written):
            return [path]
        keys = [key for key in self._read if isinstance(key, str)]
        return [read for key in keys for read in _reads(self._reached.get(key), (*path, key))]


class TrackedList(list[Any]):
    """A `list` with marks. Any write but `append`, `extend` and the setting of one item makes it a plain copy."""

    __slots__ = ("_all", "_base", "_copies", "_detached", "_reached", "_written")

    def __init__(self, base: list[Json], copies: Copied) -> None:
        super().__init__(base)
        self._base = base
        self._copies = copies
        copies[id(base)] = base.copy()
        self._detached = False
        self._written = False
        self._all = False
        self._reached: dict[int, Any] = {}

    def _reach(self, index: int, value: Any) -> Any:
        if type(value) in _CONTAINERS and index < len(self._base) and value is self._base[index]:
            value = self._reached[index] = self._copies[id(self._base)][index] = _handed_out(value, self._copies)
            _set_item(self, index, value)
        return value

    def _reach_all(self) -> None:
        self._all = True
        if not self._detached:
            for index, value in enumerate(_iter_items(self)):
                self._reach(index, value)

    def _detach(self) -> None:
        """From here on positions mean nothing: the list is compared as a whole."""
        self._reach_all()
        self._detached = True

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            self._reach_all()
            return super().__getitem__(index)
        value = _get_item(self, index)
        if self._detached or type(value) not in _CONTAINERS:
            self._all = True
            return value
        return self._reach(self._position(index), value)

    def _position(self, index: SupportsIndex) -> int:
        position = index.__index__()
        return position if position >= 0 else len(self) + position

    def __iter__(self) -> Iterator[Any]:
        self._reach_all()
        return super().__iter__()

    def __reversed__(self) -> Iterator[Any]:
        self._reach_all()
        return super().__reversed__()

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, slice):
            self._detach()
        else:
            self._written = True
        super().__setitem__(index, value)

    def __iadd__(self, values: Any) -> Self:
        self.extend(values)
        return self

    def copy(self) -> list[Any]:
        return list(self)

    __copy__ = copy

    def __add__(self, other: Any) -> Any:
        return list(self) + list(other) if isinstance(other, list) else NotImplemented

    def __radd__(self, other: Any) -> Any:
        return list(other) + list(self) if isinstance(other, list) else NotImplemented

    def __mul__(self, times: SupportsIndex) -> list[Any]:
        return list(self) * times

    __rmul__ = __mul__

    def __deepcopy__(self, memo: Any) -> Any:
        return plain(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return list, (plain(self),)

    def _collect(self, path: Path, changes: list[Change]) -> None:
        """Add the changes since the copy was made; it is at `path` of the document."""
        base, most = self._base, len(self._base)
        if self._detached or len(self) < most or self._written or self._moved():
            compare(base, list(_iter_items(self)), path, changes, self._copies)
            return
        for index in sorted(self._reached):
            _collect(base[index], _get_item(self, index), (*path, index), changes, self._copies)
        changes.extend(appended(super().__getitem__(slice(most, None)), path, most))

    def _reads(self, path: Path) -> list[Path]:
        """As those of an object. An item that is not a container counts as all of the list."""
        if self._all or not self._reached:
            return [path]
        return [read for index, item in self._reached.items() for read in _reads(item, (*path, index))]

    def _moved(self) -> bool:
        """Whether C code such as `heapq` wrote past the methods here: an item is neither committed nor handed out."""
        expected = self._copies[id(self._base)]
        begin = self if len(self) == len(expected) else super().__getitem__(slice(len(expected)))
        # Comparing the same objects is quick. Where they are objects of JSON, which have no order, that is enough.
        lists = bool(expected) and type(expected[0]) is not dict
        return list.__ne__(begin, expected) or (lists and any(map(operator.is_not, _iter_items(begin), expected)))


def _noting(method: Callable[..., Any], note: Callable[[Any], None]) -> Callable[..., Any]:
    """`method` of a tracked container, after `note` was made of its use."""

    @functools.wraps(method)
    def use(self: Any, *arguments: Any, **options: Any) -> Any:
        note(self)
        return method(self, *arguments, **options)

    return use


def _ask_all(container: TrackedDict | TrackedList) -> None:
    container._all = True


for _name in ("__delitem__", "__imul__", "clear", "insert", "pop", "remove", "reverse", "sort"):
    setattr(TrackedList, _name, _noting(getattr(list, _name), TrackedList._detach))
for _name in ("__eq__", "__ne__", "__contains__", "index", "count", "__str__", "__deepcopy__", "__reduce_ex__"):
    setattr(TrackedList, _name, _noting(getattr(TrackedList, _name), _ask_all))
for _name in ("__eq__", "__ne__", "__reversed__", "__str__", "__deepcopy__", "__reduce_ex__", "keys"):
    setattr(TrackedDict, _name, _noting(getattr(TrackedDict, _name), _ask_all))
# An author who mistakes a type should read the name of the one that was promised.
for _class, _plain in ((TrackedDict, dict), (TrackedList, list)):
    _class.__name__ = _class.__qualname__ = _plain.__name__


class EndedDict(TrackedDict):
    """What the data of a firing becomes when the firing has ended. Each use raises: a late write would be lost."""

    __slots__ = ()


def _lost(_data: EndedDict, *_arguments: Any, **_options: Any) -> Any:
    raise ContentError(
        "this firing has ended, so its data can no longer be read or written: wait for everything that the step starts"
    )


_USES = """
    __getitem__ __setitem__ __delitem__ __iter__ __contains__ __len__ __or__ __ror__ __ior__ __copy__ __deepcopy__
    get keys values items setdefault update pop popitem clear copy
"""
for _name in _USES.split():
    setattr(EndedDict, _name, _lost)


def plain(value: Any, copies: Copied | None = None) -> Any:
    """A deep copy of a draft's value in plain dicts and lists.

    `copies`: takes, by the `id` of each list in `value`, the copies of its items.
    """
    if isinstance(value, dict):
        return {key: plain(item, copies) if isinstance(item, _KINDS) else item for key, item in _items(value)}
    if not isinstance(value, list):
        return value
    made = [plain(item, copies) if isinstance(item, _KINDS) else item for item in _iter_items(value)]
    if copies is not None:
        copies[id(value)] = made.copy()
    return made


def _handed_out(committed: Any, copies: Copied) -> Any:
    if _room_left(committed, SMALL) >= 0:
        return plain(committed, copies)
    return TrackedDict(committed, copies) if type(committed) is dict else TrackedList(committed, copies)


def _room_left(container: Any, room: int) -> int:
    """How many of `room` values are left beside those of `container`; below 0 where it has more."""
    room -= len(container)
    if room >= 0:
        for value in container.values() if type(container) is dict else container:
            if type(value) in _CONTAINERS:
                room = _room_left(value, room)
                if room < 0:
                    break
    return room


def _reads(value: Any, path: Path) -> list[Path]:
    return value._reads(path) if isinstance(value, TrackedDict | TrackedList) else [path]


def _collect(old: Json, new: Any, path: Path, changes: list[Change], copies: Copied) -> None:
    if isinstance(new, TrackedDict | TrackedList) and new._base is old:
        new._collect(path, changes)
    else:
        compare(old, new, path, changes, copies)
