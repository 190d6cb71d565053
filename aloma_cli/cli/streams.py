"""The three standard streams: the result apart from all else, and what was closed, by us or by who read it."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import TextIO

_NAMES = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))

_apart = False


def open_closed() -> None:
    """Put the null device where a standard stream was closed (`>&-`).

    Else the next file that is opened, the journal of a task, gets the number of that stream, and what some library
    prints there; and Python has no stream to write to.
    """
    for name, mode in _NAMES:
        if getattr(sys, name) is None:
            # The lowest free number is the one that is missing: the streams are gone through in their order.
            number = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def keep_result_apart() -> None:
    """From here on only what we print reaches standard output.

    Our own streams are other descriptors, which no child process gets. What goes to descriptor 1 by any other way goes
    to standard error. The result is UTF-8, whatever people's lines are.
    """
    global _apart  # noqa: PLW0603  (there is one standard output)
    _apart = _is_number(sys.stdout, 1) and _is_number(sys.stderr, 2)
    if _apart:
        sys.stdout = _duplicate(sys.stdout, "utf-8")
        sys.stderr = _duplicate(sys.stderr, sys.stderr.encoding, by_line=True)
        os.dup2(2, 1)


def is_apart() -> bool:
    """Whether descriptors 1 and 2 are free for what others write."""
    return _apart


def give_to_others() -> None:
    """What Python prints from here on is not ours: what was registered for the end of the program."""
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
    """Whether a failed write means that nobody reads any more: a closed pipe, or a terminal that was closed."""
    return error.errno in (errno.EPIPE, errno.EIO)


def close_quietly(stream: TextIO) -> None:
    """What is left to write goes nowhere, and Python's own last flush finds nothing to say."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
