"""Where tasks are kept: an append-only journal for each tree of tasks, on disk or in memory."""

from aloma_cli.store.disk import FileStore
from aloma_cli.store.memory import MemoryStore
from aloma_cli.store.protocol import Batch, Claim, Request, Salvage, Store

__all__ = ["Batch", "Claim", "FileStore", "MemoryStore", "Request", "Salvage", "Store"]
