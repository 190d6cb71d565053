"""Detect a step that blocks the event loop, and so every other firing, and report the line."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from types import TracebackType
from typing import Self

from aloma_cli.content.authors import running_on
from aloma_cli.jsontext import printable

BLOCKED = 1.0
"""Seconds without a turn of the event loop before a warning."""

_BEAT = 0.2
_log = logging.getLogger(__name__.partition(".")[0])


class Watchdog:
    """A context in which the running event loop is watched, in real time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._watched = threading.get_ident()
        self._turns = 0
        # Count looks, not seconds: under load the watching thread is as late as the one that it watches.
        self._looks, self._seen = 0, 0
        self._timer = self._loop.call_soon(self._beat)

    def __enter__(self) -> Self:
        _guard.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _guard.remove(self)
        self._timer.cancel()

    def look(self) -> None:
        """Warn if the loop has had no turn for BLOCKED seconds; called every `_BEAT` seconds."""
        self._looks = self._looks + 1 if self._seen == self._turns else 0
        self._seen = self._turns
        if self._looks == round(BLOCKED / _BEAT):
            self._tell_blocked()

    def _beat(self) -> None:
        self._turns += 1
        self._timer = self._loop.call_later(_BEAT, self._beat)

    def _tell_blocked(self) -> None:
        at = running_on(self._watched)
        task = asyncio.current_task(self._loop)
        step, firing, _ = task.get_name().rpartition(" #") if task is not None else ("", "", "")
        if at is not None and firing:
            _log.warning(
                "step %s has blocked all other steps for more than %g s at %s; "
                "use `await` for slow work, or make its content a plain `def`",
                printable(step),
                BLOCKED,
                at,
            )


class _Guard:
    """One thread for all watched loops of a process, because to start one costs as much as a short run.

    It ends within a beat of the last loop's end.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._dogs: set[Watchdog] = set()
        self._runs = False

    def add(self, dog: Watchdog) -> None:
        with self._lock:
            self._dogs.add(dog)
            if not self._runs:
                threading.Thread(target=self._watch, name="aloma watchdog", daemon=True).start()
                self._runs = True

    def remove(self, dog: Watchdog) -> None:
        with self._lock:
            self._dogs.discard(dog)

    def _watch(self) -> None:
        while dogs := self._needed():
            time.sleep(_BEAT)
            for dog in dogs & self._dogs:
                dog.look()

    def _needed(self) -> set[Watchdog]:
        with self._lock:
            self._runs = bool(self._dogs)
            return self._dogs.copy()


_guard = _Guard()

if hasattr(os, "register_at_fork"):
    # A forked child has neither the thread nor the loops.
    os.register_at_fork(after_in_child=_guard.__init__)  # type: ignore[misc]
