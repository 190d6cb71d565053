"""The one door through which a running firing reaches the program that runs it."""

from __future__ import annotations

from typing import Protocol

from aloma_cli.budget import Amount
from aloma_cli.clock import Clock
from aloma_cli.connectors.base import Function
from aloma_cli.jsontext import JsonObject
from aloma_cli.record.events import AnEvent, Event


class Host(Protocol):
    """All that a firing may ask for while it runs; used on the thread of the event loop."""

    @property
    def clock(self) -> Clock:
        """The time on record."""

    def note(self, event: Event) -> None:
        """Write an event soon."""

    async def keep(self, event: AnEvent) -> AnEvent:
        """Write an event, and give it as it is recorded once it is durable."""

    async def enter(self, function: Function, step: str, arguments: JsonObject) -> Amount:
        """Reserve what a call is expected to take, and give that; waits for room. Raises StepLimited."""

    def leave(self, held: Amount) -> None:
        """Release what was reserved: the call has ended, and what it took is recorded."""

    def figures(self, task: str) -> JsonObject:
        """What `task.figures()` gives."""
