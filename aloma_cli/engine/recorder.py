"""How a firing that runs tells what happens to it."""

from __future__ import annotations

from typing import Protocol

from aloma_cli.engine.scrubbing import AnEvent
from aloma_cli.events import Event


class Recorder(Protocol):
    """Takes events of running firings, on the thread of the event loop."""

    def note(self, event: Event) -> None:
        """Write an event soon."""

    async def keep(self, event: AnEvent) -> AnEvent:
        """Write an event and give it, as it is recorded, when it is durable."""
