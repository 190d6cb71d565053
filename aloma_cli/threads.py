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
        try:
            result = context.run(function)
        except StopIteration as error:
            # Because a future refuses StopIteration and would never finish. Python does the same in coroutines.
            stopped = RuntimeError("the function raised StopIteration").with_traceback(error.__traceback__)
            _report(loop, future.set_exception, future, stopped)
        except BaseException as error:  # noqa: BLE001  (raised again in the waiting coroutine)
            _report(loop, future.set_exception, future, error)
        else:
            _report(loop, future.set_result, future, result)

    threading.Thread(target=work, name=name, daemon=True).start()
    return await future


def _report(
    loop: asyncio.AbstractEventLoop, setter: Callable[..., None], future: asyncio.Future[Result], value: object
) -> None:
    def settle() -> None:
        if not future.done():
            setter(value)

    # The loop may be closed if a step was abandoned.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(settle)


def loop_runs() -> bool:
    """Whether an event loop is running on this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
