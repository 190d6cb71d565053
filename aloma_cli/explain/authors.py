"""An index of one document's history: which version wrote the value at a path, as of any version.

It is built in one pass over the changes, and no document is kept. A path of object keys leads through a tree; what was
written from the first list on stays as a path relative to that list. To look a position up, the changes of its list are
passed backwards, and the position moves with each insertion and removal.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from operator import itemgetter
from typing import NamedTuple

from aloma_cli.document.changes import Change
from aloma_cli.jsontext import Path

NEVER = -1
"""The version of a value that was never written."""


class _Written(NamedTuple):
    """A change of a version, its path relative to the node that has it; an `append` is an `add` at its position."""

    version: int
    op: str
    rest: Path


class _Place:
    """What happened at one path of object keys. `touched`: the versions that wrote at it or below."""

    __slots__ = ("below", "touched", "written")

    def __init__(self) -> None:
        self.written: list[_Written] = []
        self.touched: list[int] = []
        self.below: dict[str, _Place] = {}

    def child(self, key: str) -> _Place:
        """The place at a key, which is made where it is missing."""
        found = self.below.get(key)
        if found is None:
            found = self.below[key] = _Place()
        return found

    def touch(self, version: int) -> None:
        """Note that a version wrote at this path or below; the newest versions come last."""
        if not self.touched or self.touched[-1] != version:
            self.touched.append(version)

    def until(self, version: int) -> Iterator[_Written]:
        """What was written up to `version`, the last first."""
        end = bisect_right(self.written, version, key=itemgetter(0))
        return (self.written[at] for at in range(end - 1, -1, -1))

    def last_touch(self, version: int) -> int:
        """The last version up to `version` that wrote at this path or below."""
        end = bisect_right(self.touched, version)
        return self.touched[end - 1] if end else NEVER


class Authors:
    """Who wrote what, by versions."""

    def __init__(self) -> None:
        self._root = _Place()

    def add(self, version: int, change: Change, position: int | None = None) -> None:
        """Take in a change; `position`: where an `append` put its item."""
        op, path, _ = change
        if position is not None:
            op, path = "add", (*path, position)
        node, depth = self._root, 0
        node.touch(version)
        for key in path:
            if type(key) is not str:
                break
            node, depth = node.child(key), depth + 1
            node.touch(version)
        node.written.append(_Written(version, op, path[depth:]))

    def whole(self, path: Path, version: int) -> int:
        """The last version, up to `version`, that wrote or removed the value at `path`, or one that contains it."""
        return max((found for _, found in self._way(path, version)), default=NEVER)

    def last(self, path: Path, version: int) -> int:
        """As `whole`; a part of the value counts as well."""
        found, node = NEVER, self._root
        for at, (node, written) in enumerate(self._way(path, version)):  # noqa: B007
            found = max(found, written)
        return max(found, node.last_touch(version)) if at == len(path) else found

    def parts(self, path: Path, version: int) -> Iterator[tuple[Path, int]]:
        """The places below `path` that were written after the value as a whole, each with its version.

        Positions in lists are left out: a list counts as a whole.
        """
        way = [*self._way(path, version)]
        floor = max(found for _, found in way)
        if len(way) == len(path) + 1:
            yield from _parts(way[-1][0], path, version, floor)

    def _way(self, path: Path, version: int) -> Iterator[tuple[_Place, int]]:
        """The nodes from the root to `path`, as far as there are; with each the last version that wrote `path`."""
        node, floor = self._root, NEVER
        for depth in range(len(path) + 1):
            floor = max(floor, _traced(node, path[depth:], version, floor))
            yield node, floor
            key = str(path[depth]) if depth < len(path) else None
            if key is None or key not in node.below:
                return
            node = node.below[key]


def _parts(node: _Place, path: Path, version: int, floor: int) -> Iterator[tuple[Path, int]]:
    inside = next((one.version for one in node.until(version) if one.rest), NEVER)
    if inside > floor:
        yield path, inside
    for key, below in node.below.items():
        if below.last_touch(version) > floor:
            place, wrote = (*path, key), next((one.version for one in below.until(version) if not one.rest), NEVER)
            if wrote > floor:
                yield place, wrote
            yield from _parts(below, place, version, max(floor, wrote))


def _traced(node: _Place, rest: Path, version: int, floor: int) -> int:
    """The last version after `floor` that wrote, at this node, the value at `rest` or one that contains it."""
    for one in node.until(version):
        if one.version <= floor:
            break
        moved = _before(rest, one.op, one.rest)
        if moved is None:
            return one.version
        rest = moved
    return NEVER


def _before(path: Path, op: str, written: Path) -> Path | None:
    """Where the value at `path` was before a change at `written`; None if that change wrote it."""
    if not written:
        return None
    if not path:
        return path
    (key, *deeper), (at, *more) = path, written
    if not more and op != "replace" and isinstance(at, int) and (isinstance(key, int) or key.isdecimal()):
        return _shifted(int(key), at, op, tuple(deeper))
    if str(key) != str(at):
        return path
    before = _before(tuple(deeper), op, tuple(more))
    return None if before is None else (key, *before)


def _shifted(position: int, at: int, op: str, deeper: Path) -> Path | None:
    if op == "remove":
        return (position + (position >= at), *deeper)
    return None if position == at else (position - (position > at), *deeper)
