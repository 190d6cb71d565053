"""Notices a step that blocks the event loop, and with it every other firing, and says at which line."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from aloma_cli.content.authors import is_alomas, is_own, line_of, outwards
from aloma_cli.jsontext import printable

BLOCKED = 1.0
"""Seconds without a turn of the event loop that are too many."""

QUIET = 30.0
"""Seconds in which a plain `def` did nothing that could be seen, after which it is told where it is."""

_BEAT = 0.2
_PACKAGE = __name__.partition(".")[0]
_log = logging.getLogger(_PACKAGE)


@dataclass(slots=True)
class _Plain:
    """A plain `def` on its thread. `since`: when it last did something that could be seen."""

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
    """Something was heard of the step that runs on this thread, if one does."""
    running = _plain.get(threading.get_ident())
    if running is not None:
        running.since = time.monotonic()


class Watchdog:
    """A context in which the running event loop is watched from a thread; real time, whatever the loop's clock."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._watched = threading.get_ident()
        self._over = threading.Event()
        self._turns = 0
        self._timer = self._loop.call_soon(self._beat)
        self._thread = threading.Thread(target=self._watch, name="aloma watchdog", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._timer.cancel()

    def _beat(self) -> None:
        self._turns += 1
        self._timer = self._loop.call_later(_BEAT, self._beat)

    def _watch(self) -> None:
        # By looks, not by the clock: on a machine under load this thread is as late as the one that it watches.
        looks, turns = 0, 0
        while not self._over.wait(_BEAT):
            looks, turns = (looks + 1, turns) if turns == self._turns else (0, self._turns)
            if looks == round(BLOCKED / _BEAT):
                self._tell_blocked()
            self._tell_quiet()

    def _tell_blocked(self) -> None:
        at = _responsible(self._watched)
        task = asyncio.current_task(self._loop)
        step, firing, _ = task.get_name().rpartition(" #") if task is not None else ("", "", "")
        if at is not None and firing:
            _log.warning(
                "step %s has blocked all other steps for more than %g s at %s; "
                "use `await` for what takes long, or make its content a plain `def`",
                printable(step),
                BLOCKED,
                at,
            )

    def _tell_quiet(self) -> None:
        for thread, running in list(_plain.items()):
            if running.told or time.monotonic() - running.since < QUIET:
                continue
            at = _responsible(thread)
            if at is not None:
                running.told = True
                _log.warning("step %s: no progress for %g s at %s", printable(running.step), QUIET, at)


def _responsible(thread: int) -> str | None:
    """`file:line` of an author's code on a thread, unless aloma's own is at work: it may be called from there."""
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
