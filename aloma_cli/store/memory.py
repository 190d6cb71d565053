"""Tasks in memory, for workspaces made in code and for tests. They make the same promises, and end with the process."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import field
from typing import TYPE_CHECKING

from aloma_cli.clock import from_iso
from aloma_cli.errors import StoreError, TaskLockedError
from aloma_cli.jsontext import JsonObject
from aloma_cli.record.batch import Batch
from aloma_cli.record.codec import decode, encode
from aloma_cli.record.events import CallAnswered
from aloma_cli.record.repeats import Earlier
from aloma_cli.store.protocol import Kept, Newest, Published, Request, Waiting, no_such_task
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from aloma_cli.record.events import Event
    from aloma_cli.store.behind import Behind


@dataclass()
class _Tree:
    batches: list[Batch] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    posted: int = 0
    claimed: bool = False


class MemoryStore:
    """A store that ends with its process, whatever it is opened by."""

    def __init__(self, *_where: object) -> None:
        self._trees: dict[str, _Tree] = {}
        self._keys: dict[str, str] = {}
        self._notes: dict[str, JsonObject] = {}

    def create(self, root: str, events: Sequence[Event]) -> MemoryClaim:
        if root in self._trees:
            raise StoreError(f"task {root} already exists")
        self._trees[root] = _Tree()
        claim = self.claim(root)
        claim.commit(events)
        return claim

    def restore(self, root: str, lines: Sequence[bytes]) -> MemoryClaim:
        earlier, batches = Earlier(), []
        for line in lines:
            batches.append(decode(line, earlier))
            earlier.learn(batches[-1])
        claim = self.create(root, batches[0].events)
        for batch in batches[1:]:
            claim.commit(batch.events)
        return claim

    def claim(self, root: str) -> MemoryClaim:
        tree = self._tree(root)
        if tree.claimed:
            raise TaskLockedError(f"this process is running task {root}")
        tree.claimed = True
        return MemoryClaim(root, self._trees)

    def salvage(self, root: str, take: Callable[[Batch], object]) -> None:
        """Nothing, because memory does not get damaged."""
        del take
        self._tree(root)

    def read(self, root: str, since: int = 0) -> Iterator[Batch]:
        return iter(self._tree(root).batches[since:])

    def lines(self, root: str) -> Iterator[bytes]:
        return map(encode, self._tree(root).batches)

    def kept(self, root: str) -> Kept | None:
        self._tree(root)
        return None

    def read_back(self, root: str) -> Iterator[Batch]:
        return reversed(self._tree(root).batches)

    def reserve(self, key: str, root: str) -> str:
        return self._keys.setdefault(key, root)

    def note(self, name: str) -> JsonObject | None:
        return self._notes.get(name)

    def write_note(self, name: str, note: JsonObject) -> None:
        self._notes[name] = note

    def stamp(self, root: str) -> int:
        return len(self._tree(root).batches)

    def answered(self, since: float = 0.0, seen: dict[str, int] | None = None) -> Iterator[tuple[str, CallAnswered]]:
        places = {} if seen is None else seen
        for root, tree in list(self._trees.items()):
            batches = tree.batches[places.get(root, 0) :]
            places[root] = places.get(root, 0) + len(batches)
            events = (event for batch in batches for event in batch.events)
            yield from ((root, one) for one in events if isinstance(one, CallAnswered) and from_iso(one.at) >= since)

    def roots(self, start: str = "") -> list[str]:
        return sorted(root for root in self._trees if root.startswith(start))

    def changed(self, since: float) -> list[str]:
        del since
        return self.roots()

    def changes(self) -> Callable[[], list[str]]:
        return list

    def newest_first(self, states: Collection[str] = ()) -> Newest:
        del states
        return Newest(len(self._trees), reversed(self.roots()))

    def record(self, root: str) -> JsonObject | None:
        self._tree(root)
        return None

    def published(self, root: str) -> Published | None:
        self._tree(root)
        return None

    def size(self, root: str) -> int:
        return sum(len(encode(batch)) for batch in self._tree(root).batches)

    def holder(self, root: str) -> str | None:
        return "this process" if self._tree(root).claimed else None

    def is_held(self, root: str) -> bool:
        return self._tree(root).claimed

    def post(self, root: str, body: JsonObject) -> str:
        tree = self._tree(root)
        name = f"{tree.posted}"
        tree.requests.append(Request(name, body))
        tree.posted += 1
        return name

    def is_waiting(self, root: str, request: str) -> bool:
        return any(one.id == request for one in self._tree(root).requests)

    def due(self, *_: object, **__: object) -> None:
        """None: a worker reads the records."""

    def waiting(self, root: str | None = None) -> list[Waiting]:
        del root
        return []

    def sweep(self) -> None:
        """Nothing, because no process leaves anything behind."""

    def _tree(self, root: str) -> _Tree:
        try:
            return self._trees[root]
        except KeyError:
            raise no_such_task(root) from None


class MemoryClaim:
    """The sole right to write one tree."""

    publishes = False
    keeps = False
    behind: Behind | None = None

    def __init__(self, root: str, trees: dict[str, _Tree]) -> None:
        self.root = root
        self._trees = trees
        self._tree = trees[root]
        self._open = True

    def write_behind(self, post: object) -> None:
        """Nothing, because memory does not wait."""

    def batches(self) -> Iterator[Batch]:
        return iter(tuple(self._tree.batches))

    def kept(self) -> Kept | None:
        return None

    def keep(self, state: JsonObject) -> None:
        """Nothing, because the next run of this process has all batches in memory."""

    def commit(self, events: Sequence[Event], *, durable: bool = True) -> None:
        del durable
        if not self._open:
            raise StoreError(f"the claim on task {self.root} is closed, so nothing can be written to it")
        self._tree.batches.append(Batch(len(self._tree.batches), tuple(events)))

    def publish(self, record: JsonObject, data: JsonObject) -> None:
        """Readers fold the batches, which are in memory as well."""

    def requests(self) -> list[Request]:
        return list(self._tree.requests)

    def fulfilled(self, request: Request) -> None:
        self._tree.requests[:] = [other for other in self._tree.requests if other.id != request.id]

    def delete(self) -> None:
        if not self._open:
            raise StoreError(f"the claim on task {self.root} is closed, so it cannot delete the task")
        del self._trees[self.root]
        self.close()

    def close(self) -> None:
        if self._open:
            self._open = self._tree.claimed = False
