"""The trigger `cron`: a task at each tick of a schedule."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import Any

from aloma_cli.clock import from_iso, to_iso
from aloma_cli.errors import AlomaError, ConfigError
from aloma_cli.extras import extra
from aloma_cli.triggers.event import TriggerEvent
from aloma_cli.triggers.trigger import Trigger

LATE = 60.0
"""Seconds after which a tick counts as missed."""

_LOOK = 30.0
"""Seconds after which the clock is looked at again, because the clock may be set, and a laptop may sleep."""

_HOUR, _DAY = 3600, 86_400
_WINDOWS = (_HOUR, _DAY, 32 * _DAY, 370 * _DAY, 8 * 366 * _DAY)
"""How far back the last tick is searched, in steps, so that a dense schedule is not listed for a year."""


class Cron:
    """Raises ConfigError for an invalid schedule or time zone."""

    def __init__(self, trigger: Trigger) -> None:
        with extra("triggers", "cron", ConfigError):
            from cronsim import CronSim, CronSimError
        self.trigger = trigger
        self._said = trigger.config.said
        self._zone = _zone(trigger)
        self._ticks: Any = CronSim
        try:
            self.next(trigger.home.clock.now())
        except (CronSimError, StopIteration) as error:
            problem = f"is not a valid schedule: {str(error) or 'it never fires'}"
            hint = "write minute, hour, day, month and weekday, such as `30 7 * * 1-5`"
            raise trigger.config.setting("at").error(problem, hint=hint) from None

    def next(self, after: float) -> float:
        """The first tick after a moment; both in seconds since 1970."""
        return next(tick for tick in self._after(after) if tick > after)

    def latest(self, now: float) -> float | None:
        """The last tick up to `now`; None if there is none in eight years."""
        for window in _WINDOWS:
            found = None
            for tick in self._after(now - window):
                if tick > now:
                    break
                found = tick
            if found is not None:
                return found
        return None

    def look(self) -> None:
        """Make the task of the last tick, if it has not been made. Earlier ticks that were missed make none."""
        now, noted = self.trigger.home.clock.now(), self.trigger.read().get("until")
        if noted is None:
            self.trigger.note(until=to_iso(now))
            return
        tick = self.latest(now)
        if tick is None or tick <= from_iso(noted):
            return
        missed = now - tick > LATE
        if not (missed and self._said.get("missed") == "skip"):
            self.trigger.offer(self.event(tick, missed=missed))
        self.trigger.note(until=to_iso(tick))

    def event(self, tick: float, *, missed: bool = False) -> TriggerEvent:
        """The event of a tick."""
        local, at = datetime.fromtimestamp(tick, self._zone), to_iso(tick)
        body = {
            "at": at,
            "local": local.isoformat(),
            "date": f"{local:%Y-%m-%d}",
            "time": f"{local:%H:%M}",
            "timezone": str(self._zone),
            "missed": missed,
        }
        return TriggerEvent(body, at, {"tick": at, **({"missed": True} if missed else {})})

    def example(self) -> TriggerEvent:
        """The event of the next tick."""
        return self.event(self.next(self.trigger.home.clock.now()))

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                self.look()
            except AlomaError as error:
                self.trigger.failed(error)
            now = self.trigger.home.clock.now()
            await asyncio.sleep(min(_LOOK, max(0.01, self.next(now) - now)))

    def _after(self, moment: float) -> Iterator[float]:
        schedule = self._ticks(self._said["at"], datetime.fromtimestamp(moment, self._zone))
        return (tick.timestamp() for tick in schedule)


def _zone(trigger: Trigger) -> tzinfo:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    name = trigger.config.said.get("timezone")
    if name is None:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        problem = f"is {name!r}, which is not a known time zone"
        raise trigger.config.setting("timezone").error(problem, hint="use a name such as Europe/Berlin") from None
