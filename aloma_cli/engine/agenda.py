"""Which conditions hold in one task, and which of those steps are armed."""

from __future__ import annotations

import heapq
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

    Invariants after every event: `true` has the steps whose condition holds for the document. The heap has every step
    that is in `true` and not in `disarmed`; it may have others, which are dropped when they come to the top.
    """

    __slots__ = ("_disarmed", "_heap", "_names", "_positions", "_queued", "true")

    def __init__(
        self, names: Sequence[str], positions: Mapping[str, int], true: set[str], disarmed: AbstractSet[str]
    ) -> None:
        self.true = true
        self._names = names
        self._positions = positions
        self._disarmed = disarmed
        self._heap = [at for at, name in enumerate(names) if name in true and name not in disarmed]
        self._queued = set(self._heap)

    def follow(self, verdicts: Iterable[tuple[str, bool]], armed: Iterable[str]) -> None:
        """Take in which conditions hold now, or do not, and which steps are armed now."""
        for name, holds in verdicts:
            if holds:
                self.true.add(name)
                self._queue(name)
            else:
                self.true.discard(name)
        for name in armed:
            self._queue(name)

    def _queue(self, name: str) -> None:
        """A step may have become true or armed. Its file may be away."""
        if name in self.true and name not in self._disarmed:
            at = self._positions.get(name)
            if at is not None and at not in self._queued:
                self._queued.add(at)
                heapq.heappush(self._heap, at)

    def ready(self) -> list[str]:
        """All steps that are true and armed, in the start order."""
        return [self._names[at] for at in sorted(self._queued) if self._is_ready(at)]

    def first(self, most: int, but: Container[str]) -> list[str]:
        """The first of `ready`, without those in `but`."""
        found: list[str] = []
        kept: list[int] = []
        while self._heap and len(found) < most:
            at = heapq.heappop(self._heap)
            name = self._names[at]
            if name not in self.true or name in self._disarmed:
                self._queued.discard(at)
                continue
            kept.append(at)
            if name not in but:
                found.append(name)
        for at in kept:
            heapq.heappush(self._heap, at)
        return found

    def _is_ready(self, at: int) -> bool:
        name = self._names[at]
        return name in self.true and name not in self._disarmed


UNWATCHED = Agenda((), {}, set(), frozenset())
"""The agenda of a task whose conditions were not judged yet."""
