"""Opening a store by the words that name it. Another store is a module of its own and one line here."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from aloma_cli.errors import ConfigError

if TYPE_CHECKING:
    from aloma_cli.store.protocol import Store

# Each class is made by `where` and `release`. Only the module that is used is imported.
_STORES = {
    "memory": ("aloma_cli.store.memory", "MemoryStore"),
    "file": ("aloma_cli.store.files.disk", "FileStore"),
    "postgresql": ("aloma_cli.store.postgres.store", "PostgresStore"),
    "postgres": ("aloma_cli.store.postgres.store", "PostgresStore"),
}
_SCHEME = r"([a-z][a-z0-9+]+):"  # one letter is a drive of Windows


def open_store(where: str | Path, release: Callable[[], str] | None = None) -> Store:
    """The store at `where`: a folder (`.aloma` of a workspace), or a URL such as `memory:`.

    `release`: the version of the code that runs its trees; None if nothing is run. Raises ConfigError for a URL of an
    unknown kind, WorkspaceError for one that needs an extra which is not installed.
    """
    url = re.match(_SCHEME, where) if isinstance(where, str) else None
    kind = "file" if url is None else url[1]
    if kind not in _STORES:
        raise ConfigError(f"unknown kind of store {kind!r} in {where!r}", hint=f"use a folder or {', '.join(_STORES)}")
    module, name = _STORES[kind]
    store: Store = getattr(import_module(module), name)(str(where), release)
    return store
