"""A plain `def` on a thread of its own, and a warning when nothing is heard of it."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import field
from functools import partial
from typing import Any

from aloma_cli import process
from aloma_cli.content.authors import running_on
from aloma_cli.jsontext import printable
from aloma_cli.threads import in_thread
from aloma_cli.values import dataclass

QUIET = 30.0
"""Seconds without visible progress of a plain `def` before a warning."""

_AGAIN = 0.2
"""The least seconds from one look at the thread to the next."""

_log = logging.getLogger(__name__.partition(".")[0])


@dataclass(slots=True)
class PlainRun:
    """One run of the plain `def` of `step`. `heard`: the time of its last visible progress."""

    step: str
    loop: asyncio.AbstractEventLoop
    heard: float = field(default_factory=time.monotonic)
    _thread: int = 0
    _timer: asyncio.TimerHandle = field(init=False)

    async def run(self, function: Callable[[], Any]) -> Any:
        """What `function` returns on a thread."""
        self._timer = self.loop.call_later(QUIET, self._listen)
        try:
            return await in_thread(partial(self._work, function, process.number), name=self.step)
        finally:
            self._timer.cancel()

    def _work(self, function: Callable[[], Any], parent: int) -> Any:
        self._thread = threading.get_ident()
        try:
            return function()
        finally:
            if process.number != parent:
                end_child()

    def _listen(self) -> None:
        """Warn if the thread has been quiet for too long, with its line; else look again later."""
        left = self.heard + QUIET - time.monotonic()
        at = running_on(self._thread) if left <= 0 else None
        if at is None:
            self._timer = self.loop.call_later(max(left, _AGAIN), self._listen)
        else:
            _log.warning("step %s: no progress for %g s at %s", printable(self.step), QUIET, at)


def end_child() -> None:
    """End a child that the step forked and that returns from it: the run is its parent's."""
    os._exit(1 if sys.exc_info()[0] else 0)
