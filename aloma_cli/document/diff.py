"""The changes between two versions of a document."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aloma_cli.document.changes import Change
from aloma_cli.document.paths import MISSING
from aloma_cli.errors import DocumentError
from aloma_cli.jsontext import LONGEST_INTEGER, MAX_DEPTH, Json, Path, is_too_long, show_path, with_article

_PLAIN = frozenset({str, bool, type(None)})
_SCALARS = _PLAIN | {int}
_CONTAINERS = (dict, list)
_PATH_SHOWN = 3

Copies = Mapping[int, Sequence[Any]]
"""For lists of the old version, by their `id`: the copies of their items that the author of the new one was given."""


def diff(before: Json, after: Any, copies: Copies | None = None) -> list[Change]:
    """The changes that make `after` from `before`; empty where every value is equal and of the same type.

    `after` is what a step left and may be anything: raises DocumentError, naming path and type, where it is not JSON
    (tuples count as lists, subclasses of dict, list, str, int and float as what they derive from). Values in the
    result share nothing with `after`. `copies` distinguish an object that was edited from another one in its place.
    """
    changes: list[Change] = []
    compare(before, after, (), changes, copies or {})
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


def clean_copy(value: Any, path: Path = (), levels: int = MAX_DEPTH) -> Json:
    """A copy of `value` in plain JSON types that shares nothing with it.

    Raises DocumentError for what is not JSON. `path`: its place for messages; a value that is not in a document has a
    name there. `levels`: how deep it may nest.
    """
    if type(value) in _PLAIN:
        return value
    if not isinstance(value, dict | list | tuple):
        return _scalar(value, path)
    if not levels:
        raise DocumentError(
            f"{show_path(path[:_PATH_SHOWN])}… is nested deeper than {MAX_DEPTH} levels (does it contain itself?)",
            path=path,
        )
    if isinstance(value, dict):
        return {
            key if type(key) is str else _plain_key(key, path): clean_copy(item, (*path, key), levels - 1)
            for key, item in value.items()
        }
    return [clean_copy(item, (*path, index), levels - 1) for index, item in enumerate(value)]


def _copy_at(value: Any, path: Path) -> Json:
    """A copy of the value at `path` of a document; it may nest only as deep as the path leaves."""
    return clean_copy(value, path, MAX_DEPTH - len(path))


def _scalar(value: Any, path: Path) -> Json:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise DocumentError(f"{show_path(path)} is {value}, which JSON does not allow", path=path)
        return float(value)
    if isinstance(value, str):
        return _plain_string(value)
    if isinstance(value, int):
        if is_too_long(value):
            raise DocumentError(f"{show_path(path)} is an integer of over {LONGEST_INTEGER} digits", path=path)
        return int(value)
    hint = 'write .model_dump(mode="json") after it' if hasattr(value, "model_dump") else None
    kind = type(value)
    raise DocumentError(
        f"{show_path(path)} is {with_article(kind.__name__)}, which is not JSON", path=path, kind=kind, hint=hint
    )


def _plain_key(key: Any, path: Path) -> str:
    if isinstance(key, str):
        return _plain_string(key)
    message = f"{show_path(path)} has the key {key!r}; keys must be strings"
    raise DocumentError(message, path=path, kind=type(key), key=True)


def _plain_string(value: str) -> str:
    # Not `str(value)`, which is the name of a member of a string enum.
    return str.__str__(value)


def compare(old: Json, new: Any, path: Path, changes: list[Change], copies: Copies) -> None:
    """Add the changes that make `new` from `old`, the value at `path`. Raises as `diff` does."""
    if old is new:
        return
    kind = type(old)
    if kind is dict and isinstance(new, dict):
        _compare_objects(old, new, path, changes, copies)
    elif kind is list and isinstance(new, list | tuple):
        _compare_lists(old, new, path, changes, copies)
    else:
        _replace(old, new, path, changes)


def _replace(old: Json, new: Any, path: Path, changes: list[Change]) -> None:
    value = _copy_at(new, path)
    if not same(old, value):
        changes.append(Change("replace", path, value))


def _compare_objects(
    old: dict[str, Json], new: dict[Any, Any], path: Path, changes: list[Change], copies: Copies
) -> None:
    changes.extend(Change("remove", (*path, key)) for key in old if key not in new)
    for key, value in new.items():
        if old.get(key, MISSING) is not value:
            collect_field(old, key, value, path, changes, copies)


def collect_field(
    old: dict[str, Json], key: Any, value: Any, path: Path, changes: list[Change], copies: Copies
) -> None:
    """Add what `value`, now the field `key` of the object at `path`, changes of the object `old`."""
    if key not in old:
        place = (*path, key if type(key) is str else _plain_key(key, path))
        changes.append(Change("add", place, value if type(value) in _PLAIN else _copy_at(value, place)))
        return
    before, kind = old[key], type(value)
    # Most values are scalars: comparing them here saves several calls.
    if value is before or (kind in _SCALARS and type(before) is kind and value == before):
        return
    if kind in _PLAIN:
        changes.append(Change("replace", (*path, key), value))
    else:
        compare(before, value, (*path, key), changes, copies)


def appended(values: list[Any], path: Path, start: int) -> list[Change]:
    """The changes that append `values` to the list at `path`, which had `start` items."""
    return [Change("append", path, _copy_at(value, (*path, start + at))) for at, value in enumerate(values)]


def _compare_lists(old: list[Json], given: Any, path: Path, changes: list[Change], copies: Copies) -> None:
    """Trim the equal head and tail; what is left in both is compared item by item, the surplus added or removed."""
    copied = copies.get(id(old), ())
    if len(old) == len(given):
        start = len(changes)
        changed = _compare_items(old, given, range(len(old)), path, changes, copies)
        if changed and _may_have_moved(old, given, changed, copied):
            changes[start:] = _moved(given, changed, path)
        return
    new = _copy_at(given, path)
    head = _common_head(old, new)
    tail = _common_head(old[head:][::-1], new[head:][::-1])
    both = min(len(old), len(new)) - tail
    start = len(changes)
    changed = _compare_items(old, given, range(head, both), path, changes, copies)
    changes.extend(Change("remove", (*path, index)) for index in range(len(old) - tail - 1, both - 1, -1))
    surplus = range(both, len(new) - tail)
    if tail:
        changes.extend(Change("add", (*path, index), new[index]) for index in surplus)
    elif surplus and _may_have_moved(old, given, changed, copied):
        changes[start:] = [Change("replace", (*path, index), new[index]) for index in changed]
        changes.extend(Change("add", (*path, index), new[index]) for index in surplus)
    else:
        changes.extend(Change("append", path, new[index]) for index in surplus)


def _compare_items(
    old: list[Json], new: Any, positions: Iterable[int], path: Path, changes: list[Change], copies: Copies
) -> list[int]:
    """Compare two lists item by item, and return the positions at which they differ."""
    copied = copies.get(id(old), ())
    changed: list[int] = []
    for index in positions:
        if new[index] is not old[index]:
            count = len(changes)
            if copied and type(old[index]) in _CONTAINERS and new[index] is not copied[index]:
                _replace(old[index], new[index], (*path, index), changes)  # by another one: no field of it is kept
            else:
                compare(old[index], new[index], (*path, index), changes, copies)
            if len(changes) > count:
                changed.append(index)
    return changed


def _may_have_moved(old: list[Json], new: Any, changed: list[int], copied: Sequence[Any]) -> bool:
    """Whether items may have changed their positions, where a list differs at the positions `changed`.

    Two objects in the places of two others may be the same ones, edited and put in another order. What follows on an
    item that was replaced at the end of a list may not have been appended to that item.
    """
    strange = [at for at, copy in enumerate(copied) if new[at] is not copy]
    grown = range(len(old), len(new))
    objects = {at for at in strange if type(old[at]) in _CONTAINERS}
    gone = {id(copied[at]) for at in objects}
    if any(id(new[at]) in gone for at in (*strange, *grown)) or len(objects.intersection(changed)) > 1:
        return True
    replaced = set(changed).intersection(strange) if copied else set(changed)
    if grown and len(old) - 1 in replaced | objects:
        return True
    before = {_mark(old[at]) for at in replaced}
    return bool(before) and any(_mark(new[at]) in before for at in (*changed, *grown))


def _mark(value: Any) -> Any:
    """What two items have in common if, and mostly only if, they are the same as JSON."""
    if isinstance(value, dict):
        return "object", frozenset((key, _mark(item)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return "list", tuple(map(_mark, value))
    return type(value), value


def _moved(new: Any, changed: list[int], path: Path) -> list[Change]:
    """The changes of a list whose items may have moved: one is removed and inserted, which says so."""
    first, *others = ((*path, index) for index in changed)
    values = [_copy_at(new[index], (*path, index)) for index in changed]
    moves = [Change("remove", first), Change("add", first, values[0])]
    return moves + [Change("replace", place, value) for place, value in zip(others, values[1:], strict=True)]


def _common_head(one: list[Json], other: list[Json]) -> int:
    for index, (left, right) in enumerate(zip(one, other, strict=False)):
        if left is not right and not same(left, right):
            return index
    return min(len(one), len(other))
