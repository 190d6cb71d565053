"""Render docs/live.svg: the live view in the middle of a real run of examples/research.json.

    .venv/bin/python -m tools.picture

The run takes about six seconds, needs no key, and leaves nothing behind: it happens in a copy of the workspace.
"""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator
from pathlib import Path

from aloma_cli.view.svg import Cell, Sheet, drawn, text_of

REPOSITORY = Path(__file__).parents[1]
PICTURE = REPOSITORY / "docs/live.svg"
COMMAND = (
    *("task", "new", "Multi-Agent Research Project"),
    *("-f", "examples/research.json", "--offline", "--responses", "examples/four-domains"),
)
PROMPT = (
    '$ aloma task new "Multi-Agent Research Project" -f examples/research.json \\',
    "      --offline --responses examples/four-domains",
)
WIDTH, HEIGHT = 106, 40
WORTH_SHOWING = re.compile(r"(?s)✓ research/agent.*2 running")

LABEL = "The live view of a task: agents that have fired, and a tree of those that run"


def main() -> int:
    rows = next((rows for rows in _moments() if rows), None)
    if rows is None:
        print("the run had no moment with two agents done and two running", file=sys.stderr)
        return 1
    PICTURE.write_text(drawn(rows, LABEL, PROMPT), encoding="utf-8")
    print(f"{PICTURE.relative_to(REPOSITORY)}: {PICTURE.stat().st_size:,} bytes")
    return 0


def _moments() -> Iterator[list[list[Cell]]]:
    """What the screen shows at each moment that is worth a picture."""
    screen = Sheet()
    for text in _played():
        screen.write(text)
        if WORTH_SHOWING.search(screen.text()):
            yield [row for row in screen.rows if not text_of(row).startswith("aloma: ")]


def _played() -> Iterator[str]:
    """What the command writes to a terminal, frame by frame."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("steps", "libraries", "examples"):
            shutil.copytree(REPOSITORY / name, Path(folder, name))
        yield from _at_terminal(Path(folder))


def _at_terminal(folder: Path) -> Iterator[str]:
    master, slave = pty.openpty()
    termios.tcsetwinsize(master, (HEIGHT, WIDTH))
    environ = {**os.environ, "TERM": "xterm-256color", "CI": ""}
    command = [sys.executable, "-m", "aloma_cli", *COMMAND]
    with subprocess.Popen(command, cwd=folder, env=environ, stdin=slave, stdout=slave, stderr=slave):
        os.close(slave)
        try:
            while piece := os.read(master, 65536):
                yield piece.decode(errors="replace")
        except OSError:  # how Linux tells that the other side is closed
            return


if __name__ == "__main__":
    sys.exit(main())
