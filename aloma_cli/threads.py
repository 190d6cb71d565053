"""Threads beside an event loop, and its end: neither waits for a step that will not end."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")

_GRACE = 0.2
"""Seconds that tasks still running get to end."""


async def in_thread(function: Callable[[], Result], *, name: str) -> Result:
    """Call `function` on a new thread and wait for its result.

    Unlike with `asyncio.to_thread`, no code joins the thread. So a step that hangs is abandoned when it is cut, and
    cannot keep the program from exiting. The function sees the caller's context variables.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()
    context = contextvars.copy_context()

    def work() -> None:
        # The loop may be closed if a step was abandoned.
        with contextlib.suppress(RuntimeError):
            try:
                result = context.run(function)
            except StopIteration as error:
                # Because a future refuses StopIteration and would never finish. Python does the same in coroutines.
                stopped = RuntimeError("the function raised StopIteration").with_traceback(error.__traceback__)
                loop.call_soon_threadsafe(settle, future.set_exception, stopped)
            except BaseException as error:  # noqa: BLE001  (raised again in the waiting coroutine)
                loop.call_soon_threadsafe(settle, future.set_exception, error)
            else:
                loop.call_soon_threadsafe(settle, future.set_result, result)

    def settle(setter: Callable[..., None], value: object) -> None:
        if not future.done():
            setter(value)

    threading.Thread(target=work, name=name, daemon=True).start()
    return await future


def loop_runs() -> bool:
    """Whether an event loop is running on this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


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
