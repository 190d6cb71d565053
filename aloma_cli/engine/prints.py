"""What steps write to the two streams.

`print` goes to the step's log, since stdout belongs to the result of the command; from stderr only secrets are kept.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, TextIO

from aloma_cli.redact import RedactedStream, Redactor

_current: ContextVar[_Lines | None] = ContextVar("aloma_prints", default=None)


@contextmanager
def prints_to(log: Callable[[str], None]) -> Iterator[None]:
    """What is printed here, and in tasks and threads started here, goes to `log`, line by line."""
    lines = _Lines(log)
    token = _current.set(lines)
    try:
        yield
    finally:
        lines.end()
        _current.reset(token)


def stdout_split() -> AbstractContextManager[None]:
    """Install the stream that tells a step's prints from the program's own, for as long as steps run."""
    return _installed("stdout", _Split(sys.stdout))


def stderr_scrubbed(scrubber: Redactor) -> AbstractContextManager[None]:
    """Let no secret through to stderr for as long as steps run."""
    return _installed("stderr", _Stderr(sys.stderr, scrubber)) if scrubber else nullcontext()


@contextmanager
def _installed(name: str, stand_in: _Split | _Stderr) -> Iterator[None]:
    setattr(sys, name, stand_in)
    try:
        yield
    finally:
        stand_in.over = True
        # Of several runs in one program the first to begin may be the first to end: it is taken out when it is on top.
        while isinstance(top := getattr(sys, name), type(stand_in)) and top.over:
            setattr(sys, name, top.original)


class _Stderr(RedactedStream):
    over = False


class _Lines:
    def __init__(self, log: Callable[[str], None]) -> None:
        self._log = log
        self._rest = ""

    def write(self, text: str) -> None:
        *whole, self._rest = (self._rest + text).split("\n")
        for line in whole:
            self._log(line)

    def end(self) -> None:
        if self._rest:
            self._log(self._rest)
            self._rest = ""


class _Split:
    """A stand-in for stdout; everything but writing goes to the original."""

    def __init__(self, original: TextIO) -> None:
        self.original = original
        self.over = False

    def write(self, text: str) -> int:
        lines = _current.get()
        if lines is None:
            return self.original.write(text)
        lines.write(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)
