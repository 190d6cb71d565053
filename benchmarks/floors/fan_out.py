"""The least a fan-out can cost: `asyncio.gather` over N coroutines that wait 10 ms and return a dict. Seconds."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from measure import least, number, tell


async def child(at: int) -> dict[str, int]:
    await asyncio.sleep(0.01)
    return {"square": at**2}


async def fan(children: int) -> None:
    assert len(await asyncio.gather(*map(child, range(children)))) == children


if __name__ == "__main__":
    tell(least(lambda: asyncio.run(fan(number(1, 1000)))))
