"""The files and syncs of a task that waits for a person, without any engine. Milliseconds.

waiting.py [park | resume]: a new folder with a journal of a line, and a second line: four syncs; one more line, synced.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from measure import least, tell

TASKS = 40
LINE = b"x" * 449 + b"\n"


def sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def append(path: Path) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(file, LINE)
    os.fsync(file)
    os.close(file)


def park(folder: Path) -> None:
    folder.mkdir()
    append(folder / "new")
    (folder / "new").replace(folder / "journal")
    sync(folder)
    sync(folder.parent)
    append(folder / "journal")


def main() -> None:
    what = sys.argv[1] if len(sys.argv) > 1 else "park"
    with tempfile.TemporaryDirectory() as root:
        folders = iter([Path(root) / str(number) for number in range(TASKS + 1)])
        first = next(folders)
        park(first)
        work = (lambda: park(next(folders))) if what == "park" else (lambda: append(first / "journal"))
        tell(least(work, repeats=TASKS) * 1e3)


if __name__ == "__main__":
    main()
