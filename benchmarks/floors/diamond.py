"""The diamond without an engine: two coroutines gathered. Seconds."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from measure import least, tell


async def side(*seconds: float) -> None:
    for wait in seconds:
        await asyncio.sleep(wait)


async def diamond() -> None:
    await asyncio.gather(side(0.05, 0.5), side(0.5, 0.05))


if __name__ == "__main__":
    tell(least(lambda: asyncio.run(diamond()), repeats=3))
