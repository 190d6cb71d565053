"""The only interface through which a running firing reaches the program that runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

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
        """Write an event, and return it as recorded once it is durable."""

    def later(self, seconds: float, action: Callable[[], None]) -> Callable[[], None]:
        """Call `action` after `seconds`, unless the returned function is called before."""

    async def enter(
        self, function: Function, step: str, arguments: JsonObject, waits: Callable[[], None] = lambda: None
    ) -> Amount:
        """Reserve the expected usage of a call, and return it. Raises StepLimited.

        `waits` is called each time before it waits for room within the limits.
        """

    def leave(self, held: Amount) -> None:
        """Release a reservation: the call has ended, and its usage is recorded."""

    def figures(self, task: str) -> JsonObject:
        """The result of `task.figures()`."""
