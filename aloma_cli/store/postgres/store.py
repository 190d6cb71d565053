"""Tasks in PostgreSQL, for workers on several machines: `docs/scale.md`, and the tables in `schema.sql`."""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aloma_cli.clock import from_iso
from aloma_cli.errors import JournalDamagedError, StoreError, TaskLockedError
from aloma_cli.jsontext import JsonObject, dumps, reload
from aloma_cli.record.batch import Batch
from aloma_cli.record.codec import decode, decode_readable, encode
from aloma_cli.record.events import CallAnswered, TaskCreated
from aloma_cli.store.postgres.claim import PostgresClaim
from aloma_cli.store.postgres.database import Address, Database
from aloma_cli.store.postgres.due import PostgresDue
from aloma_cli.store.postgres.install import install
from aloma_cli.store.postgres.keeper import Keeper
from aloma_cli.store.postgres.lines import batches, batches_back, kept_of, written
from aloma_cli.store.postgres.writer import Writer
from aloma_cli.store.protocol import Newest, Published, Salvage, Waiting, no_such_task

if TYPE_CHECKING:
    from aloma_cli.record.events import Event
    from aloma_cli.store.protocol import Kept

_PAGE = 256
"""How many ids are read at a time."""

_GLANCE = 1.0
"""Seconds for which a worker, which must not stand still, waits for the queue of a database that is away."""

_ANSWERED = b'"event":"call_answered"'


