"""What a commit changed: the places in short, or each operation with its value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from aloma_cli.document.pointer import keys_of
from aloma_cli.document.reserved import CHILDREN, VIA
from aloma_cli.document.stash import hide_stash
from aloma_cli.jsontext import show_path
from aloma_cli.values import dataclass
from aloma_cli.view.format import value_text

_SIGNS = {"add": "+", "replace": "~", "remove": "-"}

_KEPT_BY_ENGINE = (CHILDREN, VIA)
"""A change of these says nothing about the work of a step."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The paths a commit changed, without repeats, the shortest first: they say most."""

    paths: tuple[tuple[str, ...], ...]

    @property
    def places(self) -> tuple[str, ...]:
        return tuple(map(show_path, self.paths))

    def __len__(self) -> int:
        return len(self.paths)

    def text(self, most: int = 2) -> str:
        """`workflow.plan, findings.x (+3)`: at most `most` places, and how many more there are."""
        more = len(self) - most
        return ", ".join(self.places[:most]) + (f" (+{more})" if more > 0 else "")

    def fitting(self, width: int, ellipsis: str = "…") -> str:
        """Up to three places, as many as `width` characters hold; of a long single one the last keys, at least two."""
        more = f" (+{len(self) - 1})" if len(self) > 1 else ""
        shortest = f"{_shortened(self.paths[0], width - len(more), ellipsis)}{more}"
        return next((text for text in map(self.text, (3, 2, 1)) if len(text) <= width), shortest)


NOTHING = Summary(())


def summarise(changes: Iterable[dict[str, Any]]) -> Summary:
    """What `changes` (RFC 6902 operations) touched, without the fields the engine keeps."""
    pointers = sorted((change["path"] for change in changes), key=lambda pointer: pointer.count("/"))
    paths = dict.fromkeys(map(_keys, pointers))
    return Summary(tuple(path for path in paths if not path or path[0] not in _KEPT_BY_ENGINE))


def group_totals(changes: Iterable[dict[str, Any]]) -> Iterator[tuple[str, int]]:
    """The groups of subtasks whose `$children.<group>.total` the changes set, and what to."""
    for change in changes:
        match keys_of(change["path"]):
            case ["$children"]:
                groups = change.get("value")
            case ["$children", group]:
                groups = {group: change.get("value")}
            case ["$children", group, "total"]:
                groups = {group: {"total": change.get("value")}}
            case _:
                continue
        for name, numbers in groups.items() if isinstance(groups, dict) else ():
            if isinstance(numbers, dict) and isinstance(numbers.get("total"), int):  # whatever wrote the record
                yield name, numbers["total"]


def place(pointer: str) -> str:
    """A JSON pointer as a dotted path (`/findings/0/-` is `findings.0`); other text as it is."""
    return pointer if pointer and not pointer.startswith("/") else show_path(_keys(pointer))


def _shortened(path: tuple[str, ...], width: int, ellipsis: str = "…") -> str:
    """`path` without its first keys as far as `width` characters ask for it; the last two keys stay whole."""
    texts = [f"{ellipsis if start else ''}{show_path(path[start:])}" for start in range(max(1, len(path) - 1))]
    return next((text for text in texts if len(text) <= width), texts[-1])


def is_bookkeeping(change: dict[str, Any]) -> bool:
    """Whether an operation only keeps count of subtasks."""
    return _keys(change["path"])[:1] == (CHILDREN,)


def _keys(pointer: str) -> tuple[str, ...]:
    """The keys of a JSON pointer, without the `-` for the end of a list."""
    keys = tuple(keys_of(pointer))
    return keys[:-1] if keys[-1:] == ("-",) else keys


def operation_text(change: dict[str, Any], most: int | None = None) -> tuple[str, str]:
    """An operation as its sign and its text: `("+", "findings.0 = 3")`. With `most`, longer values are cut, and a place
    that would fill more than half of it loses its first keys."""
    pointer = change["path"]
    sign = _SIGNS.get(change["op"], "?")
    where = place(pointer) if most is None else _shortened(_keys(pointer), most // 2)
    where += "[]" if pointer.endswith("/-") else ""
    if change["op"] == "remove":
        return sign, where
    return sign, f"{where} = {value_text(hide_stash(change.get('value'), pointer.split('/')), most)}"
