"""Detect a step that blocks the event loop, and so every other firing, and report the line."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import field
from itertools import takewhile
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from aloma_cli.content.authors import is_alomas, is_own, line_of, outwards
from aloma_cli.jsontext import printable
from aloma_cli.values import dataclass

BLOCKED = 1.0
"""Seconds without a turn of the event loop before a warning."""

QUIET = 30.0
"""Seconds without visible progress of a plain `def` before a warning."""

_BEAT = 0.2
_PACKAGE = __name__.partition(".")[0]
_log = logging.getLogger(_PACKAGE)


@dataclass(slots=True)
class _Plain:
    """A plain `def` on its thread. `since`: the time of its last visible progress."""

    step: str
    since: float = field(default_factory=time.monotonic)
    told: bool = False


_plain: dict[int, _Plain] = {}


@contextmanager
def on_a_thread(step: str) -> Iterator[None]:
    """This thread runs the content of `step`."""
    _plain[threading.get_ident()] = _Plain(step)
    try:
        yield
    finally:
        del _plain[threading.get_ident()]


def seen() -> None:
    """Note progress of the step that runs on this thread, if one does."""
    running = _plain.get(threading.get_ident())
    if running is not None:
        running.since = time.monotonic()


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
        at = _responsible(self._watched)
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
            _tell_quiet()

    def _needed(self) -> set[Watchdog]:
        with self._lock:
            self._runs = bool(self._dogs)
            return self._dogs.copy()


_guard = _Guard()

if hasattr(os, "register_at_fork"):
    # A forked child has neither the thread nor the loops.
    os.register_at_fork(after_in_child=_guard.__init__)  # type: ignore[misc]


def _tell_quiet() -> None:
    for thread, running in list(_plain.items()):
        if running.told or time.monotonic() - running.since < QUIET:
            continue
        at = _responsible(thread)
        if at is not None:
            running.told = True
            _log.warning("step %s: no progress for %g s at %s", printable(running.step), QUIET, at)


def _responsible(thread: int) -> str | None:
    """`file:line` of an author's code on a thread, unless aloma's own code runs, which that code may have called."""
    frame = sys._current_frames().get(thread)  # noqa: SLF001  (documented, underscore and all)
    for inner in takewhile(_is_of_this_turn, outwards(frame)):
        filename = inner.f_code.co_filename
        if is_alomas(filename):
            return None
        if is_own(filename):
            return printable(f"{filename.removeprefix(f'{Path.cwd()}{os.sep}')}:{line_of(inner)}")
    return None


def _is_of_this_turn(frame: FrameType) -> bool:
    return bool(frame.f_globals.get("__name__") != "asyncio.events")
