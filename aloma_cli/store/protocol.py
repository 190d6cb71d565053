"""What the engine asks of a store, in terms of tasks and events, never of files or asyncio."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from aloma_cli.errors import AlomaError, NotFoundError
from aloma_cli.jsontext import JsonObject

if TYPE_CHECKING:
    from aloma_cli.record.batch import Batch
    from aloma_cli.record.events import CallAnswered, Event
    from aloma_cli.store.behind import Behind


class Published(NamedTuple):
    """The record of a root (`docs/format.md`, `task.json`) and its document, from the same moment."""

    record: JsonObject
    data: JsonObject


class Newest(NamedTuple):
    """Ids of trees, newest first. `total`: how many they are, with those that are being made or deleted.

    `narrowed`: whether `ids` are only those of trees that may be in the states that were asked for.
    """

    total: int
    ids: Iterator[str]
    narrowed: bool = False


class Kept(NamedTuple):
    """A state that the first batches of a tree add up to (`record/checkpoint.py`), and the batches after these."""

    state: JsonObject
    rest: Iterator[Batch]


class Request(NamedTuple):
    """What another process asks of a running task; `body` has `kind` (stop, …) and the fields of that kind."""

    id: str
    body: JsonObject


class Salvage(NamedTuple):
    """How a damaged tree was recovered: batches `kept` and `lost`, the `readable` events of the lost ones, and where
    (`aside`) the damaged record was put."""

    kept: int
    lost: int
    readable: tuple[Event, ...]
    aside: str


def no_such_task(root: str) -> NotFoundError:
    """The error for a tree that does not exist, or was deleted."""
    return NotFoundError(f"there is no task {root}", hint="aloma task list")


class Claim(Protocol):
    """The sole right to write one tree of tasks. It ends with `close`, or with the process."""

    root: str
    publishes: bool
    """Whether `publish` keeps anything; if not, a run need not make a summary."""

    @property
    def behind(self) -> Behind | None:
        """The writes that are not durable yet, of a claim that does not wait for them; see `write_behind`."""

    def write_behind(self, post: Callable[[Callable[[], object]], object]) -> None:
        """From now on do not wait until a write is durable, so that other trees continue meanwhile.

        `post` may be called from any thread, and calls what it gets on the thread that uses the claim. What is written
        keeps its order. An error is raised by the next write, or reported by `behind`. A store may do nothing.
        """

    def batches(self) -> Iterator[Batch]:
        """All that was committed so far, oldest first. Raises JournalDamagedError."""

    def kept(self) -> Kept | None:
        """What was kept when the tree was claimed, with all batches after it. It is given once, because it is large."""

    @property
    def keeps(self) -> bool:
        """Whether another `keep` would spare the next process work, because of the commits since the last one."""

    def keep(self, state: JsonObject) -> None:
        """Keep the sum of all batches so far, which is useless without them. Raises StoreError."""

    def commit(self, events: Sequence[Event], *, durable: bool = True) -> None:
        """Append `events` as one batch: after a crash all of them exist, or none.

        With `durable` they survive a loss of power once this returns. Without it they survive the death of this
        process, and a loss of power once a later durable commit returned. With `write_behind`, that is so once `behind`
        says it. Raises StoreError.
        """

    def publish(self, record: JsonObject, data: JsonObject) -> None:
        """Put the root's record and document where readers find them quickly. The journal stays the truth.

        Raises StoreError; readers then fold the journal.
        """

    def requests(self) -> list[Request]:
        """The waiting requests, oldest first. Raises StoreError, also if the whole tree is gone.

        A running tree asks four times a second, so an empty answer must cost next to nothing. Files look at one name. A
        store on a server must be notified, and not send a query for each look.
        """

    def fulfilled(self, request: Request) -> None:
        """Drop a request that was carried out and committed."""

    def delete(self) -> None:
        """Delete the tree and give the claim up. Raises StoreError.

        For readers, and after a crash, either the whole tree exists or nothing of it.
        """

    def close(self) -> None:
        """Give the claim up."""


class Waiting(NamedTuple):
    """Trees of one version of the code that are due and not taken by a process. `since`: seconds since 1970."""

    release: str | None
    trees: int
    since: float


class DueTrees(Protocol):
    """The trees that workers are to run, those that are due first in front."""

    def take(self, running: Collection[str], most: int) -> Sequence[Claim]:
        """Claim the next trees that are due, other than those that this worker is running. Raises StoreError.

        If these are fewer than `most`, no other is due now.
        """

    def left(self, root: str, error: AlomaError | None) -> None:
        """Note that the worker has left a tree; `error`: why it could not run it."""

    def upcoming(self) -> float | None:
        """When the next tree is due, in seconds since 1970; None: none of them. Raises StoreError."""

    def pause(self) -> float:
        """Seconds until the next tree may be due that is not known of yet."""

    def close(self) -> None:
        """Listen no more."""


class Store(Protocol):
    """All trees of tasks of one workspace."""

    def create(self, root: str, events: Sequence[Event]) -> Claim:
        """Begin a tree with its first batch. Raises StoreError; then nothing was created."""

    def restore(self, root: str, lines: Sequence[bytes]) -> Claim:
        """Begin a tree with what `lines` gave of it, here or in another store. Raises as `create`."""

    def claim(self, root: str) -> Claim:
        """Take the tree over and drop a torn last batch. Raises NotFoundError, TaskLockedError, StoreError."""

    def salvage(self, root: str, take: Callable[[Batch], object]) -> Salvage | None:
        """Go back to the last batch before the first damaged one; None if nothing is damaged.

        `take` gets each batch in order, and raises what `Batch.damaged` makes if one does not follow from the others.
        Raises as `claim`, and JournalDamagedError if the first batch is damaged.
        """

    def read(self, root: str, since: int = 0) -> Iterator[Batch]:
        """The batches from `since` on, also of a tree that another process runs. Raises NotFoundError."""

    def lines(self, root: str) -> Iterator[bytes]:
        """The batches as lines of a journal (`docs/format.md`), byte for byte as they were written.

        Raises NotFoundError, JournalDamagedError, StoreError.
        """

    def kept(self, root: str) -> Kept | None:
        """What was last kept of a tree, and the batches after it; None if there is nothing that the batches confirm.

        Raises NotFoundError.
        """

    def read_back(self, root: str) -> Iterator[Batch]:
        """The batches, newest first, up to one that cannot be read. Raises NotFoundError.

        Lists in the `arguments` of calls may lack their beginnings, which came before.
        """

    def reserve(self, key: str, root: str) -> str:
        """The id that `key` stands for: `root`, or the one that it was reserved for before. Raises StoreError."""

    def note(self, name: str) -> JsonObject | None:
        """The note of this name (letters, digits, `_`, `-`, `.`) that was last written, if any. Raises StoreError."""

    def write_note(self, name: str, note: JsonObject) -> None:
        """Replace a note as a whole; it then survives a loss of power. Of two writers the last one counts.

        Raises StoreError.
        """

    def stamp(self, root: str) -> int:
        """A number that changes with every commit. Raises NotFoundError."""

    def answered(self, since: float = 0.0, seen: dict[str, int] | None = None) -> Iterator[tuple[str, CallAnswered]]:
        """The calls that were answered, or failed, at `since` (seconds since 1970) or later, each with its root.

        Those of all trees, as far as they can be read. Lists in their `arguments` may lack their beginnings. `seen`:
        how much of each tree was read before, which is passed over; it is brought up to date. Raises StoreError.
        """

    def roots(self, start: str = "") -> list[str]:
        """The ids of all trees whose id begins with `start`, oldest first."""

    def changed(self, since: float) -> list[str]:
        """The ids of all trees to which something was written at `since` (seconds since 1970) or later, oldest first.

        That is by the clock of the store, which may be another one.
        """

    def changes(self) -> Callable[[], list[str]]:
        """What gives, at each call, the ids of trees that were claimed since the last one. Some may be missing."""

    def newest_first(self, states: Collection[str] = ()) -> Newest:
        """The ids of all trees, newest first. The first ones cost little, even among very many.

        With `states`, a store that has an index leaves out roots that are in none of these states on record.
        """

    def record(self, root: str) -> JsonObject | None:
        """The record that was last published of a tree; None if it is not the newest."""

    def published(self, root: str) -> Published | None:
        """What was last published of a tree; None if it is not the newest, or cannot be read."""

    def size(self, root: str) -> int:
        """The bytes that a tree takes in the store. Raises NotFoundError."""

    def holder(self, root: str) -> str | None:
        """The process that runs the tree now, in words ("process 123 …"), or None."""

    def is_held(self, root: str) -> bool:
        """Whether a process runs the tree now. It does not wait, so another process that only looks counts as well."""

    def post(self, root: str, body: JsonObject) -> str:
        """Leave a request for the process that runs the tree, and return its id. Raises NotFoundError, StoreError."""

    def is_waiting(self, root: str, request: str) -> bool:
        """Whether a request has not been carried out yet. Raises NotFoundError."""

    def due(self, tag: str | None, wake: Callable[[], object], *, any_release: bool = False) -> DueTrees | None:
        """The queue of trees that are due, of those with `tag`; None for a store without one: then records are read.

        `wake` is called, from any thread, when a tree has become due. With `any_release` also trees of other versions
        of the code.
        """

    def waiting(self, root: str | None = None) -> list[Waiting]:
        """The trees that are due, or that one if it is; none for a store without a queue. Raises StoreError."""

    def sweep(self) -> None:
        """Free what killed creations and deletions left behind."""
