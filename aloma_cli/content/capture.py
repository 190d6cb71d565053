"""Tell the code of steps from that of the program, and capture what it writes to the two streams of Python.

`print` goes to the step's log, because stdout is for the result of the command; stderr passes through, without secrets.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from aloma_cli.lent import Lent, put_back
from aloma_cli.redact import RedactedStream, Redactor

if TYPE_CHECKING:
    from asyncio import Task

_current: ContextVar[Inside | None] = ContextVar("aloma_inside", default=None)
_writing: set[Inside] = set()
_installed: dict[str, list[_Split | _Stderr]] = {"stdout": [], "stderr": []}


class Inside:
    """A context for the code of one firing, and for the tasks and threads that it starts.

    What is printed in it goes to `log`, line by line. `started` is told of its tasks (see `lost.tasks_noticed`).
    Changes of the streams are undone at its end, or at the end of the last of several side by side.
    """

    __slots__ = ("_log", "_rest", "_token", "started")

    def __init__(self, log: Callable[[str], None], started: Callable[[Task[Any]], None]) -> None:
        self.started = started
        self._log = log
        self._rest = ""

    def __enter__(self) -> None:
        self._token = _current.set(self)
        _writing.add(self)

    def __exit__(self, *_error: object) -> None:
        _writing.discard(self)
        if not _writing:
            _put_back_all()
        if self._rest:
            self._log(self._rest)
            self._rest = ""
        _current.reset(self._token)

    def write(self, text: str) -> None:
        *whole, self._rest = (self._rest + text).split("\n")
        for line in whole:
            self._log(line)


def current() -> Inside | None:
    """Where the code is that asks."""
    return _current.get()


def stdout_split() -> AbstractContextManager[None]:
    """Install the stream that separates a step's prints from the program's, while steps run."""
    return _replaced("stdout", _Split, sys.stdout)


def stderr_redacted(redactor: Redactor) -> AbstractContextManager[None]:
    """Keep secrets out of stderr while steps run."""
    return _replaced("stderr", _Stderr, sys.stderr, redactor)


@contextmanager
def _replaced(name: str, kind: Callable[..., _Split | _Stderr], *made_of: Any) -> Iterator[None]:
    stack = _installed[name]
    stream, *options = made_of
    # Of many runs in one program the first installs it.
    if not stack or stream is not stack[-1] or not stack[-1].is_as(*options):
        stack.append(kind(*made_of))
        setattr(sys, name, stack[-1])
    stand_in = stack[-1]
    stand_in.runs += 1
    try:
        yield
    finally:
        stand_in.runs -= 1
        # The first to be installed may be the first that is no longer used: it is removed when it is on top.
        while stack and not stack[-1].runs:
            put_back(name, stack.pop().original)


def _put_back_all() -> None:
    for name, stack in _installed.items():
        if stack and getattr(sys, name) is not stack[-1]:
            put_back(name, stack[-1])


if hasattr(os, "register_at_fork"):
    # A forked child prints to its streams, because only the parent writes the log of the firing.
    os.register_at_fork(after_in_child=lambda: _current.set(None))


class _Stderr(RedactedStream):
    runs = 0

    def is_as(self, redactor: Redactor) -> bool:
        return self._redactor is redactor


class _Split(Lent):
    runs = 0

    def is_as(self) -> bool:
        return True

    def write(self, text: str) -> int:
        inside = _current.get()
        if inside is None:
            return self.original.write(text)
        inside.write(text)
        return len(text)
