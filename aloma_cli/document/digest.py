"""A number that identifies the content of a document, updated change by change.

It is the sum of a hash for each leaf and container, with its path. So the cost of a change depends on what it touches,
not on the size of the document; the initial document is never read, because only the difference to it matters.

Hashes that are added must be strong: with Python's own, the items of a list in another order often have the same sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from hashlib import blake2b

from aloma_cli.document.changes import Change
from aloma_cli.document.paths import MISSING, get
from aloma_cli.document.volatile import Volatile
from aloma_cli.jsontext import Json, Path
from aloma_cli.values import dataclass

MOST = 10_000
"""The number of values that one commit may touch; following a larger one would cost more than making it."""


@dataclass(slots=True)
class Digest:
    """Equal `value`s mean equal documents, except for volatile values."""

    stamps: Volatile
    value: int = 0
    _left: int = MOST
    _stamped: dict[bytes, int] = field(default_factory=dict)
    """The hash of each volatile leaf, by its path, because a later time would read it differently."""

    def restart(self) -> None:
        """Count from the document as it is now."""
        self.value = 0
        self._stamped.clear()

    def follow(self, before: Json, after: Json, changes: Iterable[Change], now: float) -> bool:
        """Add the `changes` that turned `before` into `after` at the time `now` (seconds since 1970).

        False if they touch more than MOST values: then the digest restarts.
        """
        self._left = MOST
        try:
            for place, start in _touched(before, changes):
                # First the old value, which counts as it did when it was written.
                self.value -= self._sum_part(place, _part(before, place, start), start, None)
                self.value += self._sum_part(place, _part(after, place, start), start, now)
        except _TooMuchError:
            self.restart()
            return False
        return True

    def _sum_part(self, place: Path, value: Json, start: int | None, now: float | None) -> int:
        if value is MISSING:
            return 0
        way = b"".join(map(_key_bytes, place))
        if start is None:
            return self._sum(way, value, now)
        return sum(self._sum(way + _key_bytes(at), item, now) for at, item in enumerate(value, start))

    def _sum(self, place: bytes, value: Json, now: float | None) -> int:
        """The sum for a value written at `now`, or removed if `now` is None."""
        self._left -= 1
        if self._left < 0:
            raise _TooMuchError
        if isinstance(value, dict):
            return _hash(place, b"{") + sum(self._sum(place + _key_bytes(key), one, now) for key, one in value.items())
        if isinstance(value, list):
            return _hash(place, b"[") + sum(self._sum(place + _key_bytes(at), one, now) for at, one in enumerate(value))
        return self._taken_away(place, value) if now is None else self._written(place, value, now)

    def _written(self, place: bytes, leaf: Json, now: float) -> int:
        plain = plain_leaf(leaf, self.stamps, now)
        counted = _hash(place, _leaf(plain))
        if plain is not leaf:
            self._stamped[place] = counted
        return counted

    def _taken_away(self, place: bytes, leaf: Json) -> int:
        kept = self._stamped.pop(place, None)
        return _hash(place, _leaf(leaf)) if kept is None else kept


class _TooMuchError(Exception):
    """The changes touch more than MOST values."""


def _touched(before: Json, changes: Iterable[Change]) -> Iterator[tuple[Path, int | None]]:
    """The paths that changes touch, none below another, each with the first position that moves in a list."""
    touched: dict[Path, int | None] = {}
    for change in changes:
        place, start = _touched_place(before, change)
        known = touched.get(place, start)
        touched[place] = None if known is None or start is None else min(known, start)
    alone = len(touched) == 1
    return ((place, start) for place, start in touched.items() if alone or not _is_covered(place, touched))


def _touched_place(before: Json, change: Change) -> tuple[Path, int | None]:
    if change.moves_items:
        return change.place, int(change.path[-1])
    if change.op == "append":
        items = get(before, change.path)
        return change.path, len(items) if isinstance(items, list) else 0
    return change.path, None


def _is_covered(place: Path, touched: Mapping[Path, int | None]) -> bool:
    """Whether a path is below one that is touched as a whole, or at or after the first position that moves."""
    for length, key in enumerate(place):
        start = touched.get(place[:length], MISSING)
        if start is None or (start is not MISSING and isinstance(key, int) and key >= start):
            return True
    return False


def _part(document: Json, place: Path, start: int | None) -> Json:
    """The value at a path, or the items from `start` of the list there; MISSING if there is none."""
    value = get(document, place)
    if start is None or value is MISSING:
        return value
    return value[start:] if isinstance(value, list) else MISSING


def plain_leaf(value: Json, stamps: Volatile, now: float) -> Json:
    """The leaf without volatile values; the same object if it has none."""
    if isinstance(value, str):
        plain = stamps.plain_text(value, now)
        return value if plain == value else plain
    if isinstance(value, int | float) and not isinstance(value, bool) and stamps.is_epoch(value, now):
        return "<time>"
    return value


def _key_bytes(key: str | int) -> bytes:
    """A key as bytes, so that no two paths have the same bytes."""
    text = key.encode("utf-8", "surrogatepass") if isinstance(key, str) else b"%d" % key
    return b"%d%s:%s" % (len(text), b"k" if isinstance(key, str) else b"i", text)


def _leaf(value: Json) -> bytes:
    if isinstance(value, str):
        return b'"' + value.encode("utf-8", "surrogatepass")
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # 3.0 is 3
    return repr(value).encode()


def _hash(place: bytes, content: bytes) -> int:
    return int.from_bytes(blake2b(place + b"=" + content, digest_size=16).digest(), "big")
