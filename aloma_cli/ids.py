"""Task ids: short, sortable by time of creation, safe as file names.

An id has ten characters for the milliseconds since 1970 and six random ones, in Crockford's base 32 (no i, l, o, u):
a shorter ULID. A subtask's id is `ROOT.FIRING.ORDER`: the number of the firing that created it, and the order within
that firing. So a firing repeated after a crash creates the same subtask again.
"""

from __future__ import annotations

import os
import re

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_ROOT_ID = rf"[{_ALPHABET}]{{16}}"
_TASK_ID = rf"[{_ALPHABET}]{{1,16}}(\.[0-9]+){{0,2}}"


def new_task_id(now: float) -> str:
    """A new root id for the time `now` (seconds since 1970)."""
    return _base32(int(now * 1000), 10) + _base32(int.from_bytes(os.urandom(4), "big"), 6)


def first_task_id(since: float) -> str:
    """The least id of a root that is made at `since` (seconds since 1970) or later."""
    return _base32(max(0, int(since * 1000)), 10)


def subtask_id(parent: str, firing: int, order: int) -> str:
    """The id of the `order`-th subtask (from 1) created by firing number `firing`."""
    return f"{root_of(parent)}.{firing}.{order}"


def is_within(task: str, above: str) -> bool:
    """Whether a task is `above`, or below it."""
    return task == above or task.startswith(f"{above}.")


def root_of(task: str) -> str:
    """The id of the root of the tree that `task` belongs to."""
    return task.partition(".")[0]


def is_root_id(text: str) -> bool:
    """Whether `text` is a complete root id, rather than a prefix."""
    return re.fullmatch(_ROOT_ID, text) is not None


def is_task_id(text: str) -> bool:
    """Whether `text` has the form of a task id or a prefix of one; a file path has not."""
    return re.fullmatch(_TASK_ID, text) is not None


def _base32(number: int, length: int) -> str:
    return "".join(_ALPHABET[(number >> 5 * place) & 31] for place in reversed(range(length)))
