"""The due trees of a store without a queue of its own: the published record of each tree is looked at.

What other processes change is looked at often, and all trees seldom, if they are many.

Due are new trees, those whose timer has come, those that another process left unfinished, and those that the limit of
a day stopped on an earlier day.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import field
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from aloma_cli.api.task import read_record
from aloma_cli.errors import AlomaError, NotFoundError, TaskLockedError
from aloma_cli.record.due import due
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from aloma_cli.api.reader import Records
    from aloma_cli.store.protocol import Claim

_LEAST_PAUSE = 0.1
_SHARE = 0.05
"""The share of its time that a worker may take to look for due trees."""

_WINDOW = 2.0
"""Seconds for which a tree that was claimed by another process is looked at: it may become due meanwhile."""

_AGAIN = 1.0
"""Seconds until a tree that was due, and could not be run or did nothing, is looked at again."""


@dataclass(slots=True)
class _ScannedTree:
    """A tree as it was when it was looked at. `due`: seconds since 1970; None while nothing is to be done."""

    stamp: int
    due: float | None


_NOTHING = _ScannedTree(-1, None)


@dataclass(slots=True)
class Scan:
    """As `store.protocol.DueTrees`. `only`: just those with this tag. `refused` gets each error that keeps a tree
    from being claimed."""

    home: Records
    only: str | None
    refused: Callable[[str, AlomaError], object]
    _known: dict[str, _ScannedTree] = field(default_factory=dict)
    _queue: list[tuple[float, str]] = field(
        default_factory=list
    )  # a heap; an entry whose tree is due otherwise is void
    _look_at: float = 0.0
    _peek_at: float = 0.0
    _changes: Callable[[], list[str]] | None = None
    _recent: dict[str, float] = field(default_factory=dict)

    def take(self, running: Collection[str], most: int) -> list[Claim]:
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at_trees(running)
        elif now >= self._peek_at:
            self._look_at_changed(running)
        taken: dict[str, Claim] = {}
        while len(taken) < most and self._is_ready():
            moment, root = heappop(self._queue)
            if root in running or root in taken or self._known.get(root, _NOTHING).due != moment:
                continue
            claim = self._claimed(root)
            if claim is not None:
                taken[root] = claim
        return [*taken.values()]

    def left(self, root: str, error: AlomaError | None) -> None:
        known = self._known.get(root)
        if error is not None:
            self._leave_alone(root)
        elif known is not None:
            self._note(root, known)

    def upcoming(self) -> float | None:
        self._look_at_trees(())
        return min((known.due for known in self._known.values() if known.due is not None), default=None)

    def pause(self) -> float:
        return 0.0 if self._is_ready() else max(0.0, min(self._look_at, self._peek_at) - time.monotonic())

    def close(self) -> None:
        """Nothing, because nothing is held."""

    def _is_ready(self) -> bool:
        return bool(self._queue) and self._queue[0][0] <= self.home.clock.now()

    def _keep_tree(self, root: str, stamp: int, due: float | None) -> None:
        self._known[root] = _ScannedTree(stamp, due)
        if due is not None:
            heappush(self._queue, (due, root))

    def _claimed(self, root: str) -> Claim | None:
        try:
            return self.home.store.claim(root)
        except TaskLockedError:
            self._keep_tree(root, self._known[root].stamp, self.home.clock.now() + _AGAIN)
        except NotFoundError:
            del self._known[root]
        except AlomaError as error:
            self._refuse_tree(root, error)
        return None

    def _look_at_trees(self, running: Collection[str]) -> None:
        """Note which trees are due, and forget those that were deleted."""
        self._note_changed()
        started, roots = time.monotonic(), self.home.store.roots()
        for root in self._known.keys() - set(roots):
            del self._known[root]
        for root in roots:
            if root not in running:
                self._look_at_tree(root)
        took = time.monotonic() - started
        self._look_at = started + took + max(_LEAST_PAUSE, took / _SHARE)
        self._peek_at = started + took + _LEAST_PAUSE

    def _look_at_changed(self, running: Collection[str]) -> None:
        """Note which of the trees that were claimed lately are due."""
        self._note_changed()
        for root in self._recent:
            if root not in running:
                self._look_at_tree(root)
        self._peek_at = time.monotonic() + _LEAST_PAUSE

    def _note_changed(self) -> None:
        self._changes = self._changes or self.home.store.changes()
        now = time.monotonic()
        self._recent = {root: until for root, until in self._recent.items() if until > now}
        self._recent.update(dict.fromkeys(self._changes(), now + _WINDOW))

    def _look_at_tree(self, root: str) -> None:
        try:
            stamp = self.home.store.stamp(root)
            known = self._known.get(root)
            if known is None or known.stamp != stamp:
                self._keep_tree(root, stamp, self._due(root))
        except NotFoundError:
            self._known.pop(root, None)
        except AlomaError as error:
            self._refuse_tree(root, error)

    def _due(self, root: str) -> float | None:
        record = self.home.store.record(root)
        if self.only is not None and self.only not in (record or read_record(self.home.store, root))["tags"]:
            return None
        return due(record)

    def _note(self, root: str, known: _ScannedTree) -> None:
        """What is next for a tree that was left."""
        try:
            stamp, moment = self.home.store.stamp(root), due(self.home.store.record(root))
        except NotFoundError:
            del self._known[root]
            return
        if stamp == known.stamp and moment is not None:
            # It did nothing, although it was due, and must not be claimed again and again.
            moment = max(moment, self.home.clock.now() + _AGAIN)
        self._keep_tree(root, stamp, moment)

    def _refuse_tree(self, root: str, error: AlomaError) -> None:
        self._leave_alone(root)
        self.refused(root, error)

    def _leave_alone(self, root: str) -> None:
        """A tree that cannot be run is left alone until somebody changes it."""
        self._known.pop(root, None)
        with suppress(NotFoundError):  # deleted meanwhile
            self._known[root] = _ScannedTree(self.home.store.stamp(root), None)
