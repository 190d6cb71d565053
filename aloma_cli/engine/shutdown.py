"""The end of an event loop in which a step may run that will not end."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Any

_GRACE = 0.2
"""Seconds that tasks still running get to end."""


def _hold_tasks(tasks: set[asyncio.Task[Any]]) -> None:
    """Keep `tasks` alive: otherwise Python would ask their steps again to end, and wait without limit.

    Python does not clear what a thread that never ends holds, even when the program ends.
    """
    threading.Thread(target=lambda _: threading.Event().wait(), args=(tasks,), name="left behind", daemon=True).start()


def leave(loop: asyncio.AbstractEventLoop) -> None:
    """Close the loop. Unlike `asyncio.run` this does not wait for steps and threads that will not end."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        _, clinging = loop.run_until_complete(asyncio.wait(left, timeout=_GRACE))
        if clinging:
            _hold_tasks(clinging)
    with contextlib.suppress(TimeoutError):
        loop.run_until_complete(asyncio.wait_for(loop.shutdown_asyncgens(), _GRACE))
    # Because the command has already named the steps that did not end.
    loop.set_exception_handler(lambda _loop, _context: None)
    loop.close()
