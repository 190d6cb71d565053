"""What a commit changed, in words: the places at a glance, or each operation with its value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from aloma_cli.document.reserved import CHILDREN, VIA
from aloma_cli.document.stash import hide_stash
from aloma_cli.jsontext import show_path
from aloma_cli.view.format import clean, value_text

_SIGNS = {"add": "+", "replace": "~", "remove": "-"}

# Kept by the engine; that a firing moves them is no news about its work.
_KEPT_BY_ENGINE = (CHILDREN, VIA)


@dataclass(frozen=True, slots=True)
class Summary:
    """The places a commit changed: dotted paths without repeats, the highest first: they say most."""

    places: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.places)

    def __len__(self) -> int:
        return len(self.places)

    def text(self, most: int = 2) -> str:
        """`workflow.plan, findings.x (+3)`: at most `most` places, and how many more there are."""
        more = len(self.places) - most
        return ", ".join(self.places[:most]) + (f" (+{more})" if more > 0 else "")

    def fitting(self, width: int, ellipsis: str = "…") -> str:
        """As many places as have room in `width` characters, at most three; a long single one keeps its end."""
        for most in (3, 2, 1):
            text = self.text(most)
            if len(text) <= width:
                return text
        first, more = self.places[0], text[len(self.places[0]) :]
        room = max(8, width - len(more) - len(ellipsis))
        return f"{ellipsis}{first[-room:]}{more}" if len(first) > room else text


NOTHING = Summary(())


def summarise(changes: Iterable[dict[str, Any]]) -> Summary:
    """What `changes` (RFC 6902 operations) touched, without the fields the engine keeps."""
    pointers = sorted((change["path"] for change in changes), key=lambda pointer: pointer.count("/"))
    touched = dict.fromkeys(map(place, pointers))
    return Summary(tuple(where for where in touched if where.split(".")[0] not in _KEPT_BY_ENGINE))


def group_totals(changes: Iterable[dict[str, Any]]) -> Iterator[tuple[str, int]]:
    """The groups of subtasks whose `$children.<group>.total` the changes set, and what to."""
    for change in changes:
        match change["path"].split("/")[1:]:
            case ["$children"]:
                yield from ((group, numbers["total"]) for group, numbers in (change.get("value") or {}).items())
            case ["$children", group] if "value" in change:
                yield _unescaped(group), change["value"]["total"]
            case ["$children", group, "total"]:
                yield _unescaped(group), change["value"]


def place(pointer: str) -> str:
    """A JSON pointer as a dotted path (`/findings/0/-` is `findings.0`); other text as it is."""
    if pointer and not pointer.startswith("/"):
        return clean(pointer)
    keys = [_unescaped(key) for key in pointer.split("/")[1:]]
    if keys and keys[-1] == "-":
        keys.pop()
    return clean(show_path(tuple(keys)))


def operation_text(change: dict[str, Any], most: int | None = None) -> tuple[str, str]:
    """An operation as its sign and its text: `("+", "findings.0 = 3")`; values longer than `most` are cut."""
    pointer = change["path"]
    sign = _SIGNS.get(change["op"], "?")
    where = place(pointer) + ("[]" if pointer.endswith("/-") else "")
    if change["op"] == "remove":
        return sign, where
    return sign, f"{where} = {value_text(hide_stash(change.get('value'), pointer.split('/')), most)}"


def _unescaped(key: str) -> str:
    return key.replace("~1", "/").replace("~0", "~")
