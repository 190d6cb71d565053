"""Notices a step that blocks the event loop, and with it every other firing, and says where it stands."""

from __future__ import annotations

import asyncio
import logging
import sys
import sysconfig
import threading
import time
from types import FrameType, TracebackType
from typing import Self

BLOCKED = 1.0
"""Seconds without a turn of the event loop that are too many."""

_BEAT = 0.2
_PACKAGE = __name__.partition(".")[0]
_STDLIB = sysconfig.get_path("stdlib")
_log = logging.getLogger(_PACKAGE)


class Watchdog:
    """A context in which the running event loop is watched from a thread; real time, whatever the loop's clock."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._watched = threading.get_ident()
        self._over = threading.Event()
        self._seen = time.monotonic()
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
        self._seen = time.monotonic()
        self._timer = self._loop.call_later(_BEAT, self._beat)

    def _watch(self) -> None:
        told = 0.0
        while not self._over.wait(_BEAT):
            seen = self._seen
            if seen != told and time.monotonic() - seen > BLOCKED:
                told = seen
                self._tell()

    def _tell(self) -> None:
        frame = _foreign(sys._current_frames().get(self._watched))  # noqa: SLF001  (documented, underscore and all)
        task = asyncio.current_task(self._loop)
        step, firing, _ = task.get_name().rpartition(" #") if task is not None else ("", "", "")
        if frame is not None and firing:
            _log.warning(
                "step %s blocks all others: it has not let go for over %g s at %s:%d; "
                "await what takes long, or make its content a plain `def`",
                step,
                BLOCKED,
                frame.f_code.co_filename,
                frame.f_lineno,
            )


def _foreign(frame: FrameType | None) -> FrameType | None:
    """The innermost frame of this turn of the loop that is neither ours nor Python's own; who started it is no step."""
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name == "asyncio.events":
            return None
        if not frame.f_code.co_filename.startswith((_STDLIB, "<")) and not name.startswith(f"{_PACKAGE}."):
            return frame
        frame = frame.f_back
    return None
