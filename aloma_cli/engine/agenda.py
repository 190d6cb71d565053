"""Which conditions hold in one task, and which of those steps are armed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from aloma_cli.document.changes import Change
from aloma_cli.jsontext import JsonObject


class Made(NamedTuple):
    """A commit as it was worked out: the document, and the conditions it concerned with their verdicts.

    `before` has at least the fields that it touches. `drafted`: the firing whose changes these are, as it made them.
    """

    before: JsonObject
    document: JsonObject
    changes: list[Change]
    verdicts: list[tuple[str, bool]]
    drafted: int | None


class Agenda:
    """What one task's steps wait for. `names` has all steps in the start order, `positions` where each of them is.

    Invariants after every event: `true` has the steps whose condition holds for the document. `_queue` has the
    positions of those in `true` that are not in `disarmed`, in order.
    """

    __slots__ = ("_disarmed", "_names", "_positions", "_queue", "true")

    def __init__(
        self, names: Sequence[str], positions: Mapping[str, int], true: set[str], disarmed: AbstractSet[str]
    ) -> None:
        self.true = true
        self._names = names
        self._positions = positions
        self._disarmed = disarmed
        self._queue = [at for at, name in enumerate(names) if name in true and name not in disarmed]

    def follow(self, verdicts: Iterable[tuple[str, bool]], armed: Iterable[str]) -> None:
        """Take in which conditions hold now, or do not, and which steps are armed now."""
        true = self.true
        for name, holds in verdicts:
            if holds:
                true.add(name)
                self._enter(name)
            elif name in true:
                true.discard(name)
                self.leave(name)
        for name in armed:
            if name in true:
                self._enter(name)

    def _enter(self, name: str) -> None:
        """A step that is true waits for its turn, if it is armed. Its file may be away."""
        at = self._positions.get(name)
        if at is not None and name not in self._disarmed:
            place = bisect_left(self._queue, at)
            if place == len(self._queue) or self._queue[place] != at:
                self._queue.insert(place, at)

    def leave(self, name: str) -> None:
        """The condition of a step no longer holds, or the step is no longer armed."""
        at = self._positions.get(name, -1)
        place = bisect_left(self._queue, at)
        if place < len(self._queue) and self._queue[place] == at:
            del self._queue[place]

    def ready(self) -> list[str]:
        """All steps that are true and armed, in the start order."""
        return [self._names[at] for at in self._queue]

    def first(self, most: int, but: Container[str]) -> list[str]:
        """The first of `ready`, without those in `but`."""
        found: list[str] = []
        for at in self._queue:
            if self._names[at] not in but:
                found.append(self._names[at])
                if len(found) == most:
                    break
        return found


UNWATCHED = Agenda((), {}, set(), frozenset())
"""The agenda of a task whose conditions were not judged yet."""
