"""The least a chain can cost in Python: a coroutine a step, a dict that notes what is written, a JSON record a step.

chain.py [N] [memory | unsynced | durable]; microseconds a step.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from measure import least, number, processor, tell


class Noting(dict[str, Any]):
    """A dict that notes the keys written."""

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__(fields)
        self.written: list[str] = []

    def __setitem__(self, key: str, value: Any) -> None:
        self.written.append(key)
        super().__setitem__(key, value)


def link(at: int) -> Callable[[Noting], Awaitable[None]]:
    async def content(data: Noting) -> None:
        data[f"f{at + 1}"] = True

    return content


async def chain(steps: list[Callable[[Noting], Awaitable[None]]], keep: Callable[[str], object]) -> None:
    data = Noting({"f0": True})
    for at, step in enumerate(steps):
        await step(data)
        written, data.written = data.written, []
        keep(json.dumps({"step": at, "set": {key: data[key] for key in written}}))


def main() -> None:
    length, where = number(1, 1000), sys.argv[2] if len(sys.argv) > 2 else "memory"
    steps = [link(at) for at in range(length)]
    with tempfile.TemporaryFile("wb", buffering=0) as file:

        def written(line: str) -> None:
            file.write(line.encode() + b"\n")
            if where == "durable":
                os.fsync(file.fileno())

        def work() -> None:
            record: list[str] = []
            asyncio.run(chain(steps, record.append if where == "memory" else written))

        measure = least if where == "durable" else processor
        tell(measure(work) / length * 1e6)


if __name__ == "__main__":
    main()
