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
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aloma_cli.view.live.stderr import Notes

_LARGE = 1 << 20
_CHUNK = 1 << 16
_PATIENCE = 0.5
"""Seconds to wait for a thread that cannot write, for example to a stopped terminal (Ctrl-S)."""

_pipe: _Pipe | None = None


def listen(notes: Notes, result: int) -> None:
    """Replace both descriptors until the program ends."""
    global _pipe  # noqa: PLW0603  (there is one pair of descriptors)
    if _pipe is None and hasattr(os, "register_at_fork"):  # Windows cannot wait for a pipe
        _pipe = _Pipe(notes, result)


def settle() -> None:
    """Pass on what was written so far."""
    if _pipe is not None:
        _pipe.pump()


def end() -> None:
    """Pass on what was written so far, and restore the descriptors."""
    if _pipe is not None:
        _pipe.end()


class _Pipe:
    def __init__(self, notes: Notes, result: int) -> None:
        self._owner = os.getpid()
        self._notes = notes
        self._result = result
        self._real = os.dup(2)
        self._lock = threading.Lock()
        self._rest = b""
        self._out, into = os.pipe()
        self._woken, self._wake = os.pipe()
        _enlarge(into)
        for number in (1, 2):
            os.dup2(into, number)
        os.close(into)
        notes.number = 2
        os.register_at_fork(after_in_child=self._hand_over)
        # Registered before any file of the workspace runs, so that it runs last.
        atexit.register(self.end)
        threading.Thread(target=self._read_streams, name="aloma streams", daemon=True).start()

    def pump(self) -> None:
        """Read what is in the pipe, up to a bound: a child may write faster than we read."""
        for _ in range(2 * _LARGE // _CHUNK):
            if not self._take_one():
                break

    def end(self) -> None:
        if os.getpid() != self._owner or self._real < 0:
            return
        for stream in filter(None, (sys.__stdout__, sys.__stderr__)):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        for number in (1, 2):
            os.dup2(self._real, number)
        self._real = -1
        self.pump()
        # A child that is still running keeps its end of the pipe open; we do not wait for it.
        os.write(self._wake, b".")
        if self._rest:
            self._tell_lines(b"\n")

    def _read_streams(self) -> None:
        while self._woken not in select.select([self._out, self._woken], [], [])[0]:
            self._take_one()

    def _take_one(self) -> bool:
        """Read a part of what is in the pipe; returns whether there was any."""
        if not self._lock.acquire(timeout=_PATIENCE):
            return False
        try:
            data = os.read(self._out, _CHUNK) if select.select([self._out], [], [], 0)[0] else b""
            self._tell_lines(data)
            return bool(data)
        finally:
            self._lock.release()

    def _tell_lines(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _LARGE:
            lines, self._rest = [*lines, self._rest], b""
        # Lines without a reader are dropped; otherwise every child would block.
        with contextlib.suppress(Exception):
            self._notes.write_lines(line.decode("utf-8", "replace") for line in lines)

    def _hand_over(self) -> None:
        """In a forked child: it has no result, and writes into the pipe."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), self._result)
        self._notes.note = None
        self._notes.original = open(2, "w", 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115


def _enlarge(pipe: int) -> None:
    """Enlarge the pipe, because code that holds Python's lock while it writes could wait forever."""
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _LARGE)
