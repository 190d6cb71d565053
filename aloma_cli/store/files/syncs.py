"""Syncs a file on other threads, so that the files of many trees are synced at the same time."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path

from aloma_cli.store.behind import Behind
from aloma_cli.store.files.os_errors import refused

_THREADS = 16


class Syncs:
    """Of one open file: a sync at a time, each of which covers all that was written before it began.

    `post` calls what it gets on the thread of the claim, `lost` is called there once a sync was refused.
    """

    def __init__(
        self, path: Path, file: int, post: Callable[[Callable[[], object]], object], lost: Callable[[], object]
    ) -> None:
        self.behind = Behind()
        self._path = path
        self._file = file
        self._post = post
        self._lost = lost
        self._wanted = 0
        self._synced = 0
        self._running: Future[None] | None = None

    def ask(self) -> None:
        """Let what was written last."""
        self._wanted = self.behind.take()
        if self._running is None:
            self._begin_sync()

    def end(self) -> None:
        """Wait for what was asked. The file may be closed then."""
        if self._running is not None:
            self._running.result()
            if self._wanted > self._synced:
                with contextlib.suppress(OSError):
                    os.fsync(self._file)
            self._wanted = 0

    def _begin_sync(self) -> None:
        self._running = _pool().submit(self._sync, self._wanted)

    def _sync(self, wanted: int) -> None:
        error = None
        try:
            os.fsync(self._file)
        except OSError as refusal:
            error = refusal
        self._post(partial(self._ended, wanted, error))

    def _ended(self, wanted: int, error: OSError | None) -> None:
        self._running = None
        self._synced = wanted
        if error is not None:
            self._lost()
        elif self._wanted > wanted:
            self._begin_sync()
        self.behind.last(wanted, None if error is None else refused(self._path, "written", error))


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS, thread_name_prefix="aloma sync")
