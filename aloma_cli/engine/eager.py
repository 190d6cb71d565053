"""Coroutines that run at once: those that never wait without a task of asyncio, others up to their first wait."""

from __future__ import annotations

import asyncio
import contextvars
import sys
from asyncio.tasks import _enter_task, _leave_task
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def at_once(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Result], *, name: str) -> Result:
    """The result of a coroutine that never waits, run in a copy of the current context.

    It needs no task of its own, which takes five times as long: it is a part of the current one, which has this name
    meanwhile.
    """
    task: Any = asyncio.current_task(loop)
    own = task.get_name()
    task.set_name(name)
    try:
        contextvars.copy_context().run(work.send, None)
    except StopIteration as end:
        result: Result = end.value
        return result
    finally:
        task.set_name(own)
    raise RuntimeError(f"{name} waits, although nothing in it could")


def eager_task(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Result], *, name: str
) -> asyncio.Task[Result]:
    """A task on the running `loop`, in a copy of the current context; call it on the loop's thread.

    On a loop whose queue is not asyncio's own, before Python 3.12, the task begins with the loop's next turn.
    """
    context = contextvars.copy_context()
    if sys.version_info >= (3, 12):
        return asyncio.Task(work, loop=loop, name=name, context=context, eager_start=True)
    task = asyncio.Task(work, loop=loop, name=name, context=context)
    queue = getattr(loop, "_ready", None)
    current = asyncio.current_task(loop)
    if queue is None:
        return task
    first_step = queue.pop()
    # "Extending asyncio" in Python's manual names these two for what runs a task inside of another one.
    if current is not None:
        _leave_task(loop, current)
    try:
        first_step._run()  # noqa: SLF001  (as the loop itself would)
    except (KeyboardInterrupt, SystemExit):
        task.exception()  # it is raised here, so asyncio need not report it as never retrieved
        raise
    finally:
        if current is not None:
            _enter_task(loop, current)
    return task
