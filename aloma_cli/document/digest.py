"""A number that tells one content of a document from another, kept up to date change by change.

It is the sum of a hash for each leaf and container, with its path. So a change costs what it touches, whatever the
size of the document, and the document that a task began with is never read: only the difference to it counts.

Hashes that are added up must be strong: with Python's own, the items of a list in another order often add up to the
same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from aloma_cli.document.changes import Change
from aloma_cli.document.paths import MISSING, get
from aloma_cli.document.volatile import Volatile
from aloma_cli.jsontext import Json, Path

MOST = 10_000
"""The values that one commit may touch: with more of them, following it would cost more than making it."""


@dataclass(slots=True)
class Digest:
    """Equal `value`s mean equal documents, but for their stamps."""

    stamps: Volatile
    value: int = 0
    _left: int = MOST
    _stamped: dict[bytes, int] = field(default_factory=dict)
    """What a leaf with a stamp counts, by its place: later it could be read otherwise."""

    def restart(self) -> None:
        """Count from the document as it is now."""
        self.value = 0
        self._stamped.clear()

    def follow(self, before: Json, after: Json, changes: Iterable[Change], now: float) -> bool:
        """Take in the `changes` that made `after` of `before` at the moment `now` (seconds since 1970).

        False where they touch more than MOST values: that is not looked at, and what was before is forgotten.
        """
        self._left = MOST
        try:
            for place, start in _touched(before, changes):
                # First what goes: it counts what it did when it was written.
                self.value -= self._sum_part(place, _part(before, place, start), start, None)
                self.value += self._sum_part(place, _part(after, place, start), start, now)
        except _TooMuchError:
            self.restart()
            return False
        return True

    def _sum_part(self, place: Path, value: Json, start: int | None, now: float | None) -> int:
        if value is MISSING:
            return 0
        way = b"".join(map(_key, place))
        if start is None:
            return self._sum(way, value, now)
        return sum(self._sum(way + _key(at), item, now) for at, item in enumerate(value, start))

    def _sum(self, place: bytes, value: Json, now: float | None) -> int:
        """What a value counts; at `now` it is written, without that it is taken away."""
        self._left -= 1
        if self._left < 0:
            raise _TooMuchError
        if isinstance(value, dict):
            return _hash(place, b"{") + sum(self._sum(place + _key(key), one, now) for key, one in value.items())
        if isinstance(value, list):
            return _hash(place, b"[") + sum(self._sum(place + _key(at), one, now) for at, one in enumerate(value))
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
    """More values than are worth looking at."""


def _touched(before: Json, changes: Iterable[Change]) -> Iterator[tuple[Path, int | None]]:
    """The places that changes touch, none below another; of a list whose items move, from which position on."""
    touched: dict[Path, int | None] = {}
    for change in changes:
        place, start = _place(before, change)
        known = touched.get(place, start)
        touched[place] = None if known is None or start is None else min(known, start)
    alone = len(touched) == 1
    return ((place, start) for place, start in touched.items() if alone or not _is_covered(place, touched))


def _place(before: Json, change: Change) -> tuple[Path, int | None]:
    if change.moves_items:
        return change.place, int(change.path[-1])
    if change.op == "append":
        items = get(before, change.path)
        return change.path, len(items) if isinstance(items, list) else 0
    return change.path, None


def _is_covered(place: Path, touched: Mapping[Path, int | None]) -> bool:
    """Whether a place is below one that is touched as a whole, or behind the position from which items move."""
    for length, key in enumerate(place):
        start = touched.get(place[:length], MISSING)
        if start is None or (start is not MISSING and isinstance(key, int) and key >= start):
            return True
    return False


def _part(document: Json, place: Path, start: int | None) -> Json:
    """The value at a place, or of the list there what is from `start` on; MISSING where there is nothing."""
    value = get(document, place)
    if start is None or value is MISSING:
        return value
    return value[start:] if isinstance(value, list) else MISSING


def plain_leaf(value: Json, stamps: Volatile, now: float) -> Json:
    """The leaf without what is new each time; itself (the same object) where it has nothing of the kind."""
    if isinstance(value, str):
        plain = stamps.plain_text(value, now)
        return value if plain == value else plain
    if isinstance(value, int | float) and not isinstance(value, bool) and stamps.is_epoch(value, now):
        return "<time>"
    return value


def _key(key: str | int) -> bytes:
    """A key on the way, so that no two ways look alike."""
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
