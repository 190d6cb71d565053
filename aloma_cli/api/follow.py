"""Follow a tree that another process runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from aloma_cli.ids import root_of
from aloma_cli.record.states import ACTIVE, ASKING, is_asleep

if TYPE_CHECKING:
    from aloma_cli.api.reader import Records
    from aloma_cli.api.task import Task
    from aloma_cli.engine.transaction import Emit

_PAUSE, _LONG_PAUSE = 0.1, 0.5
"""Seconds between two looks at a task that runs, and at one that rests."""

_LOOKS_A_HOLDER = 10
"""After so many looks at the record, one at the process that runs the task."""


async def follow(
    home: Records,
    task_id: str,
    emit: Emit,
    *,
    idle: Callable[[], object] = lambda: None,
    since: int = 0,
    wait: bool = False,
    stay: bool = False,
) -> Task:
    """Pass the events of a tree on, from batch `since` on, until the task is at rest.

    With `wait` also while a question waits for a person; with `stay` without an end, as a task at rest may be continued
    by any process. `idle` is called if no process runs it at first, though it is not at rest, and whenever it has been
    interrupted.

    Raises NotFoundError, JournalDamagedError.
    """
    root, stamp, pause, looks = root_of(task_id), -1, _PAUSE, 0
    attended = home.store.is_held(root)
    if home.task(task_id).state in ACTIVE and not attended:
        idle()
    while True:
        looks, was_attended = looks + 1, attended
        if looks % _LOOKS_A_HOLDER == 0:
            attended = is_attended(home, root)  # first: so what a process wrote before it ended is read below
        now = home.store.stamp(root)
        if now != stamp:
            stamp = now
            for batch in home.store.read(root, since):
                since = batch.seq + 1
                for event in batch.events:
                    emit(event)
            task = home.task(task_id)
            is_over = task.state not in ACTIVE and not (wait and task.state in ASKING)
            if is_over and not stay:
                return task
            pause = _LONG_PAUSE if is_over else _PAUSE
        if was_attended and not attended and task.state in ACTIVE:
            idle()
        await asyncio.sleep(pause)


def is_attended(home: Records, root: str) -> bool:
    """Whether a process runs the tree now, or nothing is to be done in it before a moment on record."""
    return home.store.is_held(root) or is_asleep(home.store.record(root) or {})
