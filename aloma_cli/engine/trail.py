"""The states that a task has been in, to prove that it gets nowhere.

What steps do follows from the state: the document, what is armed, what is in flight. So the same state again, with
nothing from outside in between, means the same once more, for ever. Outside are a person, the landing of a subtask
and a timer; each begins a new trail. What a connector answers may differ though nothing else does, and what failed
may succeed: a lap with calls or failures counts only when it has been gone through three times, with the same
requests and the same failures.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from aloma_cli.clock import from_iso
from aloma_cli.document import Change, Digest, Stamps, plain_leaf
from aloma_cli.events import CallAnswered
from aloma_cli.jsontext import Json, JsonObject

MOST_LAPS = 3
"""So often may the same lap be gone through while a connector, or a step that fails, may still change its mind."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment at which a task was in some state: its version, the last firing started by then, and the chances of
    another outcome on the trail so far, as a sum of hashes."""

    version: int
    firing: int
    chances: int


@dataclass(frozen=True, slots=True)
class Lap:
    """The way from a state back to the same state: the commits after version `since`, up to `until`.

    `firing` is the last that had been started before it: one of those which still runs may end the matter.
    `certain`: nothing in it could have gone otherwise.
    """

    since: int
    until: int
    firing: int
    certain: bool


@dataclass(slots=True)
class Trail:
    """Where a task has been since something came from outside. `lap`: it goes round; nothing more is to be started."""

    digest: Digest
    lap: Lap | None = None
    _chances: int = 0
    _marks: dict[int, list[Mark]] = field(default_factory=dict)

    @classmethod
    def of(cls, root: str, created_at: str) -> Trail:
        """The trail of a task in the tree `root`, created at that time (ISO)."""
        return cls(Digest(Stamps(root, from_iso(created_at))))

    def restart(self) -> None:
        """Something came from outside: whatever was before proves nothing any more."""
        self.lap = None
        self._chances = 0
        self._marks.clear()
        self.digest.restart()

    def follow(self, before: JsonObject, after: JsonObject, changes: Iterable[Change], at: str) -> None:
        """The task's document became another one at that time (ISO)."""
        if not self.digest.follow(before, after, changes, from_iso(at)):
            self.restart()

    def land(self, firing: int, calls: Iterable[CallAnswered]) -> None:
        """A firing has ended, after these calls."""
        if self.lap is not None and firing <= self.lap.firing:
            self.lap = None
        self._chances += sum(self._request_hash(call) for call in calls)

    def fail(self, step: str, message: str, at: str) -> None:
        """A firing of `step` has failed at that time (ISO)."""
        self._chances += hash(f"{step} {self._plain(message, from_iso(at))}")

    def mark(self, state: Hashable, version: int, firing: int) -> None:
        """The task is in `state` (but for its document), at `version`; `firing` is the last that was started."""
        if self.lap is not None:
            return
        now = Mark(version, firing, self._chances)
        marks = self._marks.setdefault(hash((self.digest.value, state)), [])
        if marks and marks[-1].chances == now.chances:
            self.lap = Lap(marks[-1].version, version, marks[-1].firing, certain=True)
            return
        marks.append(now)
        laps = [later.chances - mark.chances for mark, later in pairwise(marks[-MOST_LAPS - 1 :])]
        if len(laps) == MOST_LAPS and len(set(laps)) == 1:
            self.lap = Lap(marks[-2].version, version, marks[-2].firing, certain=False)

    def _request_hash(self, call: CallAnswered) -> int:
        now = from_iso(call.at)
        # Of one text, since hashes of tuples are too weak to be added up.
        return hash(f"{call.call} {json.dumps(self._plain(call.arguments, now), sort_keys=True)}")

    def _plain(self, value: Json, now: float) -> Json:
        if isinstance(value, dict):
            return {key: self._plain(one, now) for key, one in value.items()}
        if isinstance(value, list):
            return [self._plain(one, now) for one in value]
        # An id stays what it is here: asking for one thing after another is progress.
        return plain_leaf(value, self.digest.stamps, now, ids=False)
