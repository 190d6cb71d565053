"""Comparing whole trees of tasks, strictly: every field of every object, and 1 is not True."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from aloma_cli.record.tree import Tree


def portrait(tree: Tree) -> dict[str, Any]:
    """All there is to a tree, as nested lists and tables of texts."""
    return {name: plain(value) for name, value in vars(tree).items()}


def plain(value: Any) -> Any:
    """The value with texts in place of its leaves; a table's default that was only looked at is not there."""
    if is_dataclass(value):
        # What is left out of comparisons follows from the steps as well, and not from the journal alone.
        kept = (field for field in fields(value) if field.compare and not field.metadata.get("passing"))
        return {field.name: plain(getattr(value, field.name)) for field in kept}
    if isinstance(value, defaultdict):
        return {repr(key): plain(one) for key, one in value.items() if one}
    if isinstance(value, dict):
        return [[repr(key), plain(one)] for key, one in value.items()]
    if isinstance(value, set | frozenset):
        return sorted(map(repr, value))
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return repr(value)


def differences(one: Tree, other: Tree) -> list[str]:
    """Where two trees differ, and how."""
    return list(_differences(portrait(one), portrait(other), "tree"))


def _differences(one: Any, other: Any, place: str) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key in one:
            yield from _differences(one[key], other[key], f"{place}.{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for at, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _differences(left, right, f"{place}[{at}]")
    elif one != other:
        yield f"{place}: {one} and {other}"
