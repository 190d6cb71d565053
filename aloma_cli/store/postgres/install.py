"""The tables of the store, which the first process makes."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from aloma_cli.errors import StoreError

if TYPE_CHECKING:
    from aloma_cli.store.postgres.database import Connection

_VERSION = 1


def install(connection: Connection) -> None:
    """Make what is missing of pgmq and of the store. Raises StoreError for tables of a newer program."""
    if _has(connection, "aloma.version"):
        _check_version(connection)
        return
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(hashtext('aloma'))")
        if not _has(connection, "pgmq.meta"):
            from pgmq import get_embedded_install_sql

            connection.execute(get_embedded_install_sql().encode())
        if not _has(connection, "aloma.version"):
            connection.execute(files(__package__).joinpath("schema.sql").read_bytes())


def _check_version(connection: Connection) -> None:
    (number,) = connection.execute("select number from aloma.version").fetchone() or (0,)
    if number != _VERSION:
        raise StoreError(
            f"the tables in this database have version {number}, and this program reads version {_VERSION}",
            hint="update aloma on this machine",
        )


def _has(connection: Connection, table: str) -> bool:
    row = connection.execute("select to_regclass(%s) is not null", (table,)).fetchone()
    return row is not None and row[0]
