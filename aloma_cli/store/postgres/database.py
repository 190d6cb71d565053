"""A connection to PostgreSQL that is made again when it was lost."""

from __future__ import annotations

import logging
import re
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

import psycopg
from psycopg import errors

from aloma_cli.errors import ConfigError, StoreAwayError, StoreError

PATIENCE = 60.0
"""Seconds for which a statement waits for a database that was reached before: it restarts, or the network is cut."""

_PAUSE = 0.2
_UNTOLD = 2.0
"""Seconds after which a wait for the database is reported."""

_log = logging.getLogger(__name__.partition(".")[0])

_OPTIONS = {
    "connect_timeout": "5",
    "application_name": "aloma",
    # A cut network is noticed within about 15 s.
    "keepalives_idle": "5",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}

logging.getLogger("psycopg").setLevel(logging.ERROR)  # it warns of a lost connection, which is reported here

_PASSING = (errors.DeadlockDetected, errors.SerializationFailure)
"""The errors after which the same statement may succeed on the same connection."""

_LOGIN = "%:!$&'()*+,;=-._~"
"""The signs of a login that stay as they are, beside letters and digits."""

_PORT = r":[0-9]*$"
_QUOTED = r""":?\s*"?postgres(ql)?://.*"""

Result = TypeVar("Result")
Connection = psycopg.Connection[tuple[Any, ...]]


class Address:
    """Where a store is: `url` for libpq, the name of the `workspace` in it, and the seconds of a `lease`.

    A password may have signs that a URL must escape. Raises ConfigError for a lease that is none.
    """

    def __init__(self, where: str) -> None:
        body, _, query = where.partition("?")
        scheme, _, rest = body.partition("//")
        login, at, place = rest.rpartition("@")
        values = dict(parse_qsl(query))
        self.workspace = values.pop("workspace", "default")
        self.lease = _seconds(values.pop("lease", "30"))
        self.url = f"{scheme}//{quote(login, safe=_LOGIN)}{at}{place}?{urlencode(_OPTIONS | values)}"
        host, slash, name = place.partition("/")
        self.shown = f"{re.sub(_PORT, '', host) or values.get('host') or 'this machine'}{slash}{name}"

    def connect(self) -> Connection:
        return psycopg.connect(self.url, autocommit=True)


def _seconds(lease: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,5}", lease):
        raise ConfigError(f"`lease` in the URL of the database must be a number of seconds, not {lease!r}")
    return int(lease)


class Database:
    """Statements, one at a time, from any thread. `prepare` is called with the first connection."""

    def __init__(self, address: Address, prepare: Callable[[Connection], None]) -> None:
        self.address = address
        self._prepare = prepare
        self._lock = threading.RLock()
        self._held: list[Connection] = []
        self._was_reached = False
        self._space: int | None = None
        self.close = weakref.finalize(self, _close_all, self._held)

    @property
    def space(self) -> int:
        """The number of the workspace."""
        if self._space is None:
            self._space = int(self.value("select aloma.open(%s)", self.address.workspace))
        return self._space

    def rows(self, statement: str, *values: Any, patience: float = PATIENCE) -> list[tuple[Any, ...]]:
        """The rows that a statement gives. It may be sent twice where the connection was lost. Raises StoreError."""
        return self._patiently(
            lambda connection: connection.execute(statement, values, binary=True).fetchall(), patience
        )

    def value(self, statement: str, *values: Any, patience: float = PATIENCE) -> Any:
        """The first value of the first row; None if there is no row."""
        rows = self.rows(statement, *values, patience=patience)
        return rows[0][0] if rows else None

    def together(self, statements: Sequence[tuple[str, Sequence[Any]]], *, durable: bool) -> list[Any]:
        """The first value that each statement gives, of one transaction; None without a row. Raises as `rows`.

        What it writes is synced before this returns only if `durable`, whatever a statement says.
        """

        def send(connection: Connection) -> list[Any]:
            with connection.pipeline():
                cursors = [connection.execute(*statement, binary=True) for statement in statements]
                # Null is the value that the database is set to.
                connection.execute("select set_config('synchronous_commit', %s, true)", (None if durable else "off",))
            rows = [cursor.fetchone() for cursor in cursors]
            return [None if row is None else row[0] for row in rows]

        return self._patiently(send)

    @property
    def is_away(self) -> bool:
        """Whether there is no connection."""
        return not self._held or self._held[0].closed

    def _patiently(self, send: Callable[[Connection], Result], patience: float = PATIENCE) -> Result:
        with self._lock:
            began, told = time.monotonic(), False
            while True:
                try:
                    return send(self._connection())
                except psycopg.Error as error:
                    waited = time.monotonic() - began
                    if not self._passes(error) or not self._was_reached or waited >= patience:
                        if patience == PATIENCE:
                            self._was_reached = False  # so that the next caller does not wait as long again
                        raise self._refused_statement(error) from error
                    if waited >= _UNTOLD and not told:
                        told = True
                        _log.warning(
                            "the database %s cannot be reached; waiting up to %g s for it", self.address.shown, patience
                        )
                time.sleep(_PAUSE)

    def _connection(self) -> Connection:
        if self._held and self._held[0].closed:
            self._held.clear()
        if not self._held:
            connection = self.address.connect()
            try:
                if not self._was_reached:
                    self._prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._held.append(connection)
            self._was_reached = True
        return self._held[0]

    def _passes(self, error: psycopg.Error) -> bool:
        return isinstance(error, _PASSING) or (self.is_away and isinstance(error, psycopg.OperationalError))

    def _refused_statement(self, error: psycopg.Error) -> StoreError:
        # libpq may quote a URL that it cannot read, with the password in it.
        reason = re.sub(_QUOTED, "", str(error).strip().partition("\n")[0]) or type(error).__name__
        if self.is_away:
            hint = "start the database, or fix `store` in aloma.yaml or ALOMA_STORE"
            return StoreAwayError(f"the database {self.address.shown} cannot be reached: {reason}", hint=hint)
        return StoreError(f"the database {self.address.shown} refused a statement: {reason}")


def _close_all(held: list[Connection]) -> None:
    for connection in held:
        connection.close()
