"""A client that is made when it is first needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import asyncio

Client = TypeVar("Client")


class Lazily(Generic[Client]):
    """Made once, at the first `get`, in a thread: importing its library would hold up the loop for half a second."""

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
