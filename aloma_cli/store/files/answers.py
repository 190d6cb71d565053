"""The answered calls in a journal, without reading the rest of it."""

from __future__ import annotations

import os
from pathlib import Path

from aloma_cli.clock import from_iso
from aloma_cli.record.codec import BrokenLineError, UnknownLineError, decode
from aloma_cli.record.events import CallAnswered

_MARK = b'"event":"call_answered"'
"""What every line with such an event contains."""


def answers_in(path: str, since: float, start: int) -> tuple[list[CallAnswered], int]:
    """The calls answered at `since` (seconds since 1970) or later, from byte `start` on; and where to read next.

    What cannot be read is left out. Raises OSError.
    """
    known = os.stat(path)  # noqa: PTH116  (of thousands of files before a call of a model)
    if known.st_size <= start or known.st_mtime < since:
        return [], start
    found: list[CallAnswered] = []
    with Path(path).open("rb") as file:
        file.seek(start)
        for line in file:
            if not line.endswith(b"\n"):  # being written right now
                break
            start += len(line)
            if _MARK in line:
                found += _answers(line, since)
    return found, start


def _answers(line: bytes, since: float) -> list[CallAnswered]:
    try:
        events = decode(line).events
    except (BrokenLineError, UnknownLineError):
        return []
    return [event for event in events if isinstance(event, CallAnswered) and from_iso(event.at) >= since]
