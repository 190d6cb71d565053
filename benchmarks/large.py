"""What a large document costs: run `python benchmarks/large.py [MEGABYTES]` (50 where nothing is said).

Every command is run on a small document and on a large one of the same build, in a process of its own; shown are its
seconds of processor time and the most memory it held. `records`: many records of 1 KB. `text`: one string.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

SMALL = 50_000
"""Bytes of the small document."""

FIRINGS = 10

STEPS = {
    "once": 'condition = {"go": True, "seen": None}\n\nasync def content(data):\n    data["seen"] = 1\n',
    "count": f'condition = {{"count": {{"$lt": {FIRINGS}}}}}\n\n'
    'async def content(data, step):\n    data["count"] += 1\n    step.redo()\n',
    "wait": 'import asyncio\ncondition = {"hold": True}\n\n'
    'async def content(data):\n    open("begun", "w").close()\n    await asyncio.sleep(600)\n    data["held"] = True\n',
}


class Spent(NamedTuple):
    """What a command took: seconds of processor time, and MB held at most."""

    seconds: float
    megabytes: float

    def __str__(self) -> str:
        return f"{self.seconds:7.2f} s {self.megabytes:6.0f} MB"


# -- what is run -------------------------------------------------------------------------------------------------------


def records(size: int) -> Iterator[str]:
    """The JSON of a list of records of about 1 KB, in pieces: the memory of this process counts as its children's."""
    record = {"title": "t" * 60, "text": "x" * 800, "scores": [1, 2.5, 3], "meta": {"source": "web", "seen": True}}
    yield '{"records": ['
    for number in range(size // 1000):
        yield json.dumps({"id": number, **record}) + ","
    yield "{}]"


def text(size: int) -> Iterator[str]:
    """The JSON of one string."""
    yield '{"text": "'
    for _ in range(size // 1000):
        yield "x" * 1000
    yield '"'


def commands(root: Path) -> Iterator[tuple[str, Callable[[], Spent]]]:
    """What is measured, by name, in this order; each finds the task of the one before."""
    yield "task new -d @file", lambda: spend(root, "task", "new", "A", "-d", "@once.json")
    yield "task new -f file", lambda: spend(root, "task", "new", "A", "-f", "once.json")
    yield "task new -d -", lambda: spend(root, "task", "new", "A", "-d", "-", stdin=root / "once.json")
    yield "task show", lambda: spend(root, "task", "show")
    yield "task show --data", lambda: spend(root, "task", "show", "--data")
    yield "task show --json", lambda: spend(root, "task", "show", "--json")
    yield "task list", lambda: spend(root, "task", "list")
    yield "task list --all", lambda: spend(root, "task", "list", "--all")
    yield "task log", lambda: spend(root, "task", "log")
    yield "task log --changes", lambda: spend(root, "task", "log", "--changes")
    yield "task clone", lambda: spend(root, "task", "clone", "@last", "--set", "seen=null")
    yield "task set", lambda: spend(root, "task", "set", "@last", "more=1")
    yield f"{FIRINGS} firings", lambda: spend(root, "task", "new", "A", "-f", "count.json")
    yield "resume after a kill", lambda: resume(root)


def spend(root: Path, *arguments: str, stdin: Path | None = None) -> Spent:
    """Run a command; it must succeed."""
    streams = (stdin or Path(os.devnull)).open("rb"), (root / "out").open("wb"), (root / "err").open("wb")
    with streams[0] as given, streams[1] as out, streams[2] as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "aloma_cli", *arguments], cwd=root, stdin=given, stdout=out, stderr=err
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, (root / "err").read_text()
    per_megabyte = 1e6 if sys.platform == "darwin" else 1e3
    return Spent(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / per_megabyte)


def resume(root: Path) -> Spent:
    """Kill a task while its step runs, and resume it; only the resumed run is counted."""
    command = [sys.executable, "-m", "aloma_cli", "task", "new", "A", "-f", "hold.json", "--quiet"]
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL)
    while not (root / "begun").exists():
        time.sleep(0.05)
    process.kill()
    process.wait()
    (root / "steps" / "wait.py").write_text(STEPS["wait"].replace("600", "0"))
    return spend(root, "task", "resume", "@last")


# -- how it is shown ---------------------------------------------------------------------------------------------------


def measure(make: Callable[[int], Iterator[str]], size: int) -> dict[str, Spent]:
    """What each command took on a document of so many bytes."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "steps").mkdir()
        for name, source in STEPS.items():
            (root / "steps" / f"{name}.py").write_text(source)
        for name, more in {"once": {"go": True}, "count": {"count": 0}, "hold": {"hold": True}}.items():
            with (root / f"{name}.json").open("w") as file:
                file.writelines(make(size))
                file.write("," + json.dumps(more)[1:])
        return {name: command() for name, command in commands(root)}


def main() -> None:
    megabytes = float(sys.argv[1]) if len(sys.argv) > 1 else 50.0
    for make in (records, text):
        small, large = measure(make, SMALL), measure(make, int(megabytes * 1e6))
        print(f"\n{make.__name__:20} {SMALL // 1000:>15} KB {megabytes:>16g} MB")
        for name, spent in small.items():
            print(f"{name:20} {spent}   {large[name]}")


if __name__ == "__main__":
    main()
