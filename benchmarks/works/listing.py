"""The first page of `aloma task list` at a terminal, as a whole process, among very many tasks.

Milliseconds of processor time. The first of several runs makes the index of states.

listing.py [TASKS] [OPTION ...]. The tasks share the files of one, because only their names and sizes count here.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from measure import at_terminal, least, number, spent_by_children, tell

from aloma_cli import Step, Workspace, run
from aloma_cli.ids import new_task_id

KEPT = Path(__file__).parents[1] / ".many"
"""Where the tasks are kept, because to make them takes a minute."""

LINKS = 30_000
"""How many names a file may have; file systems allow some 65,000."""


def fill(tasks: Path, count: int) -> None:
    """Make so many tasks of one, a second apart."""
    [source] = tasks.iterdir()
    began, names = time.time() - count, [path.name for path in source.iterdir() if path.is_file()]
    for at in range(1, count):
        folder = tasks / new_task_id(began + at)
        folder.mkdir()
        for name in names:
            if at % LINKS:
                os.link(source / name, folder / name)
            else:
                shutil.copy(source / name, folder / name)
        source = source if at % LINKS else folder


def main() -> None:
    count = number(1, 100_000)
    folder = KEPT / str(count)
    if not folder.exists():
        (folder / "steps").mkdir(parents=True)
        run(Workspace([Step("square", {"n": int, "square": None}, square)], folder=folder), "Square", {"n": 3})
        fill(folder / ".aloma" / "tasks", count)
    command = [sys.executable, "-m", "aloma_cli", "task", "list", "-w", str(folder), *sys.argv[2:]]
    tell(least(lambda: at_terminal(command), repeats=9, clock=spent_by_children) * 1e3)


def square(data: dict[str, int]) -> None:
    data["square"] = data["n"] ** 2


if __name__ == "__main__":
    main()
