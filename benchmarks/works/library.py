"""One task from Python, in memory: opened, run and closed. Milliseconds of processor time; it never waits."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from measure import processor, tell

from aloma_cli import Step, Workspace, run


async def content(data: dict[str, Any]) -> None:
    data["square"] = data["n"] ** 2


def work() -> None:
    assert run(Workspace([Step("square", {"n": int, "square": None}, content)]), "t", {"n": 3}).state == "done"


if __name__ == "__main__":
    work()
    tell(processor(work, repeats=100) * 1e3)
