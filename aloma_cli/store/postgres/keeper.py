"""Renews the leases of a process and receives notifications, on a thread and a connection of its own.

So a step that blocks the event loop does not cost its worker the lease. The thread ends when no claim is open and
no one listens.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import psycopg

if TYPE_CHECKING:
    from aloma_cli.store.postgres.database import Connection, Database

_PAUSE = 0.5
"""Seconds between two attempts to reach the database, and for which one wait for a notification lasts at most."""


class LeasedClaim(Protocol):
    """A claim whose lease is renewed: its tree, its id, and the number of the claim."""

    root: str
    tree: int
    number: int

    def look(self) -> None:
        """Look for requests."""


class Keeper:
    """`wakes` are called, from the thread, when a tree may be due."""

    def __init__(self, database: Database) -> None:
        self.process = os.getpid()
        self.wakes: list[Callable[[], object]] = []
        self.missed: set[int] = set()
        """The trees, not held here, for which requests were notified since this was last emptied."""
        self._database = database
        self._address = database.address
        self._claims: dict[int, LeasedClaim] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, claim: LeasedClaim) -> None:
        self._claims[claim.tree] = claim
        self._start()

    def drop(self, claim: LeasedClaim) -> None:
        if self._claims.get(claim.tree) is claim:
            del self._claims[claim.tree]

    def listen(self, wake: Callable[[], object]) -> Callable[[], None]:
        """Call `wake` when a tree may be due, until what this gives is called."""
        self.wakes.append(wake)
        self._start()
        return lambda: self.wakes.remove(wake)

    def asked(self, root: str) -> None:
        """Let the claim on a tree, if there is one, look for requests."""
        for claim in [*self._claims.values()]:
            if claim.root == root:
                claim.look()

    def numbers(self) -> list[int]:
        """The numbers of the claims that this process holds."""
        return [claim.number for claim in [*self._claims.values()]]

    @property
    def _is_needed(self) -> bool:
        return bool(self._claims or self.wakes)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run_thread, name="aloma leases", daemon=True)
                self._thread.start()

    def _run_thread(self) -> None:
        while True:
            with self._lock:
                if not self._is_needed:
                    self._thread = None
                    return
            try:
                with self._address.connect() as connection:
                    self._serve_connection(connection)
            except psycopg.Error:
                time.sleep(_PAUSE)

    def _serve_connection(self, connection: Connection) -> None:
        space, beat_at = self._database.space, 0.0
        connection.execute(f"listen aloma_{space}".encode())
        self._hear("")  # what was notified while the connection was down
        for claim in [*self._claims.values()]:
            claim.look()
        while self._is_needed:
            if time.monotonic() >= beat_at:
                beat_at = time.monotonic() + self._address.lease / 3
                self._beat(connection, space)
            for note in connection.notifies(timeout=_PAUSE):
                self._hear(note.payload)

    def _beat(self, connection: Connection, space: int) -> None:
        claims = [*self._claims.values()]
        if claims:
            trees, numbers = [claim.tree for claim in claims], [claim.number for claim in claims]
            connection.execute("select aloma.beat(%s, %s, %s, %s)", (space, trees, numbers, self._address.lease))

    def _hear(self, tree: str) -> None:
        if tree:
            if self.wakes:
                self.missed.add(int(tree))
            claim = self._claims.get(int(tree))
            if claim is not None:
                claim.look()
                return
        for wake in [*self.wakes]:
            wake()
