"""The trees that are due and wait for a worker, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from aloma_cli.view.format import duration, plural

if TYPE_CHECKING:
    from aloma_cli.store.protocol import Store

LATE = 5.0
"""Seconds within which a worker takes a tree that is due, unless all are at work."""


def waiting(store: Store, release: Callable[[], str], now: float, root: str | None = None) -> Iterator[str]:
    """What has been due for some time, or whether this tree has; `release`: the version of the code here."""
    for release_of_trees, trees, since in store.waiting(root):
        if now - since < LATE:
            continue
        subject = f"{plural(trees, 'task')} {'has' if trees == 1 else 'have'}" if root is None else "it has"
        here = release()
        if release_of_trees in (None, here):
            yield f"{subject} been due for {duration(now - since)}, and no worker has taken {_them(trees)}"
        else:
            yield (
                f"{subject} been due for {duration(now - since)}: only a worker with version {release_of_trees} of the "
                f"code takes {_them(trees)}, and this is version {here}"
            )


def _them(trees: int) -> str:
    return "it" if trees == 1 else "them"
