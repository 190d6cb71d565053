"""What a call under way may take, reserved within the limits of its tree."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from aloma_cli.budget import Amount
from aloma_cli.connectors.base import Function
from aloma_cli.content.host import Host
from aloma_cli.jsontext import JsonObject


class Reservation:
    """Held within its context. Entering waits until there is room, and raises StepLimited if there never will be."""

    def __init__(
        self, host: Host, function: Function, step: str, arguments: JsonObject, waits: Callable[[], None]
    ) -> None:
        """`waits` is called when there is no room yet."""
        self._waits = waits
        self._host = host
        self._function = function
        self._step = step
        self._arguments = arguments
        self._held: Amount | None = None

    async def __aenter__(self) -> Self:
        self._held = await self._host.enter(self._function, self._step, self._arguments, self._waits)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    async def renew(self) -> None:
        """Reserve again for another try, because what the previous one took is on record. Raises StepLimited."""
        self._leave()
        await self.__aenter__()

    def _leave(self) -> None:
        if self._held is not None:
            self._host.leave(self._held)
            self._held = None
