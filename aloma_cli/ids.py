"""Task ids: short, sortable by time of creation, safe as file names.

An id is ten characters of milliseconds since 1970 and six of chance, in Crockford's base 32 (no i, l, o, u), as in
a ULID but shorter. A subtask's id is `ROOT.FIRING.ORDER`: it follows from the firing that made it and from how many
that firing had made before, so that a firing repeated after a crash makes the same subtask again.
"""

from __future__ import annotations

import os
import re

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_ROOT_ID = re.compile(rf"[{_ALPHABET}]{{16}}")
_TASK_ID = re.compile(rf"[{_ALPHABET}]{{1,16}}(\.[0-9]+){{0,2}}")


def new_task_id(now: float) -> str:
    """A fresh root id for the moment `now` (seconds since 1970)."""
    return _base32(int(now * 1000), 10) + _base32(int.from_bytes(os.urandom(4), "big"), 6)


def subtask_id(parent: str, firing: int, order: int) -> str:
    """The id of the `order`-th subtask (from 1) made by firing number `firing`."""
    return f"{root_of(parent)}.{firing}.{order}"


def root_of(task: str) -> str:
    """The id of the root of the tree that `task` belongs to."""
    return task.partition(".")[0]


def is_root_id(text: str) -> bool:
    """Whether `text` could be the whole id of a root, so that it is the beginning of no other."""
    return _ROOT_ID.fullmatch(text) is not None


def is_task_id(text: str) -> bool:
    """Whether `text` could be a task id or a prefix of one; anything path-like could not."""
    return _TASK_ID.fullmatch(text) is not None


def _base32(number: int, length: int) -> str:
    return "".join(_ALPHABET[(number >> 5 * place) & 31] for place in reversed(range(length)))
