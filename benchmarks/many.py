"""What a workspace with very many tasks costs: run `python benchmarks/many.py [TASKS]`.

Every command is a process of its own, as people and scripts start it; each figure is the median of several runs, beside
the same command in a workspace that holds a single task.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from aloma_cli import Step, Workspace
from aloma_cli import run as run_task
from aloma_cli.api.task import Task
from aloma_cli.ids import new_task_id
from aloma_cli.store.files.disk import FileStore

RUNS = 7
TASKS = 10_000

GATE = """
condition = {"name": str, "approved": None}

async def content(data, task):
    task.ask(f"May {data['name']} pass?", into="approved")
"""


# -- the workspaces ----------------------------------------------------------------------------------------------------


def workspace(folder: Path, tasks: int) -> list[str]:
    """Make a workspace with so many tasks, all of which ask something; gives their ids, oldest first."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "steps").mkdir(parents=True)
    (folder / "steps" / "gate.py").write_text(GATE, encoding="utf-8")
    asking = _asking_task()
    store = FileStore(folder / ".aloma", fsync=False)
    began = time.time() - tasks
    return [_copy(asking, new_task_id(began + number), store) for number in range(tasks)]


def _asking_task() -> Task:
    async def content(data: dict[str, Any], task: Any) -> None:
        task.ask(f"May {data['name']} pass?", into="approved")

    task = run_task(Workspace([Step("gate", {"name": str, "approved": None}, content)]), "A task", {"name": "Ada"})
    assert task.state == "question"
    return task


def _copy(task: Task, root: str, store: FileStore) -> str:
    """The same task under another id."""
    claim = store.create(root, [replace(event, task=root) for event in task.tree_journal])
    questions = [{**asked, "task": root} for asked in task.record["questions"]]
    claim.publish({**task.record, "id": root, "questions": questions}, task.data)
    claim.close()
    return root


# -- how it is measured ------------------------------------------------------------------------------------------------

Arguments = Callable[[str], list[str]]
"""The arguments of a command about the task whose id it is given."""

COMMANDS: dict[str, Arguments] = {
    "task list": lambda _: ["task", "list"],
    "task list, at a terminal": lambda _: ["task", "list"],
    "task list --state error": lambda _: ["task", "list", "--state", "error"],
    "task show @last": lambda _: ["task", "show", "@last"],
    "task show @last --json": lambda _: ["task", "show", "@last", "--json"],
    "task show ID": lambda root: ["task", "show", root],
    "task show PREFIX": lambda root: ["task", "show", root[:-1]],
    "task new": lambda _: ["task", "new", "A task", "-d", '{"name": "Bob"}', "-q"],
    "task answer ID": lambda root: ["task", "answer", root, "true", "-q"],
    "task resume ID": lambda root: ["task", "resume", root, "-q"],
}


def seconds(folder: Path, command: str, roots: Iterator[str]) -> float:
    """The median time of a command, which is about another task each time."""
    times = []
    for _ in range(RUNS):
        arguments = COMMANDS[command](next(roots))
        started = time.perf_counter()
        _start(folder, arguments, at_terminal=command.endswith("terminal"))
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def _start(folder: Path, arguments: list[str], *, at_terminal: bool) -> None:
    command = [sys.executable, "-m", "aloma_cli", *arguments]
    if at_terminal:
        command = ["script", "-qec", " ".join(command), "/dev/null"]
    ended = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert ended.returncode in {0, 8}, ended.stderr.decode()


def main(tasks: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        small, full = Path(name, "small"), Path(name, "full")
        started = time.perf_counter()
        roots = workspace(full, tasks)
        print(f"{tasks:,} tasks made in {time.perf_counter() - started:.1f} s\n")
        print(f"{'milliseconds':28}{'1 task':>12}{f'{tasks:,} tasks':>16}")
        spread = iter(roots[:: max(1, tasks // (RUNS * len(COMMANDS)))])
        for command in COMMANDS:
            few = seconds(small, command, _made_anew(small))
            many = seconds(full, command, spread)
            print(f"{command:28}{few * 1e3:12.0f}{many * 1e3:16.0f}")


def _made_anew(folder: Path) -> Iterator[str]:
    """The only task of a workspace that is made anew each time."""
    while True:
        yield workspace(folder, 1)[0]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else TASKS)
