"""A list of the tasks of a workspace that is refreshed often: only what has changed is read."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import dropwhile
from typing import TYPE_CHECKING

from aloma_cli.api.inbox import most_urgent_first, questions_of
from aloma_cli.api.task import read_record
from aloma_cli.errors import NotFoundError, StoreError
from aloma_cli.jsontext import JsonObject
from aloma_cli.record.states import AT_WORK, as_seen, took
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from aloma_cli.api.reader import Records

UNREADABLE = "unreadable"
"""The state of a task whose record cannot be read."""

_KEPT = ("id", "name", "state", "tags", "created_at", "seconds", "usage", "children", "closed", "questions", "wake_at")


@dataclass(frozen=True, slots=True)
class _ListedTask:
    stamp: int
    record: JsonObject


class Listing:
    """The tasks of `home`, without their subtasks."""

    def __init__(self, home: Records) -> None:
        self._home = home
        self._known: dict[str, _ListedTask] = {}

    def rows(self, *, state: str | None = None, before: str | None = None) -> Iterator[JsonObject]:
        """The rows of the list, newest first; read lazily.

        `state`: only tasks in this state, as `record.states.seen` gives it. `before`: only tasks older than this one.
        """
        ids = self._home.store.newest_first().ids
        for root in ids if before is None else dropwhile(lambda one: one >= before, ids):
            row = self._current_row(root)
            if row is not None and state in (None, row["state"]):
                yield row

    def questions(self) -> list[JsonObject]:
        """All open questions, as `inbox.open_questions` gives them."""
        return most_urgent_first(asked for row in self.rows() for asked in questions_of(row))

    def _current_row(self, root: str) -> JsonObject | None:
        """None for a task that was deleted."""
        try:
            record = self._known_record(root)
            if record["state"] not in AT_WORK or record["wake_at"]:
                return record
            held = self._home.store.is_held(root)  # this takes as long as all the rest
        except NotFoundError:
            self._known.pop(root, None)
            return None
        seconds = took(record, self._home.clock.now()) if held else record["seconds"]
        return {**as_seen(record, held=held), "seconds": seconds}

    def _known_record(self, root: str) -> JsonObject:
        stamp = self._home.store.stamp(root)
        known = self._known.get(root)
        if known is None or known.stamp != stamp:
            known = self._known[root] = _ListedTask(stamp, self._read_row(root))
        return known.record

    def _read_row(self, root: str) -> JsonObject:
        try:
            record = read_record(self._home.store, root)
        except NotFoundError:
            raise
        except StoreError as error:
            return {"id": root, "name": str(error), "state": UNREADABLE, "closed": True}
        return {name: record.get(name) for name in _KEPT}
