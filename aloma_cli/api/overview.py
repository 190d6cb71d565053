"""The state of all tasks of a workspace, refreshed often: only what has changed is read."""

from __future__ import annotations

from collections import Counter
from dataclasses import field, replace
from typing import TYPE_CHECKING, NamedTuple

from aloma_cli.api.task import read_record
from aloma_cli.clock import from_iso, to_iso
from aloma_cli.errors import JournalDamagedError, NotFoundError
from aloma_cli.jsontext import JsonObject
from aloma_cli.record.due import begin_of_day
from aloma_cli.record.states import ACTIVE, ENDINGS, RUNNING, STATES
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from aloma_cli.api.reader import Records

SCHEMA = 1
"""The version of the JSON."""

_COUNTED = {state.name: state.counted for state in STATES.values()}

COUNTS = tuple(dict.fromkeys((RUNNING, "due", "waiting", *_COUNTED.values())))
"""The groups in which tasks are counted.

`due` has something to do and is not run; `waiting` waits for a timer; `ended` ended, and is neither done nor failed.
"""

MINUTE = 60.0

_LATE = 60.0
"""Seconds by which a write of another process may be seen late."""

_WHOLE = 30.0
"""Seconds after which all tasks are listed, because some may have been deleted."""


class Running(NamedTuple):
    """A task that a process runs. `steps`: each that runs in it, and since when (ISO)."""

    id: str
    name: str
    created_at: str | None
    steps: tuple[tuple[str, str], ...]


class Snapshot(NamedTuple):
    """All tasks without their subtasks. `counts`: by the words in COUNTS. `cost`: US dollars of today."""

    at: float
    counts: dict[str, int]
    done_in_a_minute: int
    cost: float
    running: tuple[Running, ...]

    def to_json(self) -> JsonObject:
        """As `docs/cli.md` describes it."""
        return {
            "schema": SCHEMA,
            "at": to_iso(self.at),
            "counts": self.counts,
            "done_in_a_minute": self.done_in_a_minute,
            "cost_today": self.cost,
            "running": [
                {**one._asdict(), "steps": [{"step": step, "since": since} for step, since in one.steps]}
                for one in self.running
            ],
        }


@dataclass(slots=True)
class _SeenTree:
    """What is kept of a tree. `state`: None while its record is not published. `ended`: when it ended."""

    stamp: int
    state: str | None = None
    name: str = ""
    created_at: str | None = None
    wake_at: float | None = None
    ended: float = 0.0
    steps: tuple[tuple[str, str], ...] = ()
    held: bool = False

    @property
    def is_active(self) -> bool:
        return self.state is None or self.state in ACTIVE

    def counts_as(self, now: float) -> str:
        if self.is_active and self.held:
            return RUNNING
        if self.is_active and self.wake_at is not None and self.wake_at > now:
            return "waiting"
        return _COUNTED.get(self.state or "created", "ended")


@dataclass(slots=True)
class Overview:
    """The tasks of `home`."""

    home: Records
    _known: dict[str, _SeenTree] = field(default_factory=dict)
    _looked_at: float = 0.0
    _listed_at: float = float("-inf")
    _day: float = 0.0
    _spent: float = 0.0
    _read: dict[str, int] = field(default_factory=dict)

    def look(self) -> Snapshot:
        """The present state. Raises StoreError."""
        now = self.home.clock.now()
        self._look_at_trees(now)
        found = self._known.values()
        counts = Counter(known.counts_as(now) for known in found)
        return Snapshot(
            at=now,
            counts={name: counts[name] for name in COUNTS},
            done_in_a_minute=sum(known.state == "done" and known.ended > now - MINUTE for known in found),
            cost=self._cost(now),
            running=tuple(
                Running(root, known.name, known.created_at, known.steps)
                for root, known in sorted(self._known.items())
                if known.is_active and known.held
            ),
        )

    def _look_at_trees(self, now: float) -> None:
        whole = now - self._listed_at > _WHOLE
        changed = self.home.store.changed(0.0 if whole else self._looked_at - _LATE)
        if whole:
            self._listed_at = now
            present = set(changed)
            self._known = {root: known for root, known in self._known.items() if root in present}
        was_held = {root for root, known in self._known.items() if known.held}
        touched = was_held.union(*(self._look_at(root) for root in changed))
        for root in touched:
            self._look_at_holder(root)
        self._looked_at = now

    def _look_at(self, root: str) -> tuple[str, ...]:
        """Read a tree that may have changed; returns its id if it has."""
        try:
            stamp = self.home.store.stamp(root)
            known = self._known.get(root)
            if known is not None and known.stamp == stamp and known.state is not None:
                return ()
            self._known[root] = _known_of(stamp, self.home.store.record(root), known)
        except NotFoundError:
            self._known.pop(root, None)
            return ()
        return (root,)

    def _look_at_holder(self, root: str) -> None:
        known = self._known.get(root)
        if known is None:
            return
        try:
            known.held = known.is_active and self.home.store.is_held(root)
            if known.held and known.state is None:
                # Little is published within the first moments of a run, and nothing while a long step runs then.
                self._known[root] = replace(
                    _known_of(known.stamp, read_record(self.home.store, root), known), held=True
                )
        except NotFoundError:
            del self._known[root]
        except JournalDamagedError:
            return

    def _cost(self, now: float) -> float:
        begin = begin_of_day(now)
        if begin != self._day:
            self._day, self._spent, self._read = begin, 0.0, {}
        for _, call in self.home.store.answered(begin, self._read):
            self._spent += (call.usage or {}).get("cost") or 0.0
        return self._spent


def _known_of(stamp: int, record: JsonObject | None, before: _SeenTree | None) -> _SeenTree:
    if record is None:
        # Its name does not change for the time in which nothing is published.
        return _SeenTree(stamp, name=before.name if before else "", created_at=before.created_at if before else None)
    wake_at = record.get("wake_at")
    return _SeenTree(
        stamp,
        state=record["state"],
        name=record["name"],
        created_at=record["created_at"],
        wake_at=None if wake_at is None else from_iso(wake_at),
        ended=from_iso(record["updated_at"]) if record["state"] in ENDINGS else 0.0,
        steps=tuple((one["step"], one["since"]) for one in record["running"]),
    )
