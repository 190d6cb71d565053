"""The three standard streams: the result has a descriptor of its own, and closed streams are handled."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import TextIO

_NAMES = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))

_apart = False


def open_closed() -> None:
    """Open the null device for each standard stream that is closed (`>&-`).

    Otherwise the next opened file, the journal of a task, would get the number of that stream, and with it whatever a
    library prints there.
    """
    for name, mode in _NAMES:
        if getattr(sys, name) is None:
            # The lowest free number is the missing one, because the streams are checked in order.
            number = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def keep_result_apart() -> None:
    """From here on only our result reaches standard output.

    Our own streams use other descriptors, which no child process inherits. All other output to descriptor 1 goes to
    standard error. The result is always UTF-8.
    """
    global _apart  # noqa: PLW0603  (there is one standard output)
    _apart = _is_number(sys.stdout, 1) and _is_number(sys.stderr, 2)
    if _apart:
        sys.stdout = _duplicate(sys.stdout, "utf-8")
        sys.stderr = _duplicate(sys.stderr, sys.stderr.encoding, by_line=True)
        os.dup2(2, 1)


def is_apart() -> bool:
    """Whether descriptors 1 and 2 are not our own streams."""
    return _apart


def give_to_others() -> None:
    """Restore Python's streams for what others registered for the end of the program."""
    if _apart:
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__


def _duplicate(stream: TextIO, encoding: str, *, by_line: bool = False) -> TextIO:
    buffering = 1 if by_line or stream.line_buffering else -1
    return open(os.dup(stream.fileno()), "w", buffering, encoding, "backslashreplace", closefd=False)


def _is_number(stream: TextIO, number: int) -> bool:
    try:
        return stream.fileno() == number
    except (OSError, ValueError):
        return False


def has_left(error: OSError) -> bool:
    """Whether a write failed because the reader has closed the pipe or the terminal."""
    return error.errno in (errno.EPIPE, errno.EIO)


def close_quietly(stream: TextIO) -> None:
    """Drop what is left to write, so that Python's last flush does not fail."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
