"""The claim on one tree: what it writes names the claim, and writes nothing once another process has taken the tree."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from aloma_cli.clock import to_iso
from aloma_cli.errors import ClaimLostError, StoreAwayError, StoreError
from aloma_cli.jsontext import JsonObject, dumps, reload
from aloma_cli.record.batch import Batch
from aloma_cli.record.codec import encode
from aloma_cli.record.due import due
from aloma_cli.record.repeats import Repeats
from aloma_cli.store.behind import Behind
from aloma_cli.store.postgres.lines import batches, kept_of
from aloma_cli.store.postgres.writer import TreeWrite
from aloma_cli.store.protocol import Kept, Request

if TYPE_CHECKING:
    from aloma_cli.record.events import Event
    from aloma_cli.store.postgres.database import Database
    from aloma_cli.store.postgres.keeper import Keeper
    from aloma_cli.store.postgres.writer import Writer

_LONG = 2_000
"""Batches after which the next process would gain by another kept state: to add them up takes it 0.1 s."""

_POLL = 5.0
"""Seconds after which requests are looked for without a message: it may have been lost."""

_REQUESTS = (
    "select r.name, r.body from aloma.tree t left join aloma.request r on r.tree = t.id where t.id = %s order by r.id"
)
_CLOSE = "select aloma.close(%s, %s, %s)"


class PostgresClaim:
    """The sole right to write one tree, for as long as its lease is renewed."""

    publishes = True

    def __init__(
        self,
        database: Database,
        keeper: Keeper,
        tree: int,
        root: str,
        number: int,
        *,
        seq: int,
        made: Batch | None = None,
        lines: Sequence[bytes] | None = None,
        asked: bool = True,
        writer: Writer | None = None,
    ) -> None:
        """`tree`, `number`: the ids of the tree and of this claim. `seq`: its batches. `made`: the first, if new.

        `lines`: all lines, if they are known; `asked`: whether requests may wait. `writer`: for writing behind.
        """
        self.root = root
        self.tree = tree
        self.number = number
        self._database = database
        self._keeper = keeper
        self._seq = seq
        self._began = 0 if made else seq
        self._made = made
        self._kept_at = 0
        self._repeats = Repeats()
        self._lines = lines
        self._open = True
        self._writer = writer
        self._post: Callable[[Callable[[], object]], object] = _at_once
        self.behind: Behind | None = None
        self._waiting: list[Request] = []
        self._look_at = time.monotonic() + _POLL if made or not asked else 0.0
        keeper.add(self)

    def write_behind(self, post: Callable[[Callable[[], object]], object]) -> None:
        if self._writer is not None:
            self._post, self.behind = post, Behind()

    def batches(self) -> Iterator[Batch]:
        if self._writer is not None:
            self._writer.drain()
        if self._made is not None and self._seq == 1:
            return iter((self._made,))
        lines, self._lines = self._lines, None
        page = None if lines is None else [*enumerate(lines)]
        return self._learned(batches(self._database, self.tree, self.root, page=page))

    def _learned(self, read: Iterator[Batch]) -> Iterator[Batch]:
        """Who reads from the kept state on does not know what was before, so no line may refer to it."""
        for batch in read:
            if batch.seq >= self._kept_at:
                self._repeats.learn(batch)
            yield batch

    def kept(self) -> Kept | None:
        if self._seq < _LONG:
            return None
        kept = kept_of(self._database, self.tree, self.root)
        self._kept_at = 0 if kept is None else kept[0]
        return None if kept is None else kept[1]._replace(rest=self._learned(kept[1].rest))

    @property
    def keeps(self) -> bool:
        return self._seq - self._kept_at >= _LONG

    def keep(self, state: JsonObject) -> None:
        self._write_ours("select aloma.keep(%s, %s, %s, %s)", self._seq, dumps(state).encode(), durable=False)
        self._kept_at = self._seq
        self._repeats.forget()

    def commit(self, events: Sequence[Event], *, durable: bool = True) -> None:
        batch = Batch(self._seq, tuple(events))
        line = encode(batch, self._repeats)
        self._write_ours("select aloma.commit(%s, %s, %s, %s, %s)", self._seq, line, durable, durable=durable)
        self._repeats.learn(batch)
        self._seq += 1

    def publish(self, record: JsonObject, data: JsonObject) -> None:
        moment = due(record)
        self._write_ours(
            "select aloma.publish(%s, %s, %s, %s, %s, %s, %s)",
            self._seq,
            dumps(record).encode(),
            dumps(data).encode(),
            None if moment is None else to_iso(moment),
            [*record.get("tags", ())],
            durable=False,
        )

    def requests(self) -> list[Request]:
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + _POLL
            self._waiting = self._read_requests()
        return [*self._waiting]

    def _read_requests(self) -> list[Request]:
        """As they were where the database is away from a worker, whose other trees must not stand still."""
        if self.behind is None:
            found = self._database.rows(_REQUESTS, self.tree)
        elif self._database.is_away:
            return self._waiting
        else:
            try:
                found = self._database.rows(_REQUESTS, self.tree, patience=0.0)
            except StoreAwayError:
                return self._waiting
        if not found:
            raise StoreError(f"task {self.root} was deleted")
        return [Request(name, reload(body)) for name, body in found if name is not None]

    def look(self) -> None:
        """Let the next call of `requests` ask the database; from any thread."""
        self._look_at = 0.0

    def fulfilled(self, request: Request) -> None:
        self._waiting = [other for other in self._waiting if other.id != request.id]
        self._write_ours("select aloma.drop(%s, %s, %s)", request.id, durable=False)

    def delete(self) -> None:
        if not self._open:
            raise StoreError(f"the claim on task {self.root} is closed, so it cannot delete the task")
        self._write_ours("select aloma.remove(%s, %s)")
        self._end_claim()

    def cut(self, at: int) -> None:
        """Cut the tree off before batch `at`, and keep what is cut off."""
        self._write_ours("select aloma.cut(%s, %s, %s)", at)
        self._seq = at

    def close(self) -> None:
        if self._open:
            self._end_claim()
            values = (self.tree, self.number, self._began)
            if self.behind is None:
                self._database.rows(_CLOSE, *values)
            else:
                self._write_behind(_CLOSE, values, durable=False, done=lambda _: None)

    def _end_claim(self) -> None:
        self._open = False
        self._keeper.drop(self)

    def _write_ours(self, statement: str, *values: object, durable: bool = True) -> None:
        """Carry out a statement that gives whether the claim is still ours. Raises ClaimLostError if not."""
        if self.behind is not None and self.behind.error is not None:
            raise self.behind.error
        if not self._open or os.getpid() != self._keeper.process:
            raise StoreError(f"the claim on task {self.root} is closed, so nothing can be written to it")
        values = (self.tree, self.number, *values)
        if self.behind is not None:
            self._write_behind(statement, values, durable=durable, done=partial(self._confirm, self.behind.take()))
        elif not self._database.value(statement, *values):
            raise self._claim_lost()

    def _write_behind(
        self, statement: str, values: tuple[object, ...], *, durable: bool, done: Callable[[Any], object]
    ) -> None:
        if self._writer is not None:
            self._writer.put(TreeWrite(self.tree, durable, statement, values, partial(self._posted, done)))

    def _posted(self, done: Callable[[Any], object], value: Any) -> None:
        self._post(partial(done, value))

    def _confirm(self, number: int, found: Any) -> None:
        """Take in what a write behind gave: whether the claim is still ours, or an error."""
        error = found if isinstance(found, StoreError) else None if found else self._claim_lost()
        if self.behind is not None:
            self.behind.confirm(number, error)

    def _claim_lost(self) -> ClaimLostError:
        self._end_claim()
        return ClaimLostError(
            f"this process has lost task {self.root}: it did not renew its lease in time, so another process "
            "may run the task",
            hint=f"run `aloma task show {self.root}`",
        )


def _at_once(call: Callable[[], object]) -> object:
    return call()
