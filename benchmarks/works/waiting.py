"""A task that waits for a person, on disk with fsync.

waiting.py [park | resume | blocks | bytes]: milliseconds to create one and let it rest, and to answer it; KB of
blocks, and bytes beyond its document, that one takes at rest.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from measure import tell

from aloma_cli import Step, Workspace, run

TASKS = 40


async def content(data: dict[str, Any], task: Any) -> None:
    task.ask(f"May {data['name']} pass?", into="approved", schema=bool)


GATE = Step("gate", {"name": str, "approved": None}, content)


def main() -> None:
    what = sys.argv[1] if len(sys.argv) > 1 else "park"
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace([GATE], folder=folder)
        run(workspace, "gate", {"name": "Ada"})  # imports what all others use
        times = []
        for _ in range(TASKS):
            started = time.perf_counter()
            task = run(workspace, "gate", {"name": "Ada"})
            times.append(time.perf_counter() - started)
        assert task.state == "question"
        if what == "resume":
            times = []
            for waiting in workspace.tasks():
                started = time.perf_counter()
                asyncio.run(workspace.answer(waiting.id, value=True))
                times.append(time.perf_counter() - started)
        files = [path for path in Path(folder).rglob("*") if task.id in path.parts]
        if what in ("park", "resume"):
            tell(min(times) * 1e3)
        elif what == "blocks":
            tell(sum(path.lstat().st_blocks for path in files) / 2)
        elif what == "bytes":
            size = sum(path.stat().st_size for path in files if path.is_file())
            tell(size - len(json.dumps(task.data, separators=(",", ":"))))


if __name__ == "__main__":
    main()
