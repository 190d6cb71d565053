"""The three standard streams where somebody closed them, or is not there any more."""

from __future__ import annotations

import contextlib
import errno
import os
import sys

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


def has_left(error: OSError) -> bool:
    """Whether a failed write means that nobody reads any more: a closed pipe, or a terminal that was closed."""
    return error.errno in (errno.EPIPE, errno.EIO)


def close_quietly() -> None:
    """What is left to write goes nowhere, and Python's own last flush finds nothing to say."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
