"""Two chains side by side, each slow where the other is quick, and a join. Seconds; no run can take less than 0.55."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from measure import least, tell

from aloma_cli import Step, Workspace, run


def step(name: str, condition: dict[str, Any], seconds: float) -> Step:
    async def content(data: dict[str, Any]) -> None:
        await asyncio.sleep(seconds)
        data[name] = True

    return Step(name, {**condition, name: None}, content)


STEPS = [
    step("a", {}, 0),
    step("b1", {"a": True}, 0.05),
    step("b2", {"b1": True}, 0.5),
    step("c1", {"a": True}, 0.5),
    step("c2", {"c1": True}, 0.05),
    step("d", {"b2": True, "c2": True}, 0),
]


def work() -> None:
    assert run(Workspace(STEPS), "diamond", {}).data["d"]


if __name__ == "__main__":
    tell(least(work, repeats=3))
