"""A chain: each of N steps sets the flag that wakes the next one. Microseconds a firing.

chain.py [N] [memory | unsynced | durable]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from measure import least, number, processor, tell
from stores import workspace as in_folder

from aloma_cli import Step, Workspace, run


def link(at: int) -> Step:
    async def content(data: dict[str, Any]) -> None:
        data[f"f{at + 1}"] = True

    return Step(f"link {at}", {f"f{at}": True, f"f{at + 1}": None}, content)


def main() -> None:
    length, where = number(1, 1000), sys.argv[2] if len(sys.argv) > 2 else "memory"
    steps = [link(at) for at in range(length)]
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(steps) if where == "memory" else in_folder(steps, folder, fsync=where == "durable")

        def work() -> None:
            assert run(workspace, "chain", {"f0": True}).state == "done"

        measure = least if where == "durable" else processor
        tell(measure(work, repeats=2 if length > 1000 else 5) / length * 1e6)


if __name__ == "__main__":
    main()
