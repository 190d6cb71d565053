"""A fan-out: N subtasks that wait 10 ms and return a dict, on disk, and a join. Seconds.

fan_out.py [N] [unsynced | durable] [seconds | kilobytes]: with `kilobytes`, the memory that a subtask adds.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from measure import least, number, tell
from stores import workspace as in_folder

from aloma_cli import Step, run


def fan(children: int) -> list[Step]:
    async def out(task: Any) -> None:
        for at in range(children):
            task.subtask(f"child {at}", {"n": at}, into=f"results.c{at}")

    async def work(data: dict[str, Any], task: Any) -> None:
        await asyncio.sleep(0.01)
        task.complete({"square": data["n"] ** 2})

    async def join(data: dict[str, Any]) -> None:
        data["joined"] = len(data["results"])

    return [
        Step("out", {"root": True}, out),
        Step("work", {"n": int}, work),
        Step("join", {"root": True, "$children": {"out": {"running": 0}}}, join),
    ]


def main() -> None:
    children, where = number(1, 1000), sys.argv[2] if len(sys.argv) > 2 else "unsynced"
    steps = fan(children)

    def work() -> None:
        with tempfile.TemporaryDirectory() as folder:
            task = run(in_folder(steps, folder, fsync=where == "durable"), "fan", {"root": True})
            assert task.data["joined"] == children

    if "kilobytes" in sys.argv:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        work()
        tell((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / children)
    else:
        tell(least(work, repeats=2 if children > 1000 else 4))


if __name__ == "__main__":
    main()
