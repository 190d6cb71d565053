"""A plain function in a thread of its own, which the program does not wait for when it ends."""

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

    Unlike `asyncio.to_thread` the thread is nobody's to join: a step that hangs is left behind when it is cut, and
    cannot keep the program from ending. Context variables are those of the caller.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()
    context = contextvars.copy_context()

    def work() -> None:
        try:
            result = context.run(function)
        except StopIteration as error:
            # A future refuses it and would never be done; Python itself turns it into this in a coroutine.
            stopped = RuntimeError("the function raised StopIteration").with_traceback(error.__traceback__)
            _tell(loop, future.set_exception, future, stopped)
        except BaseException as error:  # noqa: BLE001  (it is raised again where the result is waited for)
            _tell(loop, future.set_exception, future, error)
        else:
            _tell(loop, future.set_result, future, result)

    threading.Thread(target=work, name=name, daemon=True).start()
    return await future


def _tell(
    loop: asyncio.AbstractEventLoop, setter: Callable[..., None], future: asyncio.Future[Result], value: object
) -> None:
    def settle() -> None:
        if not future.done():
            setter(value)

    # The loop may be gone when a step was left behind.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(settle)
