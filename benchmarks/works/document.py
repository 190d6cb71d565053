"""A firing that changes one field of a document of so many KB. Microseconds a firing.

document.py [KILOBYTES] [memory | unsynced] [top | deep]: `deep`: the field is in a record in the middle.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from measure import number, tell
from stores import workspace as in_folder

from aloma_cli import Step, Workspace, run

FIRINGS = 3000


FIRINGS = 3000


def records(kilobytes: int) -> list[dict[str, Any]]:
    record = {"title": "t" * 60, "text": "x" * 800, "scores": [1, 2.5, 3], "meta": {"source": "web", "seen": True}}
    return [{**record, "meta": dict(record["meta"]), "id": at} for at in range(kilobytes)]  # type: ignore[call-overload]


def counting(deep: bool, times: list[float]) -> Step:
    """Counts to FIRINGS, and notes when it fires. So what it takes to read a large document is left out."""

    async def content(data: dict[str, Any], step: Any) -> None:
        times.append(time.process_time())
        if deep:
            data["records"][len(data["records"]) // 2]["seen"] = data["count"]
        data["count"] += 1
        step.redo()

    return Step("count", {"count": {"$lt": FIRINGS}}, content)


def main() -> None:
    kilobytes, where, deep = number(1, 10), "unsynced" in sys.argv, "deep" in sys.argv
    data = {"count": 0, "records": records(kilobytes)}
    with tempfile.TemporaryDirectory() as folder:

        def seconds() -> float:
            times: list[float] = []
            steps = [counting(deep, times)]
            run(in_folder(steps, folder, fsync=False) if where else Workspace(steps), "document", data)
            return times[-1] - times[0]

        tell(min(seconds() for _ in range(3)) / (FIRINGS - 1) * 1e6)


if __name__ == "__main__":
    main()
