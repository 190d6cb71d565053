"""Carries out the writes of a worker's claims: all that have gathered go in one transaction, with one sync."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple

from aloma_cli.errors import StoreError

if TYPE_CHECKING:
    from aloma_cli.store.postgres.database import Database


class TreeWrite(NamedTuple):
    """A statement about a tree. `done` gets the value that it gives, or an error, on the thread of the writer."""

    tree: int
    durable: bool
    statement: str
    values: tuple[Any, ...]
    done: Callable[[Any], object]


class Writer:
    """A thread with a connection of its own. The writes of one tree keep their order."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue: SimpleQueue[TreeWrite | threading.Event | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, write: TreeWrite | threading.Event) -> None:
        """Carry `write` out soon; an event is set once all before it is done."""
        self._queue.put(write)
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="aloma writes", daemon=True)
                self._thread.start()

    def drain(self) -> None:
        """Wait until everything is carried out."""
        if self._thread is not None:
            reached = threading.Event()
            self.put(reached)
            reached.wait()

    def end(self) -> None:
        """Wait as `drain`, and end the thread. The next write begins another one."""
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is not None:
                self._queue.put(None)
                thread.join()

    def _run(self) -> None:
        with suppress(StoreError):  # the first write says so
            _ = self._database.space  # so that it finds a connection
        while True:
            gathered = [self._queue.get()]
            try:
                while True:
                    gathered.append(self._queue.get_nowait())
            except Empty:
                pass
            # Rows of trees are locked in this order everywhere, so there is no deadlock.
            writes = sorted((one for one in gathered if isinstance(one, TreeWrite)), key=lambda write: write.tree)
            for write, value in zip(writes, self._results(writes), strict=True):
                with suppress(RuntimeError):  # the event loop that waits for it is closed
                    write.done(value)
            for one in gathered:
                if isinstance(one, threading.Event):
                    one.set()
            if None in gathered:
                return

    def _results(self, writes: list[TreeWrite]) -> list[Any]:
        """What each gave, or its StoreError. Where they are refused together, each is tried alone."""
        if not writes:
            return []
        try:
            return self._database.together(
                [(write.statement, write.values) for write in writes], durable=any(write.durable for write in writes)
            )
        except StoreError as error:
            if self._database.is_away:
                return [error] * len(writes)
            return [self._result(write) for write in writes]

    def _result(self, write: TreeWrite) -> Any:
        try:
            return self._database.value(write.statement, *write.values)
        except StoreError as error:
            return error
