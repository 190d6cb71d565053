"""Hand a request to the process that runs a tree, or to the caller, who then runs it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from aloma_cli.api.task import read_tree
from aloma_cli.engine.redaction import clean_request
from aloma_cli.engine.requests import checked, read_request
from aloma_cli.errors import InputError, TaskLockedError
from aloma_cli.record.events import RequestRefused
from aloma_cli.threads import loop_runs

if TYPE_CHECKING:
    from aloma_cli.jsontext import JsonObject
    from aloma_cli.redact import Redactor
    from aloma_cli.store.protocol import Claim, Store

PATIENCE = 10.0
"""Seconds to wait for the process that runs the task."""

_PAUSE = 0.02


class Handed(NamedTuple):
    """The result of handing over.

    `claim`: the tree was not locked; the caller now holds the lock, and carries out `own` (None: the request is in the
    inbox). `taken`: the process that runs the tree has carried it out. Neither: it is in the inbox for the next run.
    """

    claim: Claim | None = None
    own: JsonObject | None = None
    taken: bool = False


def hand_over(
    store: Store,
    redactor: Redactor,
    root: str,
    request: JsonObject,
    *,
    waiting: Callable[[float], object] = lambda _: None,
) -> Handed:
    """Hand `request` over, and wait until it is taken or the lock is free; `waiting` is called with the seconds left.

    It does not wait on the thread of a running event loop, which may be the one that has to take it. Raises
    NotFoundError, and InputError for an invalid request, now or when it is carried out.
    """
    checked(read_tree(store, root), read_request(request))
    try:
        return Handed(store.claim(root), request)
    except TaskLockedError:
        posted = store.post(root, clean_request(redactor, request))
    left = 0.0 if loop_runs() else PATIENCE
    deadline = time.monotonic() + left
    while store.is_waiting(root, posted):
        claim = _claim_unless_held(store, root)
        if claim is not None and store.is_waiting(root, posted):
            return Handed(claim)
        if claim is not None:
            claim.close()
        left = deadline - time.monotonic()
        if left <= 0:
            return Handed()
        waiting(left)
        time.sleep(_PAUSE)
    _raise_if_refused(store, root, posted)
    return Handed(taken=True)


def _claim_unless_held(store: Store, root: str) -> Claim | None:
    try:
        return store.claim(root)
    except TaskLockedError:
        return None


def _raise_if_refused(store: Store, root: str, posted: str) -> None:
    for batch in store.read(root):
        for event in batch.events:
            if isinstance(event, RequestRefused) and event.request == posted:
                raise InputError(event.reason)
