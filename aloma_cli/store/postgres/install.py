"""The tables of the store, which the first process makes."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from aloma_cli.errors import StoreError

if TYPE_CHECKING:
    from aloma_cli.store.postgres.database import Connection

_VERSION = 2

_DROP = """
do $$ declare one regprocedure; begin
    for one in select oid from pg_proc where pronamespace = 'aloma'::regnamespace loop
        execute 'drop function ' || one || ' cascade';
    end loop;
end $$
"""


def install(connection: Connection) -> None:
    """Make what is missing of pgmq and of the store. Raises StoreError for tables of a newer program."""
    if _version(connection) == _VERSION:
        return
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(hashtext('aloma'))")
        if not _has(connection, "pgmq.meta"):
            from pgmq import get_embedded_install_sql

            connection.execute(get_embedded_install_sql().encode())
        number = _version(connection)
        if number != _VERSION:
            _run_script(connection, f"upgrade_{number}.sql" if number else "schema.sql")
            connection.execute(_DROP)
            _run_script(connection, "functions.sql")


def _version(connection: Connection) -> int:
    """That of the tables; 0 if there are none."""
    if not _has(connection, "aloma.version"):
        return 0
    (number,) = connection.execute("select number from aloma.version").fetchone() or (0,)
    if number > _VERSION:
        raise StoreError(
            f"the tables in this database have version {number}, and this program reads version {_VERSION}",
            hint="update aloma on this machine",
        )
    return int(number)


def _run_script(connection: Connection, script: str) -> None:
    connection.execute(files(__package__).joinpath(script).read_bytes())


def _has(connection: Connection, table: str) -> bool:
    row = connection.execute("select to_regclass(%s) is not null", (table,)).fetchone()
    return row is not None and row[0]
