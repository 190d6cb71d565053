"""A number that tells one content of a document from another, kept up to date change by change.

It is the sum of a hash for each leaf and container, with its path. So a change costs what it touches, whatever the
size of the document, and the document that a task began with is never read: only the difference to it counts.

Hashes that are added up must be strong: with Python's own, the items of a list in another order often add up to the
same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b

from aloma_cli.document.changes import Change
from aloma_cli.document.places import MISSING, get
from aloma_cli.document.stamps import Stamps
from aloma_cli.jsontext import Json, Path


@dataclass(slots=True)
class Digest:
    """Equal `value`s mean equal documents, but for their stamps."""

    stamps: Stamps
    value: int = 0
    _stamped: dict[bytes, int] = field(default_factory=dict)
    """What a leaf with a stamp counts, by its place: later it could be read otherwise."""

    def restart(self) -> None:
        """Count from the document as it is now."""
        self.value = 0
        self._stamped.clear()

    def follow(self, document: Json, change: Change, now: float) -> None:
        """Take in one change that is about to be made to `document`, at the moment `now` (seconds since 1970)."""
        if change.op == "append":
            items = get(document, change.path)
            self._add((*change.path, len(items)), change.value, now)
        elif change.moves_items:
            self._move_items(document, change, now)
        else:
            old = get(document, change.path)
            if old is not MISSING:
                self._remove(change.path, old)
            if change.op != "remove":
                self._add(change.path, change.value, now)

    def _move_items(self, document: Json, change: Change, now: float) -> None:
        """Count the items of a list anew from where one is put in or taken out."""
        *place, at = change.path
        behind = get(document, tuple(place))[int(at) :]
        for index, item in enumerate(behind, int(at)):
            self._remove((*place, index), item)
        moved = behind[1:] if change.op == "remove" else [change.value, *behind]
        for index, item in enumerate(moved, int(at)):
            self._add((*place, index), item, now)

    def _add(self, path: Path, value: Json, now: float) -> None:
        self.value += self._sum(b"".join(map(_key, path)), value, now)

    def _remove(self, path: Path, value: Json) -> None:
        self.value -= self._sum(b"".join(map(_key, path)), value, None)

    def _sum(self, place: bytes, value: Json, now: float | None) -> int:
        """What a value counts; at `now` it is written, without that it is taken away."""
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


def plain_leaf(value: Json, stamps: Stamps, now: float, *, ids: bool = True) -> Json:
    """The leaf without what is new each time; itself (the same object) where it has nothing of the kind."""
    if isinstance(value, str):
        plain = stamps.plain_text(value, now, ids=ids)
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
