"""How long a tree was worked at, told from its journal by `docs/format.md` alone."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from tests.store.foreign_reader import batches


def working(path: Path) -> float:
    """Seconds with firings running."""
    seconds, before = 0.0, None
    running: set[int] = set()
    for event in (event for batch in batches(path) for event in batch):
        at, kind = datetime.fromisoformat(event["at"]), event["event"]
        if running and before is not None and kind != "tree_opened":
            seconds += (at - before).total_seconds()
        before = at
        if kind == "firing_started":
            running.add(event["firing"])
        elif kind in ("committed", "firing_looked", "firing_failed", "firing_voided"):
            running.discard(event.get("firing", 0))
    return seconds
