"""The arguments of the calls in a journal, read from `docs/format.md` alone: it imports nothing of aloma's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.store.foreign_reader import batches


def calls(path: Path) -> list[dict[str, Any]]:
    """Those of the answered calls, in order."""
    known: dict[tuple[int, int], dict[str, Any]] = {}
    answered = []
    for seq, events in enumerate(batches(path)):
        for number, event in enumerate(events):
            whole = known[seq, number] = dict(event.get("arguments") or {})
            for name, place in event.get("begins", {}).items():
                whole[name] = known[place["seq"], place["event"]][name][: place["items"]] + whole[name]
            if event["event"] == "call_answered":
                answered.append(whole)
    return answered
