"""Threads beside an event loop."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


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
