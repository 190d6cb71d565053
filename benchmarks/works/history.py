"""A task of N commits, on disk.

history.py [N] [flat | resume | show | last | log]: `flat`: what a firing costs at the end, over the beginning. The
others: seconds of processor time of the whole command.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from measure import number, tell
from stores import workspace as in_folder

from aloma_cli import Step, run

STEPS = """
condition = {"turn": NAME, "count": {"$lt": N}}

async def content(data):
    data["count"] += 1
    data["turn"] = (data["turn"] + 1) % 200
"""

COMMANDS = {
    "resume": ["task", "resume", "@last", "-q"],
    "show": ["task", "show", "@last", "--json"],
    "last": ["task", "log", "@last", "--last", "50"],
    "log": ["task", "log", "@last"],
}


def long(commits: int, marks: list[float]) -> list[Step]:
    """Two hundred steps in turn, so that none of them fires more often than a step may."""

    def step(at: int) -> Step:
        async def content(data: dict[str, Any]) -> None:
            if data["count"] in (commits // 10, commits // 5, commits - commits // 10, commits - 1):
                marks.append(time.process_time())
            data["count"] += 1
            data["turn"] = (data["turn"] + 1) % 200

        return Step(f"step {at}", {"turn": at, "count": {"$lt": commits}}, content)

    return [step(at) for at in range(200)]


def main() -> None:
    commits, what = number(1, 20_000), sys.argv[2] if len(sys.argv) > 2 else "flat"
    marks: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "steps").mkdir()
        for at in range(200):
            text = STEPS.replace("NAME", str(at)).replace("N}", f"{commits}}}")
            (Path(folder) / "steps" / f"step{at}.py").write_text(text, encoding="utf-8")
        workspace = in_folder(long(commits, marks), f"{folder}/.aloma", fsync=False)
        assert run(workspace, "long", {"turn": 0, "count": 0}).data["count"] == commits
        if what == "flat":
            tell((marks[3] - marks[2]) / (marks[1] - marks[0]))
            return
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "aloma_cli", *COMMANDS[what], "-w", folder]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        tell(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


if __name__ == "__main__":
    main()
