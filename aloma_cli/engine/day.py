"""What all tasks of a workspace may spend on one day, also in several processes at once."""

from __future__ import annotations

import asyncio

from aloma_cli.budget import DAY, Amount, Refusal
from aloma_cli.clock import Clock
from aloma_cli.record.due import begin_of_day
from aloma_cli.store.protocol import Store
from aloma_cli.threads import in_thread


class DayLimit:
    """The limit of one workspace in US dollars, for all trees that this process runs.

    What others spend is read from their journals before each call. So several processes together exceed the limit by no
    more than the calls that are under way. A day is a day of local time. `waiting`: the calls of any tree that wait
    for room.
    """

    def __init__(self, most: float, store: Store, clock: Clock) -> None:
        self._most = most
        self._store = store
        self._clock = clock
        self._begin = 0.0
        self._spent = 0.0
        self._seen: dict[str, int] = {}
        self._held = Amount()
        self._reading = asyncio.Lock()
        self._readings = 0
        self._ended = self._read_after = 0
        self.loop = asyncio.get_running_loop()
        self.waiting: list[asyncio.Future[None]] = []

    @property
    def idle(self) -> bool:
        """Whether no call that costs something is under way in this process."""
        return self._held.calls == 0

    def hold(self, wanted: Amount, sign: int = 1) -> None:
        """Hold what a call is expected to cost; with `sign` -1 the call has ended, and is on record."""
        if wanted.cost != 0:
            self._held.add(wanted, sign)
            self._ended += sign < 0

    async def read(self, wanted: Amount) -> None:
        """Look at what was spent today, if a call that is expected to take `wanted` costs anything.

        Calls that ask for it at the same time share one reading. It is repeated if a call ended meanwhile, which is no
        longer held, and may not have been seen.
        """
        before = self._readings
        if wanted.cost == 0:
            return
        async with self._reading:
            while self._readings == before or self._read_after != self._ended:
                self._readings += 1
                self._read_after = self._ended
                await in_thread(self._add_up, name="adding up the day")

    def refusal(self, wanted: Amount) -> Refusal | None:
        """Why such a call does not fit today, by what was last read; None if it does, or costs nothing."""
        if wanted.cost == 0:
            return None
        if wanted.cost is None:
            return Refusal(DAY, f"day limit reached (${self._most:g}; the price of the next call is unknown)")
        if self._spent + (self._held.cost or 0.0) + wanted.cost <= self._most:
            return None
        spent = f"${self._spent:.4f} of ${self._most:g} spent today in this workspace"
        return Refusal(DAY, f"day limit reached ({spent}; the next call may cost ${wanted.cost:.4f})", wanted.cost)

    def _add_up(self) -> None:
        begin = begin_of_day(self._clock.now())
        if begin != self._begin:
            self._begin, self._spent, self._seen = begin, 0.0, {}
        for _, call in self._store.answered(begin, self._seen):
            self._spent += (call.usage or {}).get("cost") or 0.0
