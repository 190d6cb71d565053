"""The states that a task has been in, to prove that it makes no progress.

What steps do follows from the state: the document, what is armed, what is in flight. So a task that comes back to one
state again and again, with the same requests and failures in between, never ends. What comes from outside
begins a new trail: a person, the landing of a subtask, a timer; and so does what could end otherwise the next time
though the state is the same: a race of two firings, and a step that looks at the figures of the run.

Ordinary runs pay for none of this: nothing is compared before one step has fired often.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import field

from aloma_cli.clock import from_iso
from aloma_cli.document.changes import Change
from aloma_cli.document.digest import Digest, plain_leaf
from aloma_cli.document.volatile import Volatile
from aloma_cli.jsontext import Json, JsonObject
from aloma_cli.record.events import CallAnswered, Committed, Event
from aloma_cli.record.tree import PASSING
from aloma_cli.values import dataclass

OFTEN = 16
"""Firings of one step with nothing from outside, before anything is compared."""
_MOST_SHOWN = 20
_MOST_NAMED = 4

MOST_LAPS = 3
"""How often a task may come back to one state: a connector, or a step that fails, may still end it."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """The way from a state back to the same state: the commits after version `since`, up to `until`.

    `firing` is the last that had been started before it: one that still runs may end the cycle.
    `chances`: something in it could have gone otherwise: a call, or a failure.
    """

    since: int
    until: int
    firing: int
    chances: bool


@dataclass(frozen=True, slots=True)
class Visit:
    """A task in some state, at `version`; `firing` is the last that was started by then.

    `chances` of another outcome (calls and failures) on the trail so far, as a sum of hashes.
    """

    state: int
    version: int
    firing: int
    chances: int


@dataclass(slots=True)
class Comparison:
    """Compares each moment with one that it keeps, by Brent: it keeps another one after twice as many.

    `_seen` is the last moment in the kept state; `_laps` laps in a row, up to it, went the same way.
    """

    _seen: Visit | None = None
    _lap: int | None = None
    _laps: int = 0
    _left: int = 0
    _reach: int = 1

    def is_round(self, now: Visit) -> Cycle | None:
        """The last lap, if the task has come back to the kept state often enough."""
        if self._seen is not None and self._seen.state == now.state:
            return self._come_back(self._seen, now)
        if self._left:
            self._left -= 1
        else:
            self._seen, self._lap, self._laps, self._left = now, None, 0, self._reach
            self._reach *= 2
        return None

    def _come_back(self, before: Visit, now: Visit) -> Cycle | None:
        chances = now.chances - before.chances
        self._laps, self._lap = self._laps + 1 if chances == self._lap else 1, chances
        # A state that came back once is kept for as long as it may come back again.
        self._seen, self._left = now, max(self._left, self._reach * MOST_LAPS)
        if self._laps < MOST_LAPS:
            return None
        return Cycle(before.version, now.version, before.firing, chances=chances != 0)


@dataclass(slots=True)
class _Search:
    """What is compared of a watched task. A round may end when a firing ends that ran throughout: those ends are
    compared with each other (`ends`), as the moments between them are.

    `chances` of another outcome so far, as in Visit. Hashes of Python are those of one process: a resumed run starts
    over.
    """

    digest: Digest
    chances: int = field(default=0, metadata=PASSING)
    moments: Comparison = field(default_factory=Comparison, metadata=PASSING)
    ends: Comparison = field(default_factory=Comparison, metadata=PASSING)
    ended: bool = False

    def mark(self, standpoint: Hashable, version: int, firing: int) -> Cycle | None:
        """As `Trail.mark`; returns the cycle that was found."""
        now = Visit(hash((self.digest.value, standpoint)), version, firing, self.chances)
        cycle = None
        if self.ended:
            self.ended, self.moments = False, Comparison()
            cycle = self.ends.is_round(now)
        return cycle or self.moments.is_round(now)

    def land(self, calls: Iterable[CallAnswered]) -> None:
        """A firing has ended, after these calls."""
        for call in calls:
            request = json.dumps(self._plain(call.arguments, from_iso(call.at)), sort_keys=True)
            # Of one text, since hashes of tuples are too weak to be added up.
            self.chances += hash(f"{call.call} {request}")

    def fail(self, step: str, message: str, at: str) -> None:
        """As `Trail.fail`."""
        self.chances += hash(f"{step} {self._plain(message, from_iso(at))}")

    def _plain(self, value: Json, now: float) -> Json:
        if isinstance(value, dict):
            return {key: self._plain(one, now) for key, one in value.items()}
        if isinstance(value, list):
            return [self._plain(one, now) for one in value]
        return plain_leaf(value, self.digest.stamps, now)


@dataclass(slots=True)
class Trail:
    """Where a task of the tree `root`, created `since` (ISO), has been since something came from outside.

    `cycle`: it repeats itself, so nothing more is started. `watched`: one of its steps has fired often.
    """

    root: str
    since: str
    cycle: Cycle | None = None
    watched: bool = False
    _fired: dict[str, int] = field(default_factory=dict)
    _search: _Search | None = None

    @property
    def digest(self) -> int:
        """The digest of a watched task's document, counted from when it was first watched; else 0."""
        return 0 if self._search is None else self._search.digest.value

    def restart(self) -> None:
        """Something came from outside: earlier states no longer prove anything."""
        self._fired.clear()
        self.cycle, self.watched, self._search = None, False, None

    def _watch(self) -> None:
        self.cycle, self.watched = None, True
        self._search = _Search(Digest(Volatile(self.root, from_iso(self.since))))

    def fire(self, step: str) -> None:
        """A firing of `step` left something."""
        fired = self._fired[step] = self._fired.get(step, 0) + 1
        if fired >= OFTEN and not self.watched:
            self._watch()

    def follow(self, before: JsonObject, after: JsonObject, changes: Iterable[Change], at: str) -> None:
        """The document of a watched task changed at that time (ISO)."""
        if self._search is not None and not self._search.digest.follow(before, after, changes, from_iso(at)):
            self._watch()

    def land(self, firing: int, calls: Iterable[CallAnswered]) -> None:
        """A firing of a watched task has ended, after these calls."""
        if self._search is not None:
            if self.cycle is not None and firing <= self.cycle.firing:
                self.cycle, self._search.ended = None, True
            self._search.land(calls)

    def fail(self, step: str, message: str, at: str) -> None:
        """A firing of `step` has failed at that time (ISO)."""
        if self._search is not None:
            self._search.fail(step, message, at)

    def mark(self, standpoint: Hashable, version: int, firing: int) -> None:
        """A watched task is at `standpoint` and `version`; `firing` is the last that was started."""
        if self._search is not None and self.cycle is None:
            self.cycle = self._search.mark(standpoint, version, firing)


def cycle_commits(history: Iterable[Event], task_id: str, cycle: Cycle) -> list[Committed]:
    """The commits of a task that make up a cycle."""
    commits = (event for event in history if isinstance(event, Committed) and event.task == task_id)
    return [event for event in commits if cycle.since < event.version <= cycle.until]


def reason_of(commits: Sequence[Committed], cycle: Cycle) -> str:
    """Why a task in a cycle ended, in words."""
    names = [commit.step or "" for commit in commits]
    way = " → ".join([*names[:_MOST_NAMED], *(["…"] if len(names) > _MOST_NAMED else [])])
    requests = ", with the same requests" if cycle.chances else ""
    return f"no progress: {way} led back to the same state {MOST_LAPS} times{requests}"


def shown_cycle(commits: Sequence[Committed]) -> tuple[JsonObject, ...]:
    """The first commits of a cycle, as `TaskRested.cycle` has them."""
    return tuple(map(_leg, commits[:_MOST_SHOWN]))


def _leg(commit: Committed) -> JsonObject:
    leg: JsonObject = {"version": commit.version, "step": commit.step, "changes": list(commit.changes)}
    return {**leg, "redo": True} if commit.redo else leg
