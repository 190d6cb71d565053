"""Where tasks are kept: an append-only journal for each tree of tasks, on disk or in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aloma_cli.store.disk import FileStore
    from aloma_cli.store.memory import MemoryStore
    from aloma_cli.store.protocol import Batch, Claim, Request, Salvage, Store

__all__ = ["Batch", "Claim", "FileStore", "MemoryStore", "Request", "Salvage", "Store"]

_HOMES = {
    "disk": ("FileStore",),
    "memory": ("MemoryStore",),
    "protocol": ("Batch", "Claim", "Request", "Salvage", "Store"),
}


def __getattr__(name: str) -> Any:
    # A command that only reads what was published needs a FileStore, and must not wait for the rest.
    from importlib import import_module

    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