class PostgresStore:
    """The tasks of one workspace in a database. `release`: the code of this process; None if it runs nothing.

    `workspace` and `lease` (seconds) in the `postgresql:` URL are ours, the rest is libpq's.
    """

    def __init__(self, where: str, release: Callable[[], str] | None = None) -> None:
        self.address = Address(where)
        self._release = release
        self._database = Database(self.address, install)
        self._keeper = Keeper(self._database)
        self._writer = Writer(Database(self.address, install))
        self._owner = f"process {os.getpid()} on {socket.gethostname()}"

    @property
    def _space(self) -> int:
        return self._database.space

    def _own_release(self) -> str | None:
        return None if self._release is None else self._release()

    def create(self, root: str, events: Sequence[Event]) -> PostgresClaim:
        made = Batch(0, tuple(events))
        return self._make_tree(root, made, [encode(made)])

    def restore(self, root: str, lines: Sequence[bytes]) -> PostgresClaim:
        return self._make_tree(root, decode(lines[0]), lines)

    def _make_tree(self, root: str, made: Batch, lines: Sequence[bytes]) -> PostgresClaim:
        number = _claim_number()
        created = (event for event in made.events if isinstance(event, TaskCreated) and event.task == root)
        tree = self._database.value(
            "select aloma.make(%s, %s, %s, %s, %s, %s, %s, %s)",
            *(self._space, root, self._own_release(), [tag for event in created for tag in event.tags]),
            *(number, self._owner, self.address.lease, [*lines]),
        )
        if tree is None:
            raise StoreError(f"task {root} already exists")
        return PostgresClaim(self._database, self._keeper, tree, root, number, seq=len(lines), made=made)

    def claim(self, root: str) -> PostgresClaim:
        number = _claim_number()
        rows = self._database.rows(
            "select id, seq, taken, holder, until from aloma.take(%s, %s, %s, %s, %s, %s)",
            *(self._space, root, self._own_release()),
            *(number, self._owner, self.address.lease),
        )
        if not rows:
            raise no_such_task(root)
        ((tree, seq, taken, holder, until),) = rows
        if not taken:
            raise TaskLockedError(
                f"{holder} is running task {root}, at least until {_time_of(until)}",
                hint=f"aloma task stop {root}   (or wait until it ends)",
            )
        return PostgresClaim(self._database, self._keeper, tree, root, number, seq=seq)

    def salvage(self, root: str, take: Callable[[Batch], object]) -> Salvage | None:
        claim, kept = self.claim(root), 0
        try:
            for batch in claim.batches():
                take(batch)
                kept = batch.seq + 1
        except JournalDamagedError:
            if not kept:
                raise
            lost = self._database.rows(
                "select line from aloma.batch where tree = %s and seq >= %s order by seq", claim.tree, kept
            )
            claim.cut(kept)
            return Salvage(kept, len(lost), tuple(decode_readable(line for (line,) in lost)), "the table aloma.damaged")
        finally:
            claim.close()
        return None

    def read(self, root: str, since: int = 0) -> Iterator[Batch]:
        return batches(self._database, self._tree(root), root, since)

    def lines(self, root: str) -> Iterator[bytes]:
        return (line for line, _ in written(self._database, self._tree(root), root))

    def kept(self, root: str) -> Kept | None:
        kept = kept_of(self._database, self._tree(root), root)
        return None if kept is None else kept[1]

    def read_back(self, root: str) -> Iterator[Batch]:
        tree, seq = self._row(root, "id, seq")
        return batches_back(self._database, tree, seq)

    def reserve(self, key: str, root: str) -> str:
        return str(self._database.value("select aloma.reserve(%s, %s, %s)", self._space, key, root))

    def note(self, name: str) -> JsonObject | None:
        body = self._database.value("select body from aloma.note where space = %s and name = %s", self._space, name)
        return None if body is None else reload(body)

    def write_note(self, name: str, note: JsonObject) -> None:
        self._database.rows(
            "insert into aloma.note values (%s, %s, %s) on conflict (space, name) do update set body = excluded.body "
            "returning 1",
            *(self._space, name, dumps(note).encode()),
        )

    def stamp(self, root: str) -> int:
        return int(self._row(root, "seq")[0])

    def answered(self, since: float = 0.0, seen: dict[str, int] | None = None) -> Iterator[tuple[str, CallAnswered]]:
        places = {} if seen is None else seen
        trees = self._database.rows(
            "select id, root, seq from aloma.tree where space = %s and changed >= to_timestamp(%s) order by root",
            *(self._space, since),
        )
        for tree, root, seq in trees:
            if seq > places.get(root, 0):
                yield from ((root, call) for call in self._answered_calls(tree, places.get(root, 0), seq, since))
                places[root] = seq

    def _answered_calls(self, tree: int, start: int, end: int, since: float) -> Iterator[CallAnswered]:
        lines = self._database.rows(
            "select line from aloma.batch where tree = %s and seq >= %s and seq < %s and position(%s in line) > 0 "
            "order by seq",
            *(tree, start, end, _ANSWERED),
        )
        for event in decode_readable(line for (line,) in lines):
            if isinstance(event, CallAnswered) and from_iso(event.at) >= since:
                yield event

    def roots(self, start: str = "") -> list[str]:
        found = self._database.rows(
            "select root from aloma.tree where space = %s and starts_with(root, %s) and root >= %s order by root",
            *(self._space, start, start),
        )
        return [root for (root,) in found]

    def changed(self, since: float) -> list[str]:
        found = self._database.rows(
            "select root from aloma.tree where space = %s and changed >= to_timestamp(%s) order by root",
            *(self._space, since),
        )
        return [root for (root,) in found]

    def changes(self) -> Callable[[], list[str]]:
        return list  # workers have a queue

    def newest_first(self, states: Collection[str] = ()) -> Newest:
        del states
        total = self._database.value("select count(*) from aloma.tree where space = %s", self._space)
        return Newest(total, self._newest())

    def _newest(self) -> Iterator[str]:
        last = "~"  # after every id
        while True:
            page = self._database.rows(
                "select root from aloma.tree where space = %s and root < %s order by root desc limit %s",
                *(self._space, last, _PAGE),
            )
            for (last,) in page:
                yield last
            if len(page) < _PAGE:
                return

    def record(self, root: str) -> JsonObject | None:
        row = self._published(root, "record")
        return None if row is None else reload(row[0])

    def published(self, root: str) -> Published | None:
        row = self._published(root, "record, data")
        return None if row is None else Published(reload(row[0]), reload(row[1]))

    def _published(self, root: str, what: str) -> tuple[Any, ...] | None:
        rows = self._database.rows(
            f"select {what} from aloma.tree t join aloma.published p on p.tree = t.id "  # noqa: S608  (our own words)
            "where space = %s and root = %s and published = seq",
            *(self._space, root),
        )
        return rows[0] if rows else None

    def size(self, root: str) -> int:
        return int(
            self._row(
                root,
                "size + coalesce((select octet_length(record) + octet_length(data) from aloma.published "
                "where tree = id), 0)",
            )[0]
        )

    def holder(self, root: str) -> str | None:
        (holder,) = self._row(root, "case when aloma.visible_at(tree) > clock_timestamp() then owner end")
        return None if holder is None else str(holder)

    def is_held(self, root: str) -> bool:
        return self.holder(root) is not None

    def post(self, root: str, body: JsonObject) -> str:
        name = f"{time.time_ns():020}-{os.getpid()}-{secrets.token_hex(3)}"
        if not self._database.value("select aloma.post(%s, %s, %s, %s)", self._space, root, name, dumps(body).encode()):
            raise no_such_task(root)
        self._keeper.asked(root)
        return name

    def is_waiting(self, root: str, request: str) -> bool:
        return bool(self._row(root, "exists(select from aloma.request where name = %s)", request)[0])

    def due(self, tag: str | None, wake: Callable[[], object], *, any_release: bool = False) -> PostgresDue:
        self._writer.put(threading.Event())  # so that it connects
        return PostgresDue(self, tag, wake, any_release=any_release)

    def next(self, tag: str | None, most: int, *, any_release: bool) -> list[PostgresClaim]:
        """Claim the next trees that are due."""
        self._keeper.missed.clear()
        rows = self._database.rows(
            "select id, root, seq, claim, lines, asked from aloma.next(%s, %s, %s, %s, %s, %s, %s, %s)",
            *(self._space, self._own_release(), any_release, tag, [_claim_number() for _ in range(most)]),
            *(self._owner, self.address.lease, self._keeper.numbers()),
            patience=_GLANCE,
        )
        return [self._claimed(*row) for row in rows]

    def _claimed(
        self, tree: int, root: str, seq: int, number: int, lines: list[bytes] | None, asked: bool
    ) -> PostgresClaim:
        known: dict[str, Any] = {"seq": seq, "lines": lines, "asked": asked, "writer": self._writer}
        claim = PostgresClaim(self._database, self._keeper, tree, root, number, **known)
        if tree in self._keeper.missed:  # a request came after the tree was taken, and before anybody listened for it
            claim.look()
        return claim

    def drain(self) -> None:
        """Wait until everything that was written behind is carried out."""
        self._writer.drain()

    def end_writing(self) -> None:
        """The same, at the end of the worker."""
        self._writer.end()

    def upcoming(self, tag: str | None, *, any_release: bool) -> datetime | None:
        """When the next tree is due."""
        found: datetime | None = self._database.value(
            "select aloma.upcoming(%s, %s, %s, %s)",
            *(self._space, self._own_release(), any_release, tag),
            patience=_GLANCE,
        )
        return found

    def postpone(self, root: str, seconds: int) -> None:
        """Leave a tree that could not be run alone for some time."""
        self._database.rows("select aloma.postpone(%s, %s, %s)", self._space, root, seconds, patience=_GLANCE)

    def waiting(self, root: str | None = None) -> list[Waiting]:
        rows = self._database.rows("select release, trees, since from aloma.waiting(%s, %s)", self._space, root)
        return [Waiting(release, trees, since.timestamp()) for release, trees, since in rows]

    def listen(self, wake: Callable[[], object]) -> Callable[[], None]:
        """Call `wake` when a tree may be due, until what this gives is called."""
        return self._keeper.listen(wake)

    def sweep(self) -> None:
        """Nothing, because the database undoes what a killed process began."""

    def close(self) -> None:
        self._database.close()

    def _tree(self, root: str) -> int:
        return int(self._row(root, "id")[0])

    def _row(self, root: str, what: str, *values: object) -> tuple[Any, ...]:
        rows = self._database.rows(
            f"select {what} from aloma.tree where space = %s and root = %s",  # noqa: S608  (our own words)
            *(*values, self._space, root),
        )
        if not rows:
            raise no_such_task(root)
        return rows[0]


def _claim_number() -> int:
    return secrets.randbits(62)


def _time_of(moment: datetime) -> str:
    return f"{moment.astimezone():%H:%M:%S}"
