"""Find and delete old tasks."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import field
from typing import TYPE_CHECKING

from aloma_cli.api.task import read_record, read_records
from aloma_cli.clock import from_iso
from aloma_cli.errors import NotFoundError, StoreError, TaskLockedError
from aloma_cli.jsontext import JsonObject
from aloma_cli.record.states import ENDINGS, seen
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from aloma_cli.store.protocol import Store


@dataclass(frozen=True, slots=True)
class Criteria:
    """Tasks in one of `states`, unchanged for at least `older_than` seconds, of at least `larger_than` bytes; without
    the newest `keep` of them."""

    states: frozenset[str] = frozenset(ENDINGS)
    older_than: float = 0
    larger_than: int = 0
    keep: int = 0

    def meet(self, record: JsonObject, now: float) -> bool:
        """Whether the record of a root has the state and the age."""
        # The record is ahead of a clock that was set back.
        age = max(0.0, now - from_iso(record["updated_at"]))
        states = {record["state"], seen(record["state"], held=False, asleep=bool(record.get("wake_at")))}
        return not self.states.isdisjoint(states) and age >= self.older_than

    def spares(self, record: JsonObject, subtasks: Iterable[JsonObject]) -> bool:
        """Whether a root has ended and some of its subtasks have not."""
        return record["state"] in ENDINGS and any(one["state"] not in self.states.union(ENDINGS) for one in subtasks)


@dataclass(frozen=True, slots=True)
class OldTask:
    """A task's record, and its size in bytes."""

    record: JsonObject
    size: int


@dataclass(slots=True)
class Garbage:
    """Tasks, oldest first, and why others were skipped, by their ids."""

    tasks: list[OldTask] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """The bytes of all tasks together."""
        return sum(task.size for task in self.tasks)


def find_garbage(store: Store, criteria: Criteria, now: float) -> Garbage:
    """The tasks that meet `criteria` at `now` (seconds since 1970); deletes nothing."""
    garbage = Garbage()
    kept = 0
    for root in store.newest_first().ids:
        try:
            old = _old_task(store, root, criteria, now)
            kept += old is not None
            if old is None or kept <= criteria.keep:
                continue
            holder = store.holder(root)
        except NotFoundError:  # deleted meanwhile
            continue
        except StoreError as error:
            garbage.skipped[root] = str(error)
            continue
        if holder is None:
            garbage.tasks.append(old)
        else:
            garbage.skipped[root] = f"{holder} is running it"
    garbage.tasks.reverse()
    return garbage


def _old_task(store: Store, root: str, criteria: Criteria, now: float) -> OldTask | None:
    record = read_record(store, root)
    if not criteria.meet(record, now):
        return None
    if record["children"] and criteria.spares(record, read_records(store, root)[1:]):
        return None
    size = store.size(root)
    return OldTask(record, size) if size >= criteria.larger_than else None


def delete_garbage(store: Store, tasks: Iterable[OldTask]) -> Garbage:
    """Delete the tasks that have not changed since they were found; returns them, and why others were skipped.

    It also removes the remains of interrupted deletions.
    """
    deleted = Garbage()
    for task in tasks:
        root = str(task.record["id"])
        try:
            if _delete_unchanged(store, root, task.record):
                deleted.tasks.append(task)
            else:
                deleted.skipped[root] = "it has changed since"
        except NotFoundError:  # another process deleted it
            continue
        except (TaskLockedError, StoreError) as error:
            deleted.skipped[root] = str(error)
    store.sweep()
    return deleted


def _delete_unchanged(store: Store, root: str, record: JsonObject) -> bool:
    with closing(store.claim(root)) as claim:
        unchanged = read_record(store, root) == record and not claim.requests()
        if unchanged:
            claim.delete()
        return unchanged
