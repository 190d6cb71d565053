"""The standard streams that code of authors gets: it cannot close them, and what it writes goes where it belongs.

`print` of a step goes to its log, because stdout is for the result of the command. stderr passes through, without
secrets.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from functools import cached_property
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from asyncio import Task

    from typing_extensions import Buffer  # for the type checker alone

    from aloma_cli.redact import Redactor


class Lent(io.TextIOBase):
    """Writes to `original`; to close it, to wrap its `buffer` or to detach that does the original no harm."""

    closed = False

    def __init__(self, original: TextIO) -> None:
        self.original = original

    @property
    def encoding(self) -> str:  # type: ignore[override]  # read-only here, writable in TextIOBase
        return self.original.encoding

    @cached_property
    def buffer(self) -> io.BufferedIOBase:
        """Takes UTF-8, which is written as the text it is."""
        return _Bytes(self)

    def write(self, text: str) -> int:
        return self.original.write(text)

    def flush(self) -> None:
        self.original.flush()

    def close(self) -> None:
        """Nothing: the owner closes it."""

    def detach(self) -> Any:
        return self.buffer

    def reconfigure(self, **_options: object) -> None:
        """Nothing: how it writes is its owner's decision."""

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self.original.isatty()

    def fileno(self) -> int:
        return self.original.fileno()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)


class _Bytes(io.BufferedIOBase):
    def __init__(self, stream: Lent) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def write(self, data: Buffer) -> int:
        given = bytes(data)
        self._stream.write(self._decoder.decode(given))
        return len(given)

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        """Nothing, as for the stream."""

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()


class RedactedStream(Lent):
    """A stream that redacts everything written to it."""

    def __init__(self, original: TextIO, redactor: Redactor) -> None:
        super().__init__(original)
        self._redactor = redactor

    def write(self, text: str) -> int:
        redacted = self._redactor.text(text)
        if redacted is not text:
            encoding = self.original.encoding or "utf-8"
            redacted = redacted.encode(encoding, "backslashreplace").decode(encoding)
        self.original.write(redacted)
        return len(text)


class _Split(Lent):
    """Passes what a step prints to its log, and what the program prints to `original`."""

    def write(self, text: str) -> int:
        inside = _current.get()
        if inside is None:
            return self.original.write(text)
        inside.write(text)
        return len(text)


class Inside:
    """A context for the code of one firing, and for the tasks and threads that it starts.

    What is printed in it goes to `log`, line by line. `started` gets its tasks (see `lost.tasks_noticed`).
    Changes of the streams are undone at its end, or at the end of the last of several side by side.
    """

    # Not a data class, because a command that only prints at a terminal need not import those.
    __slots__ = ("_rest", "_token", "log", "started")
    _token: Token[Inside | None]

    def __init__(self, log: Callable[[str], None], started: Callable[[Task[Any]], None]) -> None:
        self.log = log
        self.started = started
        self._rest = ""

    def __enter__(self) -> None:
        self._token = _current.set(self)
        _writing.add(self)

    def __exit__(self, *_error: object) -> None:
        _writing.discard(self)
        if not _writing and _installed and (sys.stdout, sys.stderr) != _installed[-1].streams:
            put_back(*_installed[-1].streams)
        if self._rest:
            self.log(self._rest)
            self._rest = ""
        _current.reset(self._token)

    def write(self, text: str) -> None:
        *whole, self._rest = (self._rest + text).split("\n")
        for line in whole:
            self.log(line)


_current: ContextVar[Inside | None] = ContextVar("aloma_inside", default=None)
_writing: set[Inside] = set()


def current() -> Inside | None:
    """Where the code is that asks."""
    return _current.get()


if hasattr(os, "register_at_fork"):
    # A forked child prints to its streams, because only the parent writes the log of the firing.
    os.register_at_fork(after_in_child=lambda: _current.set(None))


class _StandIns:
    """Two streams in the place of `own`, without the secrets of `redactor`. `runs`: how many use them."""

    def __init__(self, redactor: Redactor, own: tuple[TextIO, TextIO], streams: tuple[Lent, Lent]) -> None:
        self.redactor = redactor
        self.own = own
        self.streams = streams
        self.runs = 0


_installed: list[_StandIns] = []


@contextmanager
def lent_to_steps(redactor: Redactor) -> Iterator[None]:
    """While steps run, separate their prints from the program's, and keep secrets out of stderr."""
    own: Any = (sys.stdout, sys.stderr)
    # Of many runs in one program the first installs them.
    if not _installed or own != _installed[-1].streams or redactor is not _installed[-1].redactor:
        err: Any = own[1] if isinstance(own[1], Lent) else Lent(own[1])
        streams = _Split(own[0]), RedactedStream(err, redactor) if redactor else err
        _installed.append(_StandIns(redactor, own, streams))
        sys.stdout, sys.stderr = streams
    used = _installed[-1]
    used.runs += 1
    try:
        yield
    finally:
        used.runs -= 1
        # The first to be installed may be the first that is no longer used: it is removed when it is on top.
        while _installed and not _installed[-1].runs:
            put_back(*_installed.pop().own)


@contextmanager
def lent_stderr() -> Iterator[None]:
    """Both standard streams are standard error within, and lent; what is done to them is undone at the end."""
    own = sys.stdout, sys.stderr
    sys.stdout = sys.stderr = own[1] if isinstance(own[1], Lent) else Lent(own[1])
    try:
        yield
    finally:
        put_back(*own)


def put_back(stdout: object, stderr: object) -> None:
    """Make these the standard streams again.

    A stream that other code put in the place of one is kept, because its last reference might close a descriptor.
    """
    for name, stream in (("stdout", stdout), ("stderr", stderr)):
        found = getattr(sys, name)
        if found is not stream and not isinstance(found, Lent):
            with contextlib.suppress(Exception):
                found.flush()
            _displaced.append(found)
        setattr(sys, name, stream)


_displaced: list[object] = []
