"""The table of stores, and opening one by the words that name it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from aloma_cli.errors import ConfigError

if TYPE_CHECKING:
    from aloma_cli.store.protocol import Store


class Kind(NamedTuple):
    """A kind of store: `module` and `name` of its class, which is made by `where` and `release`.

    `example`: a URL by which a workspace names such a store; None if another process would not find it by this URL.
    `login_variable`: the environment variable with its password.
    """

    module: str
    name: str
    example: str | None = None
    login_variable: str | None = None


_POSTGRES = Kind(
    "aloma_cli.store.postgres.store", "PostgresStore", "postgresql://db.example.com/aloma", login_variable="PGPASSWORD"
)
KINDS: Mapping[str, Kind] = {
    "memory": Kind("aloma_cli.store.memory", "MemoryStore"),
    "file": Kind("aloma_cli.store.files.disk", "FileStore"),
    "postgresql": _POSTGRES,
    "postgres": _POSTGRES,
}
"""By the scheme of the URL. Only the module that is used is imported."""

_SCHEME = r"([a-z][a-z0-9+]+):"  # one letter is a drive of Windows


def named_kind(url: str) -> Kind | None:
    """The kind of the store that a workspace names by `url`; None if this URL does not name one."""
    scheme = re.match(f"{_SCHEME}//", url)
    kind = KINDS.get(scheme[1]) if scheme else None
    return kind if kind and kind.example else None


def example_urls() -> str:
    """What such a URL looks like, for messages."""
    return " or ".join(dict.fromkeys(kind.example for kind in KINDS.values() if kind.example))


def password_variables() -> tuple[str, ...]:
    """The environment variables with the passwords of stores."""
    return tuple(dict.fromkeys(kind.login_variable for kind in KINDS.values() if kind.login_variable))


def open_store(where: str | Path, release: Callable[[], str] | None = None) -> Store:
    """The store at `where`: a folder (`.aloma` of a workspace), or a URL such as `memory:`.

    `release`: the version of the code that runs its trees; None if nothing is run. Raises ConfigError for a URL of an
    unknown kind, WorkspaceError for one that needs an extra which is not installed.
    """
    url = re.match(_SCHEME, where) if isinstance(where, str) else None
    kind = "file" if url is None else url[1]
    if kind not in KINDS:
        raise ConfigError(f"unknown kind of store {kind!r} in {where!r}", hint=f"use a folder or {', '.join(KINDS)}")
    store: Store = getattr(import_module(KINDS[kind].module), KINDS[kind].name)(str(where), release)
    return store
