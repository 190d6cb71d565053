"""A store whose process can die: at any write, leaving any part of what nobody had been told of."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from aloma_cli.errors import StoreError
from aloma_cli.jsontext import JsonObject
from aloma_cli.record.batch import Batch
from aloma_cli.record.events import Event, FiringStarted, Logged
from aloma_cli.store.files.disk import FileStore
from aloma_cli.store.memory import MemoryStore
from aloma_cli.store.open import open_store
from aloma_cli.store.protocol import Claim, Kept, Request, Store

Fault = Literal["dies", "refuses", "dies before dropping a request"]


class Dead(BaseException):
    """The process is no more; whatever it would do from here on does not happen."""


@dataclass
class Written:
    """What was written of a tree: its batches, the journal's size after each, and how many of them were told of."""

    batches: list[tuple[Event, ...]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    told: int = 0

    def keep(self, count: int) -> None:
        del self.batches[count:], self.sizes[count:]

    @property
    def events(self) -> list[Event]:
        return [event for batch in self.batches for event in batch]


class BrittleClaim:
    """A claim that fails as its store says."""

    def __init__(self, claim: Claim, store: BrittleStore) -> None:
        self.root = claim.root
        self.publishes = claim.publishes
        self.behind = None
        self.claim = claim
        self.dead = False
        self._store = store
        self._written = store.written[claim.root]

    def write_behind(self, post: object) -> None:
        del post

    def batches(self) -> Iterator[Batch]:
        return self.claim.batches()

    @property
    def keeps(self) -> bool:
        """Files keep the state as often as they can."""
        return self.publishes

    def kept(self) -> Kept | None:
        return self.claim.kept()

    def keep(self, state: JsonObject) -> None:
        self._live()
        self.claim.keep(state)

    def commit(self, events: Sequence[Event], *, durable: bool = True) -> None:
        self._live()
        fault = self._store.fault_of(self.root, "dies", "refuses")
        if fault == "refuses":
            raise StoreError("the disk is full")
        self.claim.commit(events, durable=durable)
        self._store.wrote(self.root, events)
        if fault == "dies":
            self.dead = True
        self._live()
        if durable:
            self._written.told = len(self._written.batches)

    def publish(self, summary: JsonObject, data: JsonObject) -> None:
        self._live()
        self.claim.publish(summary, data)

    def requests(self) -> list[Request]:
        self._live()
        return self.claim.requests()

    def fulfilled(self, request: Request) -> None:
        if self._store.fault_of(self.root, "dies before dropping a request") is not None:
            self.dead = True
        self._live()
        self.claim.fulfilled(request)

    def delete(self) -> None:
        self._live()
        self.claim.delete()

    def close(self) -> None:
        self.claim.close()

    def _live(self) -> None:
        if self.dead:
            raise Dead


class BrittleStore:
    """`faults`: what goes wrong with the next write of a tree. `written`: what is known of each tree's journal."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.faults: dict[str, Fault] = {}
        self.written: defaultdict[str, Written] = defaultdict(Written)

    def create(self, root: str, events: Sequence[Event]) -> BrittleClaim:
        claim = self.store.create(root, events)
        self.wrote(root, events)
        self.written[root].told = 1
        return BrittleClaim(claim, self)

    def claim(self, root: str) -> BrittleClaim:
        return BrittleClaim(self.store.claim(root), self)

    def fault_of(self, root: str, *kinds: Fault) -> Fault | None:
        """The fault that is due, if it is of one of these kinds; it happens once."""
        return self.faults.pop(root) if self.faults.get(root) in kinds else None

    def wrote(self, root: str, events: Sequence[Event]) -> None:
        self.written[root].batches.append(tuple(events))
        self.written[root].sizes.append(self.size(root))

    def has_written(self, root: str, event: Event) -> bool:
        """Whether an event is in the last batch, which is where it stands when it is told."""
        written = self.written[root]
        lasts = isinstance(event, Logged | FiringStarted) or written.told == len(written.batches)
        return lasts and any(event is one for one in written.batches[-1])

    def waiting(self, root: str) -> list[Request]:
        """The requests that nobody has carried out yet."""
        raise NotImplementedError

    def crash(self, claim: BrittleClaim, *, survivors: int, tear: int, holed: bool) -> None:
        """Let the process die. Of the batches nobody was told of some survive, in order, and a part of the next."""
        written = self.written[claim.root]
        count = written.told + survivors % (len(written.batches) - written.told + 1)
        self.faults.pop(claim.root, None)
        self.cut(claim, written, count, tear, holed=holed)
        written.keep(count)
        written.told = count  # what survived is on the disk

    def size(self, root: str) -> int:
        raise NotImplementedError

    def cut(self, claim: BrittleClaim, written: Written, count: int, tear: int, *, holed: bool) -> None:
        raise NotImplementedError


class BrittleMemory(BrittleStore):
    """In memory a batch is there or not."""

    def __init__(self) -> None:
        super().__init__(MemoryStore())

    def waiting(self, root: str) -> list[Request]:
        store: Any = self.store
        return list(store._tree(root).requests)

    def size(self, root: str) -> int:
        return 0

    def cut(self, claim: BrittleClaim, written: Written, count: int, tear: int, *, holed: bool) -> None:
        inner: Any = claim.claim
        del inner._tree.batches[count:]
        inner.close()


class BrittleFiles(BrittleStore):
    """On disk a batch may be torn: cut at any byte, or with zeros where its middle was to be."""

    def __init__(self, folder: Path) -> None:
        super().__init__(FileStore(folder, fsync=False))
        self.folder = folder

    def waiting(self, root: str) -> list[Request]:
        paths = sorted((self.folder / "tasks" / root / "inbox").glob("*.json"))
        return [Request(path.name, json.loads(path.read_bytes())) for path in paths]

    def journal(self, root: str) -> Path:
        return self.folder / "tasks" / root / "journal.jsonl"

    def size(self, root: str) -> int:
        return self.journal(root).stat().st_size

    def cut(self, claim: BrittleClaim, written: Written, count: int, tear: int, *, holed: bool) -> None:
        inner: Any = claim.claim
        inner._journal.close()
        inner._lock.release()
        text = self.journal(claim.root).read_bytes()
        end = written.sizes[count - 1]
        torn = text[end : written.sizes[count]] if count < len(written.sizes) else b""
        part = torn[: tear % len(torn)] if torn else b""
        if holed and len(part) < len(torn) - 1:
            part += b"\0" * (len(torn) - len(part) - 1) + b"\n"
        self.journal(claim.root).write_bytes(text[:end] + part)


class BrittlePostgres(BrittleStore):
    """In a database a batch is there or not, and who dies leaves a claim, which another takes when its lease has ended.

    `url`: of a workspace with nothing in it.
    """

    def __init__(self, url: str) -> None:
        super().__init__(open_store(url))
        self._store: Any = self.store

    def close(self) -> None:
        self._store.close()

    def waiting(self, root: str) -> list[Request]:
        rows = self._store._database.rows(
            "select r.name, r.body from aloma.request r join aloma.tree t on t.id = r.tree where t.space = %s "
            "and t.root = %s order by r.id",
            *(self._store._space, root),
        )
        return [Request(name, json.loads(body)) for name, body in rows]

    def size(self, root: str) -> int:
        return 0

    def cut(self, claim: BrittleClaim, written: Written, count: int, tear: int, *, holed: bool) -> None:
        inner: Any = claim.claim
        inner._end_claim()  # first, and with another number: else a beat under way could prolong the lease of the dead
        rows = self._store._database.rows
        rows("delete from aloma.batch where tree = %s and seq >= %s returning 1", inner.tree, count)
        rows("delete from aloma.kept where tree = %s and seq > %s returning 1", inner.tree, count)
        rows("update aloma.tree set seq = %s, claim = claim + 1 where id = %s returning 1", count, inner.tree)
        rows(
            "select pgmq.set_vt(aloma.queue(space), message, now()) from aloma.tree where id = %s",
            inner.tree,
        )
