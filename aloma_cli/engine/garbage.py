"""How often Python looks for garbage while a tree is run."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_SELDOM = 5_000
"""New objects after which Python looks for garbage in rings. Its own 700 is less than 50 firings leave."""


@contextmanager
def seldom_collected() -> Iterator[None]:
    """A context in which Python looks for garbage seldom, unless it was told how often to look.

    Nearly all that a run makes belongs to its tree, so looking finds nothing, and takes a fifth of the time of a tree
    with 1,000 subtasks. What is not in a ring is freed at once in any case.
    """
    first, *others = gc.get_threshold()
    if not 0 < first < _SELDOM:
        yield
        return
    gc.set_threshold(_SELDOM, *others)
    try:
        yield
    finally:
        gc.set_threshold(first, *others)
