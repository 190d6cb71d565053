"""A value that is made at its first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import asyncio

Client = TypeVar("Client")


class Lazily(Generic[Client]):
    """Made once, at the first `get`, in a thread, because importing its library would block the loop for 0.5 s."""

    def __init__(self, make: Callable[[], Client]) -> None:
        self._make = make
        self._making: asyncio.Lock | None = None
        self.made: Client | None = None

    async def get(self) -> Client:
        if self.made is None:
            self.made = await self._first()
        return self.made

    async def _first(self) -> Client:
        import asyncio

        self._making = self._making or asyncio.Lock()
        async with self._making:
            if self.made is None:
                return await asyncio.to_thread(self._make)
            return self.made
