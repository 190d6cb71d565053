"""The places of a document reserved for results and answers, and what other commits did to them.

Each commit is judged by its changes, so that the journal alone shows what happened to a place. A commit that touches no
such place costs a look-up for each of its changes.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field
from itertools import pairwise
from typing import TypeAlias

from aloma_cli.document.changes import Change
from aloma_cli.document.diff import same
from aloma_cli.document.paths import get
from aloma_cli.jsontext import Json, Path
from aloma_cli.values import dataclass

_Leaf: TypeAlias = tuple[str | int, str]
_Leaves: TypeAlias = set[_Leaf]

MOVED = "moved"
"""Items before it in its list were inserted, removed or moved: another item may be there now."""
WRITTEN = "written"
"""Its value is another one now."""


@dataclass(slots=True)
class Held:
    """Places that are held, and why some of them no longer are what they were: `lost` keeps MOVED or WRITTEN."""

    lost: dict[Path, str] = field(default_factory=dict)
    at: defaultdict[Path, set[Path]] = field(default_factory=lambda: defaultdict(set))
    _under: defaultdict[Path, set[Path]] = field(default_factory=lambda: defaultdict(set))
    """The places by their anchors, and by what is above these."""

    def hold(self, place: Path) -> None:
        """Watch `place` from now on."""
        self.lost.pop(place, None)
        anchor = _anchor(place)
        self.at[anchor].add(place)
        for end in range(len(anchor)):
            self._under[anchor[:end]].add(place)

    def release(self, place: Path) -> None:
        """Stop watching it: the value has landed, or never will."""
        self.lost.pop(place, None)
        self._forget(place)

    def follow(self, before: Json, after: Json, changes: Sequence[Change]) -> None:
        """Take in a commit that made `after` of `before`."""
        for place, why in self.touched(before, after, changes):
            self.lost[place] = why
            self._forget(place)

    def touched(self, before: Json, after: Json, changes: Sequence[Change]) -> list[tuple[Path, str]]:
        """What such a commit does to the places that are as they were: MOVED or WRITTEN, where it does anything."""
        near = self._near(changes)
        if not near:
            return []
        moves = _Moves(before, after, changes)
        judged = ((place, _judge(place, before, after, moves)) for place in near)
        return [(place, why) for place, why in judged if why is not None]

    def _near(self, changes: Iterable[Change]) -> set[Path]:
        near: set[Path] = set()
        for change in changes:
            place = change.place
            if place and place[:1] not in self._under and place[:1] not in self.at:
                continue  # another field of the document
            for end in range(len(place) + 1):
                near.update(self.at.get(place[:end], ()))
            if change.op != "append":  # that moves no item
                near.update(self._under.get(place, ()))
        return near

    def _forget(self, place: Path) -> None:
        anchor = _anchor(place)
        _discard(self.at, anchor, place)
        for end in range(len(anchor)):
            _discard(self._under, anchor[:end], place)


def _discard(table: defaultdict[Path, set[Path]], key: Path, place: Path) -> None:
    if key in table:
        table[key].discard(place)
        if not table[key]:
            del table[key]


def _anchor(place: Path) -> Path:
    """The item of a list that a place is in, as far as positions lead; the place itself where they do not."""
    first = next((at for at, key in enumerate(place) if isinstance(key, int)), len(place))
    return place[: first + 1]


def _judge(place: Path, before: Json, after: Json, moves: _Moves) -> str | None:
    for at, key in enumerate(place):
        if isinstance(key, int) and moves.has_moved(place[:at], key):
            return MOVED
    return None if same(get(before, place), get(after, place)) else WRITTEN


class _Moves:
    """Which items of which lists one commit has moved."""

    def __init__(self, before: Json, after: Json, changes: Sequence[Change]) -> None:
        self._before = before
        self._after = after
        self._shifted: dict[Path, int] = {}
        self._strangers: dict[Path, set[int]] = {}
        # An item that is removed, and another one inserted in its place, shifts nothing: it is the mark of a new order.
        put_back = {
            one.path
            for one, other in pairwise(changes)
            if other == Change("add", one.path, other.value) and one.op == "remove"
        }
        for change in changes:
            if change.moves_items and change.path not in put_back:
                position = int(change.path[-1])
                self._shifted[change.place] = min(position, self._shifted.get(change.place, position))

    def has_moved(self, list_path: Path, position: int) -> bool:
        """Whether the item at this position may be another one now."""
        if self._shifted.get(list_path, position + 1) <= position:
            return True
        if list_path not in self._strangers:
            self._strangers[list_path] = self._find_replaced(list_path)
        return position in self._strangers[list_path]

    def _find_replaced(self, list_path: Path) -> set[int]:
        """The positions that seem to hold another item than before.

        A commit may move items and edit them as well. An item is another one when nothing of it is as it was, or when
        it has a value that one at another position lost, and looks no less like that one.
        """
        old, new = get(self._before, list_path), get(self._after, list_path)
        if not isinstance(old, list):
            return set()
        if not isinstance(new, list):
            return set(range(len(old)))
        edited = {at: (set(_leaves(one)), set(_leaves(other))) for at, (one, other) in _edited(old, new)}
        lost = {leaf: at for at, (one, other) in edited.items() for leaf in one - other}
        return {at for at, (one, other) in edited.items() if _is_another(one, other, lost, edited)}


def _is_another(
    one: _Leaves, other: _Leaves, lost: dict[_Leaf, int], edited: dict[int, tuple[_Leaves, _Leaves]]
) -> bool:
    kept = len(one & other)
    origins = {lost[leaf] for leaf in other - one if leaf in lost}
    return bool(one and not kept) or any(len(other & edited[origin][0]) >= kept for origin in origins)


def _edited(old: list[Json], new: list[Json]) -> Iterator[tuple[int, tuple[Json, Json]]]:
    return ((at, pair) for at, pair in enumerate(zip(old, new, strict=False)) if pair[0] is not pair[1])


def _leaves(item: Json) -> Iterator[_Leaf]:
    """The values of an item that are not null, with their keys."""
    entries = item.items() if isinstance(item, dict) else enumerate(item) if isinstance(item, list) else ()
    return ((key, json.dumps(value, sort_keys=True)) for key, value in entries if value is not None)
