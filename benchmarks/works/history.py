"""A task of N commits, on disk.

history.py [N] [flat | resume | show | last | log | memory]: `flat`: what a firing costs at the end, over the beginning.
`memory`: the most megabytes of a process that prints the whole log. The others: seconds of processor time of the whole
command, on a task that is made again when the package has changed.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parents[1]
sys.path.insert(0, str(HERE))

from measure import number, spent_by_children, tell
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
    "memory": ["task", "log", "@last"],
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


def make(folder: Path, commits: int, marks: list[float]) -> None:
    """Run the task in a new workspace."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "steps").mkdir(parents=True)
    for at in range(200):
        text = STEPS.replace("NAME", str(at)).replace("N}", f"{commits}}}")
        (folder / "steps" / f"step{at}.py").write_text(text, encoding="utf-8")
    workspace = in_folder(long(commits, marks), f"{folder}/.aloma", fsync=False)
    assert run(workspace, "long", {"turn": 0, "count": 0}).data["count"] == commits


def kept(commits: int) -> Path:
    """The workspace with the task, as this version of the package makes it."""
    folder, package = HERE / ".many" / f"history-{commits}", HERE.parent / "aloma_cli"
    made = folder / "made"
    if not made.exists() or made.stat().st_mtime < max(path.stat().st_mtime for path in package.rglob("*.py")):
        make(folder, commits, [])
        made.touch()
    return folder


def main() -> None:
    commits, what = number(1, 20_000), sys.argv[2] if len(sys.argv) > 2 else "flat"
    if what == "flat":
        marks: list[float] = []
        with tempfile.TemporaryDirectory() as folder:
            make(Path(folder), commits, marks)
        tell((marks[3] - marks[2]) / (marks[1] - marks[0]))
        return
    command = [sys.executable, "-m", "aloma_cli", *COMMANDS[what], "-w", str(kept(commits))]
    before = spent_by_children()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    used = spent_by_children() - before
    tell(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024 if what == "memory" else used)


if __name__ == "__main__":
    main()
