"""The ends of tasks, whichever process ran them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aloma_cli.errors import AlomaError, NotFoundError
from aloma_cli.triggers.done import Done

if TYPE_CHECKING:
    from aloma_cli.api.workspace import Workspace
    from aloma_cli.jsontext import JsonObject

LATE = 60.0
"""Seconds by which an end may be seen late, and by which the clock of a store may differ."""

_PAUSE, _SHARE = 1.0, 0.05
"""The least seconds between two looks, and the share of its time that a worker may take for them."""


class Ends:
    """Shows `triggers` the record of each task that was written to, once for each state of it."""

    def __init__(self, home: Workspace, triggers: Sequence[Done]) -> None:
        self._home = home
        self._triggers = triggers
        self._stamps: dict[str, int] = {}

    def see(self, record: JsonObject) -> None:
        """Show a record that is known."""
        for one in self._triggers:
            one.see(record)

    def look(self) -> None:
        """Show what was written to since all ends were seen. Raises StoreError."""
        if not self._triggers:
            return
        began = self._home.clock.now()
        changed = self._home.store.changed(min(one.begin() for one in self._triggers) - LATE)
        self._stamps = {root: stamp for root in changed if (stamp := self._show_changed(root)) is not None}
        for one in self._triggers:
            one.seen(began - LATE)

    async def run(self) -> None:
        """Until it is cancelled."""
        while self._triggers:
            started = time.monotonic()
            try:
                self.look()
            except AlomaError as error:
                self._triggers[0].trigger.failed(error)
            await asyncio.sleep(max(_PAUSE, (time.monotonic() - started) / _SHARE))

    def _show_changed(self, root: str) -> int | None:
        """Show a tree that has changed; returns its stamp, or None if it is to be looked at again."""
        try:
            stamp = self._home.store.stamp(root)
            if stamp == self._stamps.get(root):
                return stamp
            record = self._home.store.record(root)
        except NotFoundError:
            return None
        if record is None:
            return None
        self.see(record)
        return stamp
