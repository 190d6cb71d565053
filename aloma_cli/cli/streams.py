"""The three standard streams where somebody closed them, or is not there any more."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import TextIO

_NAMES = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def open_closed() -> None:
    """Put the null device where a standard stream was closed (`>&-`).

    Else the next file that is opened, the journal of a task, gets the number of that stream, and what some library
    prints there; and Python has no stream to write to.
    """
    for name, mode in _NAMES:
        if getattr(sys, name) is None:
            # The lowest free number is the one that is missing: the streams are gone through in their order.
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123  (open until the end)


def keep_result_apart() -> None:
    """From here on only what we print reaches standard output.

    What the child processes of steps write there, and whoever knows the number of the stream, goes to standard error.
    """
    real = sys.__stdout__
    if real is None or not (_is_number(real, 1) and _is_number(sys.stderr, 2)):
        return  # it was closed: there is nothing to keep apart
    kept = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = open(  # noqa: SIM115  (open until the end)
        kept,
        "w",
        encoding=real.encoding,
        errors=real.errors,
        buffering=1 if real.line_buffering else -1,
        closefd=False,
    )


def _is_number(stream: TextIO, number: int) -> bool:
    try:
        return stream.fileno() == number
    except (OSError, ValueError):
        return False


def has_left(error: OSError) -> bool:
    """Whether a failed write means that nobody reads any more: a closed pipe, or a terminal that was closed."""
    return error.errno in (errno.EPIPE, errno.EIO)


def close_quietly() -> None:
    """What is left to write goes nowhere, and Python's own last flush finds nothing to say."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
