"""Make the one task with a key, whatever other processes do at the same moment."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from aloma_cli.errors import InputError, StoreError, TaskLockedError
from aloma_cli.ids import new_task_id
from aloma_cli.jsontext import escape_surrogates

if TYPE_CHECKING:
    from aloma_cli.api.workspace import NewTask, Workspace
    from aloma_cli.jsontext import JsonObject

PATIENCE = 10.0
"""Seconds that another process may take to make the task."""

_PAUSE = 0.02


def create_once(
    home: Workspace, key: str, name: str, data: JsonObject, tags: Iterable[str] = (), *, patience: float = PATIENCE
) -> str | NewTask:
    """Create the task with this key; if it exists, give its id. Raises InputError for an empty key.

    Raises as `Workspace.create`, after `patience` seconds.
    """
    root = home.store.reserve(_checked(key), new_task_id(home.clock.now()))
    deadline = time.monotonic() + patience
    while root not in home.store.roots(root):
        try:
            return home.create(name, data, tags=tags, root=root)
        except (StoreError, TaskLockedError):
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)
    return root


def _checked(key: str) -> str:
    if not key.strip() or escape_surrogates(key) != key:
        raise InputError(
            f"invalid key {key!r}: a key must be a string that is not blank",
            hint="use an id, such as that of the order",
        )
    return key
