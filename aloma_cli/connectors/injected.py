"""What a connector's function, or a tool, gets besides its arguments, by the names of its parameters."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from aloma_cli.jsontext import cut
from aloma_cli.threads import in_thread

if TYPE_CHECKING:
    from aloma_cli.connectors.base import Call

KEY = "idempotency_key"
"""The parameter by which a function gets the key of its call: the same when the call is sent again."""

CALL = "call"

_EVERY = 0.1
"""The least seconds between two reports."""

_LONGEST = 200


class CallHandle:
    """`call`: shows in the views of the run how far a call has come. It may be used on any thread."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._loop = asyncio.get_running_loop()
        self._told = -_EVERY

    def progress(self, text: object) -> None:
        """Show a short text in the live view until the next one, or until the call ends. It is not recorded."""
        now = time.monotonic()
        if now - self._told >= _EVERY:
            self._told = now
            line = cut(" ".join(str(text).split()), _LONGEST)
            self._loop.call_soon_threadsafe(lambda: self._call.progress("working", text=line))

    def log(self, text: object) -> None:
        """Write a line to the log of the step that made the call."""
        self._loop.call_soon_threadsafe(self._call.log, str(text))


_HANDLES = (inspect.Parameter.empty, CallHandle, CallHandle.__name__)


def is_injected(parameter: inspect.Parameter) -> bool:
    """Whether a parameter is none of the arguments. One that is called `call` may be one, if its annotation says so."""
    return parameter.name == KEY or (parameter.name == CALL and parameter.annotation in _HANDLES)


async def called(function: Callable[..., Any], name: str, /, *args: Any, **kwargs: Any) -> Any:
    """What a function of an author's returns; a plain `def` runs in a thread."""
    if inspect.iscoroutinefunction(function):
        return await function(*args, **kwargs)
    value = await in_thread(lambda: function(*args, **kwargs), name=name)
    return await value if inspect.isawaitable(value) else value


def injected(parameters: Mapping[str, inspect.Parameter], call: Call) -> dict[str, Any]:
    """What a function with these parameters gets for one call."""
    names = [name for name, parameter in parameters.items() if is_injected(parameter)]
    return {name: call.key if name == KEY else CallHandle(call) for name in names}
