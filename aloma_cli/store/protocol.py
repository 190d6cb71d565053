"""What the engine asks of a store. It speaks of tasks and events, never of files or of asyncio."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from aloma_cli.errors import NotFoundError
from aloma_cli.jsontext import JsonObject

if TYPE_CHECKING:
    from aloma_cli.record.batch import Batch
    from aloma_cli.record.events import Event


@dataclass(frozen=True, slots=True)
class Request:
    """What another process asks of a running task; `body` has `kind` (stop, …) and that kind's fields."""

    id: str
    body: JsonObject


@dataclass(frozen=True, slots=True)
class Salvage:
    """What became of a damaged tree: batches `kept` and `lost`, what is `readable` of the lost ones, and where
    (`aside`) the damaged record is."""

    kept: int
    lost: int
    readable: tuple[Event, ...]
    aside: str


def no_such_task(root: str) -> NotFoundError:
    """The error for a tree that is not there, or not any more."""
    return NotFoundError(f"there is no task {root}", hint="aloma task list")


class Claim(Protocol):
    """The sole right to write one tree of tasks. It ends with `close`, or with the process."""

    root: str
    publishes: bool
    """Whether `publish` keeps anything; if not, a run need not make a summary."""

    def batches(self) -> Iterator[Batch]:
        """All that was committed so far, oldest first. Raises JournalDamagedError."""

    def commit(self, events: Sequence[Event], *, durable: bool = True) -> None:
        """Append `events` as one batch: after a crash all of them are there, or none.

        With `durable` they survive a loss of power once this returns; without, they survive the death of this
        process, and a loss of power once a later durable commit returned. Raises StoreError.
        """

    def publish(self, summary: JsonObject, data: JsonObject) -> None:
        """Put the root's summary and document where readers find them quickly. The journal stays the truth.

        Raises StoreError; readers then fold the journal.
        """

    def requests(self) -> list[Request]:
        """The requests that wait, oldest first. Raises StoreError, also where the whole tree is gone."""

    def fulfilled(self, request: Request) -> None:
        """Drop a request that was carried out and committed."""

    def delete(self) -> None:
        """Delete the tree and give the claim up. Raises StoreError.

        As one, for readers and after a crash: the tree is there as it was, or there is none.
        """

    def close(self) -> None:
        """Give the claim up."""


class Store(Protocol):
    """All trees of tasks of one workspace."""

    def create(self, root: str, events: Sequence[Event]) -> Claim:
        """Begin a tree with its first batch. Raises StoreError; then nothing was created."""

    def claim(self, root: str) -> Claim:
        """Take the tree over, dropping a torn last batch. Raises NotFoundError, TaskLockedError, StoreError."""

    def salvage(self, root: str, take: Callable[[Batch], object]) -> Salvage | None:
        """Go back to the last batch before the first damaged one; None where nothing is damaged.

        `take` is given each batch in order, and raises what `Batch.damaged` makes where one does not follow.
        Raises as `claim`, and JournalDamagedError where nothing stands before the damage.
        """

    def read(self, root: str, since: int = 0) -> Iterator[Batch]:
        """The batches from `since` on, also of a tree that another process runs. Raises NotFoundError."""

    def roots(self, start: str = "") -> list[str]:
        """The ids of all trees, or of those whose id begins with `start`, oldest first."""

    def newest_first(self) -> Iterator[str]:
        """The ids of all trees, newest first; the first ones cost little, however many there are."""

    def summary(self, root: str) -> JsonObject | None:
        """What was last published of a tree, if that still is the newest; else None."""

    def published(self, root: str) -> tuple[JsonObject, JsonObject] | None:
        """The summary and the root's document, as they were published together; None where they cannot be had."""

    def size(self, root: str) -> int:
        """The bytes that a tree takes, with all that is kept beside its batches. Raises NotFoundError."""

    def holder(self, root: str) -> str | None:
        """Who runs the tree now, in words ("process 123 …"), or None."""

    def is_held(self, root: str) -> bool:
        """Whether somebody runs the tree now; at once, and so wrong where somebody else only looks as well."""

    def post(self, root: str, body: JsonObject) -> str:
        """Leave a request for the process that runs the tree, and give its id. Raises NotFoundError, StoreError."""

    def is_waiting(self, root: str, request: str) -> bool:
        """Whether a request has not been carried out yet. Raises NotFoundError."""

    def sweep(self) -> None:
        """Free what creations and deletions left behind that were killed halfway."""
