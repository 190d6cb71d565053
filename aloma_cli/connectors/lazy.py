"""A value that is made at its first use."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Generic, TypeVar

from aloma_cli.threads import in_thread

Client = TypeVar("Client")
Result = TypeVar("Result")


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


async def with_library(work: Callable[[], Result], name: str, *, long: bool = False) -> Result:
    """What `work` gives, which needs `jsonschema`; in a thread if that is to be imported first, or if it is `long`."""
    if "jsonschema" in sys.modules and not long:
        return work()
    return await in_thread(work, name=name)
