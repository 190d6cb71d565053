"""A value that is made at its first use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

Client = TypeVar("Client")


class Lazily(Generic[Client]):
    """Made once, at the first `get`, in a thread, because importing its library would block the loop for 0.5 s."""

    def __init__(self, make: Callable[[], Client]) -> None:
        self._make = make
        self._making = asyncio.Lock()
        self.made: Client | None = None

    async def get(self) -> Client:
        async with self._making:
            if self.made is None:
                self.made = await asyncio.to_thread(self._make)
            return self.made
