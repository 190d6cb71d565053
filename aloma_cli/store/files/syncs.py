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
        self,
        path: Path,
        file: int,
        size: int,
        post: Callable[[Callable[[], object]], object],
        lost: Callable[[], object],
    ) -> None:
        """`size`: the bytes that are synced already."""
        self.behind = Behind()
        self._path = path
        self._file = file
        self._post = post
        self._lost = lost
        self._wanted = 0
        self._size = self._synced = size
        self._refusal: OSError | None = None
        self._running: Future[None] | None = None

    def ask(self, size: int) -> None:
        """Let what was written last: the file has `size` bytes now."""
        self._wanted, self._size = self.behind.take(), size
        if self._running is None:
            self._begin_sync()

    def end(self) -> None:
        """Wait for what was asked, and cut off what is lost. The file may be closed then."""
        self._wanted = 0
        if self._running is not None:
            self._running.result()
        if self._synced < self._size and self._refusal is None:
            self._sync(self._size)
        if self._refusal is not None:
            # The system may drop from memory what it could not write, and leave a hole before later lines.
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._synced)

    def _begin_sync(self) -> None:
        self._running = _pool().submit(self._sync_and_tell, self._wanted, self._size)

    def _sync_and_tell(self, wanted: int, size: int) -> None:
        self._sync(size)
        self._post(partial(self._ended, wanted))

    def _sync(self, size: int) -> None:
        try:
            os.fsync(self._file)
            self._synced = size
        except OSError as refusal:
            self._refusal = refusal

    def _ended(self, wanted: int) -> None:
        self._running = None
        if self._refusal is not None:
            self._lost()
        elif self._wanted > wanted:
            self._begin_sync()
        self.behind.confirm(wanted, None if self._refusal is None else refused(self._path, "written", self._refusal))


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS, thread_name_prefix="aloma sync")
