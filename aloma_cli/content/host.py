"""How a firing that runs tells what happens to it."""

from __future__ import annotations

from typing import Protocol

from aloma_cli.budget import Amount
from aloma_cli.connectors.base import Function
from aloma_cli.jsontext import JsonObject
from aloma_cli.record.events import AnEvent, Event


class Recorder(Protocol):
    """Takes events of running firings, on the thread of the event loop."""

    def note(self, event: Event) -> None:
        """Write an event soon."""

    async def keep(self, event: AnEvent) -> AnEvent:
        """Write an event and give it, as it is recorded, when it is durable."""


class Gate(Protocol):
    """What every call passes, so that a tree does not spend more than it may."""

    async def enter(self, function: Function, step: str, arguments: JsonObject) -> Amount:
        """Reserve what the call is expected to take, and return that; waits for room. Raises StepLimited."""

    def leave(self, held: Amount) -> None:
        """Release what was reserved: the call has ended, and what it took is recorded."""
