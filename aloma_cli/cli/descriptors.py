"""A pipe replaces descriptors 1 and 2 while files of a workspace run.

It gets all output of steps and their child processes, and passes it on line by line as notes. Our own streams use other
descriptors.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import sys
import threading
from dataclasses import field
from typing import TYPE_CHECKING, TextIO

from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from aloma_cli.view.live.stderr import Notes

_LARGE = 1 << 20
_CHUNK = 1 << 16
_PATIENCE = 0.5
"""Seconds to wait for a thread that cannot write, for example to a stopped terminal (Ctrl-S)."""

_pipe: _Pipe | None = None


def listen(notes: Notes, result: TextIO) -> None:
    """Replace both descriptors until the program ends."""
    global _pipe  # noqa: PLW0603  (there is one pair of descriptors)
    if _pipe is not None or not hasattr(os, "register_at_fork"):  # Windows cannot wait for a pipe
        return
    out, into = os.pipe()
    _pipe = _Pipe(notes, result, out, os.pipe(), os.dup(2))
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl

        # Code that holds Python's lock while it writes could wait forever.
        fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, _LARGE)
    for number in (1, 2):
        os.dup2(into, number)
    os.close(into)
    notes.number = 2
    os.register_at_fork(after_in_child=_pipe.hand_over)
    # Registered before any file of the workspace runs, so that it runs last.
    atexit.register(end)
    threading.Thread(target=_pipe.read, name="aloma streams", daemon=True).start()


def settle() -> None:
    """Pass on what was written so far, up to a bound: a child may write faster than we read."""
    for _ in range(2 * _LARGE // _CHUNK):
        if _pipe is None or not _pipe.take_one():
            break


def end() -> None:
    """Pass on what was written so far, and restore the descriptors."""
    global _pipe  # noqa: PLW0603  (there is one pair of descriptors)
    if _pipe is None or os.getpid() != _pipe.owner:
        return
    for stream in filter(None, (sys.__stdout__, sys.__stderr__)):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    for number in (1, 2):
        os.dup2(_pipe.real, number)
    settle()
    # A child that is still running keeps its end of the pipe open; we do not wait for it.
    os.write(_pipe.wake[1], b".")
    if _pipe.rest:
        _pipe.tell_lines(b"\n")
    _pipe = None


@dataclass(eq=False)
class _Pipe:
    """What is read at `out`, by the process `owner`.

    `wake`: a pipe that ends the thread which reads. `real`: where descriptor 2 led before. `rest`: the line that has no
    end yet.
    """

    notes: Notes
    result: TextIO
    out: int
    wake: tuple[int, int]
    real: int
    owner: int = field(default_factory=os.getpid)
    lock: threading.Lock = field(default_factory=threading.Lock)
    rest: bytes = b""

    def read(self) -> None:
        """Read until the end, in a thread."""
        while self.wake[0] not in select.select([self.out, self.wake[0]], [], [])[0]:
            self.take_one()

    def take_one(self) -> bool:
        """Read a part of what is in the pipe; returns whether there was any."""
        if not self.lock.acquire(timeout=_PATIENCE):
            return False
        try:
            data = os.read(self.out, _CHUNK) if select.select([self.out], [], [], 0)[0] else b""
            if data:
                self.tell_lines(data)
            return bool(data)
        finally:
            self.lock.release()

    def tell_lines(self, data: bytes) -> None:
        """Pass on the lines that these bytes end, and one that is very long without its end."""
        *lines, self.rest = (self.rest + data).split(b"\n")
        if len(self.rest) > _LARGE:
            lines, self.rest = [*lines, self.rest], b""
        # Lines without a reader are dropped; otherwise every child would block.
        with contextlib.suppress(Exception):
            self.notes.write_lines(line.decode("utf-8", "replace") for line in lines)

    def hand_over(self) -> None:
        """In a forked child: it has no result, and writes into the pipe."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.result.fileno())
        self.notes.note = None
        self.notes.original = open(2, "w", 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115
