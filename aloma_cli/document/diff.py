"""The changes between two versions of a document."""

from __future__ import annotations

import math
from typing import Any

from aloma_cli.document.changes import Change
from aloma_cli.errors import DocumentError
from aloma_cli.jsontext import LONGEST_INTEGER, MAX_DEPTH, Json, Path, is_too_long, show_path

_PLAIN = frozenset({str, bool, type(None)})
_SCALARS = _PLAIN | {int}
_PATH_SHOWN = 3


def diff(before: Json, after: Any) -> list[Change]:
    """The changes that make `after` from `before`; empty where every value is equal and of the same type.

    `after` is what a step left and may be anything: raises DocumentError, naming path and type, where it is not JSON
    (tuples count as lists, subclasses of dict, list, str, int and float as what they derive from). Values in the
    result share nothing with `after`.
    """
    changes: list[Change] = []
    compare(before, after, (), changes)
    return changes


def same(one: Json, other: Json) -> bool:
    """Equal as JSON and in type: 1 is neither True nor 1.0."""
    kind = type(one)
    if kind is not type(other) or one != other:
        return False
    if kind is dict:
        return all(same(value, other[key]) for key, value in one.items())
    if kind is list:
        return all(map(same, one, other))
    return True


def clean_copy(value: Any, name: str | None = None) -> Json:
    """A copy of `value` in plain JSON types that shares nothing with it.

    Raises DocumentError for what is not JSON; `name` is what it calls a value that stands in no document.
    """
    return _copy(value, () if name is None else (name,), MAX_DEPTH)


def _copy(value: Any, path: Path, levels: int) -> Json:
    """`levels`: how deep `value`, which stands at `path`, may nest."""
    if type(value) in _PLAIN:
        return value
    if not isinstance(value, dict | list | tuple):
        return _scalar(value, path)
    if not levels:
        raise DocumentError(
            f"{show_path(path[:_PATH_SHOWN])}… is nested deeper than {MAX_DEPTH} levels (does it hold itself?)",
            path=path,
        )
    if isinstance(value, dict):
        return {_key(key, path): _copy(item, (*path, key), levels - 1) for key, item in value.items()}
    return [_copy(item, (*path, index), levels - 1) for index, item in enumerate(value)]


def _copy_at(value: Any, path: Path) -> Json:
    """A copy of what stands at `path` of a document, which may nest so much less."""
    return _copy(value, path, MAX_DEPTH - len(path))


def _scalar(value: Any, path: Path) -> Json:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise DocumentError(f"{show_path(path)} is {value}, which JSON cannot say", path=path)
        return float(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        if is_too_long(value):
            raise DocumentError(f"{show_path(path)} is an integer of over {LONGEST_INTEGER} digits", path=path)
        return int(value)
    raise DocumentError(f"{show_path(path)} is a {type(value).__name__}, which is not JSON", path=path)


def _key(key: Any, path: Path) -> str:
    if isinstance(key, str):
        return _text(key)
    raise DocumentError(f"{show_path(path)} has the key {key!r}; keys are text", path=path)


def _text(value: str) -> str:
    # Not `str(value)`: an enum that is also a text has a name of its own to say.
    return str.__str__(value)


def compare(old: Json, new: Any, path: Path, changes: list[Change]) -> None:
    """Add the changes that make `new` from `old`, the value at `path`. Raises as `diff` does."""
    if old is new:
        return
    kind = type(old)
    if kind is dict and isinstance(new, dict):
        _compare_objects(old, new, path, changes)
    elif kind is list and isinstance(new, list | tuple):
        _compare_lists(old, new, path, changes)
    else:
        value = _copy_at(new, path)
        if not same(old, value):
            changes.append(Change("replace", path, value))


def _compare_objects(old: dict[str, Json], new: dict[Any, Any], path: Path, changes: list[Change]) -> None:
    changes.extend(Change("remove", (*path, key)) for key in old if key not in new)
    for key, value in new.items():
        collect_field(old, key, value, path, changes)


def collect_field(old: dict[str, Json], key: Any, value: Any, path: Path, changes: list[Change]) -> None:
    """Add what `value`, now the field `key` of the object at `path`, changes of the object `old`."""
    if key not in old:
        changes.append(Change("add", (*path, _key(key, path)), _copy_at(value, (*path, key))))
        return
    before = old[key]
    # Most values are untouched scalars: they are told apart here, without a call and a longer path.
    if value is not before and (type(value) not in _SCALARS or type(before) is not type(value) or value != before):
        compare(before, value, (*path, key), changes)


def appended(values: list[Any], path: Path, start: int) -> list[Change]:
    """The changes that append `values` to the list at `path`, which had `start` items."""
    return [Change("append", path, _copy_at(value, (*path, start + at))) for at, value in enumerate(values)]


def _compare_lists(old: list[Json], new: Any, path: Path, changes: list[Change]) -> None:
    """Trim the equal head and tail; what is left in both is compared item by item, the surplus added or removed."""
    if len(old) == len(new):
        for index, item in enumerate(new):
            if item is not old[index]:
                compare(old[index], item, (*path, index), changes)
        return
    new = _copy_at(new, path)
    head = _common_head(old, new)
    tail = _common_head(old[head:][::-1], new[head:][::-1])
    old_end, new_end = len(old) - tail, len(new) - tail
    both = min(old_end, new_end)
    for index in range(head, both):
        compare(old[index], new[index], (*path, index), changes)
    changes.extend(Change("remove", (*path, index)) for index in range(old_end - 1, both - 1, -1))
    for index in range(both, new_end):
        if tail:
            changes.append(Change("add", (*path, index), new[index]))
        else:
            changes.append(Change("append", path, new[index]))


def _common_head(one: list[Json], other: list[Json]) -> int:
    for index, (left, right) in enumerate(zip(one, other, strict=False)):
        if left is not right and not same(left, right):
            return index
    return min(len(one), len(other))
