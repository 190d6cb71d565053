"""The trees that are due, by the queue in the database."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from aloma_cli.errors import AlomaError, ClaimLostError, StoreError

if TYPE_CHECKING:
    from aloma_cli.store.postgres.claim import PostgresClaim

_ALONE = 60
"""Seconds for which a tree that could not be run is left alone."""

_LEAST_PAUSE = 0.05
_MOST = 3600.0


class _Queue(Protocol):
    """What is asked of the store."""

    def next(self, tag: str | None, most: int, *, any_release: bool) -> list[PostgresClaim]:
        """Claim the next trees that are due."""

    def drain(self) -> None:
        """Wait until everything that was written behind is carried out."""

    def end_writing(self) -> None:
        """The same, at the end of the worker."""

    def upcoming(self, tag: str | None, *, any_release: bool) -> datetime | None:
        """When the next tree is due."""

    def postpone(self, root: str, seconds: int) -> None:
        """Leave a tree alone for some time."""

    def listen(self, wake: Callable[[], object]) -> Callable[[], None]:
        """Call `wake` when a tree may be due, until what this gives is called."""


class PostgresDue:
    """As `DueTrees`: a claim is the next message of the queue."""

    def __init__(self, queue: _Queue, tag: str | None, wake: Callable[[], object], *, any_release: bool) -> None:
        self._queue = queue
        self._tag = tag
        self._any_release = any_release
        self._end = queue.listen(wake)

    def take(self, running: Collection[str], most: int) -> list[PostgresClaim]:
        del running  # their messages are not visible
        return self._queue.next(self._tag, most, any_release=self._any_release) if most else []

    def left(self, root: str, error: AlomaError | None) -> None:
        if error is not None and not isinstance(error, ClaimLostError):
            with suppress(StoreError):
                self._queue.postpone(root, _ALONE)

    def upcoming(self) -> float | None:
        self._queue.drain()  # a tree that is given back is in the queue again
        return self._upcoming()

    def _upcoming(self) -> float | None:
        moment = self._queue.upcoming(self._tag, any_release=self._any_release)
        return None if moment is None else moment.timestamp()

    def pause(self) -> float:
        upcoming = self._upcoming()
        return _MOST if upcoming is None else max(_LEAST_PAUSE, upcoming - time.time())

    def close(self) -> None:
        self._end()
        self._queue.end_writing()
