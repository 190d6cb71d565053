"""Rebasing the changes of one firing onto a document that others have changed meanwhile.

The first to commit wins at each place: a later change there is a conflict, also where the value is equal, because both
were computed from the old one. Changes at different places are both kept, so are an append and another edit of the same
list. Objects that two firings made at one place merge field by field: the place of a value is its field. A conflict
voids the whole change set: nothing is overwritten silently.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from aloma_cli.document.changes import Change
from aloma_cli.document.diff import same
from aloma_cli.document.paths import MISSING, get
from aloma_cli.jsontext import Json, Path

_MOST_CONFLICTS = 100
"""The maximum number reported."""


class Conflict(NamedTuple):
    """Our change at `path` conflicts with `rivals`, the positions of others' changes in the list given."""

    path: Path
    rivals: tuple[int, ...]


def merge(ours: Sequence[Change], theirs: Sequence[Change], current: Json) -> tuple[list[Change], list[Conflict]]:
    """Our changes as they apply to `current`, and the first conflicts.

    `theirs` are all changes committed since the version ours started from; `current` is the document they led to.
    """
    merged: list[Change] = []
    conflicts: list[Conflict] = []
    known = _Rivals(theirs)
    for change in ours:
        rivals = known.of(change)
        fitting = _beside(change, [theirs[at] for at in rivals], current) if rivals else [change]
        if fitting is not None:
            merged.extend(fitting)
        elif len(conflicts) < _MOST_CONFLICTS:
            conflicts.append(Conflict(change.path, rivals))
        else:
            break
    return merged, conflicts


class _Rivals:
    """Finds whose changes clash with one of ours, without comparing every one of ours with every one of theirs."""

    def __init__(self, theirs: Sequence[Change]) -> None:
        self._theirs = theirs
        self._at: defaultdict[Path, list[int]] = defaultdict(list)
        self._appended: defaultdict[Path, list[int]] = defaultdict(list)
        self._under: defaultdict[Path, list[int]] = defaultdict(list)
        self._found: dict[tuple[bool, bool, Path], tuple[int, ...]] = {}
        for at, change in enumerate(theirs):
            place = change.place
            (self._appended if change.op == "append" else self._at)[place].append(at)
            for end in range(len(place)):
                self._under[place[:end]].append(at)

    def of(self, change: Change) -> tuple[int, ...]:
        """The positions of the changes that clash with `change`."""
        # Many changes of one list are alike in this.
        key = (change.op == "append", change.moves_items, change.place)
        if key not in self._found:
            self._found[key] = tuple(at for at in self._near(change) if _clash(change, self._theirs[at]))
        return self._found[key]

    def _near(self, change: Change) -> list[int]:
        """Those that may clash: changes at, above or below the place; appends to a list only from above."""
        place = change.place
        near = [at for end in range(len(place) + 1) for at in self._at.get(place[:end], ())]
        if change.op != "append":
            near += self._appended.get(place, ())
            near += self._under.get(place, ())
        return sorted(near)


def alters(change: Change, paths: Iterable[Path], base: Json) -> bool:
    """Whether `change`, made to `base`, alters a value at or below one of `paths` (which do not lead into lists).

    A whole value that is removed or replaced alters only the parts that differ.
    """
    return any(change.place[: len(path)] == path or _alters_from_above(change, path, base) for path in paths)


def _alters_from_above(change: Change, path: Path, base: Json) -> bool:
    place = change.place
    if change.op == "append" or change.moves_items or path[: len(place)] != place:
        return False
    after = MISSING if change.op == "remove" else get(change.value, path[len(place) :])
    return not same(get(base, path), after)


def _overlap(one: Path, other: Path) -> bool:
    """Whether one of two places is at, under or above the other."""
    shared = min(len(one), len(other))
    return one[:shared] == other[:shared]


def _clash(ours: Change, theirs: Change) -> bool:
    if ours.op == "append":
        return theirs.op != "append" and _replaces_list(theirs, ours.path)
    if theirs.op == "append":
        return _replaces_list(ours, theirs.path)
    return _overlap(ours.place, theirs.place)


def _replaces_list(change: Change, list_path: Path) -> bool:
    if change.moves_items and change.place == list_path:
        return False
    return list_path[: len(change.place)] == change.place


def _beside(change: Change, rivals: Sequence[Change], current: Json) -> list[Change] | None:
    """What is left to do of an object that others made as well; None if the two conflict."""
    below = all(rival.place[: len(change.path)] == change.path for rival in rivals)
    if change.op != "add" or change.moves_items or not below:
        return None
    return _union(change.path, change.value, get(current, change.path))


def _union(path: Path, ours: Json, there: Json) -> list[Change] | None:
    if not (isinstance(ours, dict) and isinstance(there, dict)):
        return None
    changes: list[Change] = []
    for key, value in ours.items():
        if key not in there:
            changes.append(Change("add", (*path, key), value))
            continue
        below = _union((*path, key), value, there[key])
        if below is None:
            return None
        changes.extend(below)
    return changes
