"""R conditions without an engine: a dict from each field to the rule that reads it. Microseconds a change."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from measure import number, processor, tell

CHANGES = 3000
RULES = number(1, 1000)
document: dict[str, Any] = {f"area{at}": {"kind": "area", "amount": at + 0.5, "status": "idle"} for at in range(RULES)}


def rule(at: int) -> Callable[[], bool]:
    area = document[f"area{at}"]
    return lambda: isinstance(area["amount"], float) and area["status"] == "go" and area.get("hold") is None


rules = {f"area{at}": rule(at) for at in range(RULES)}


def work() -> None:
    at = fired = 0
    for _ in range(CHANGES):
        name = f"area{at}"
        document[name]["status"] = "go"
        if rules[name]():
            fired += 1
            document[name]["status"] = "idle"
        at = (at + 7919) % RULES
    assert fired == CHANGES


if __name__ == "__main__":
    tell(processor(work) / CHANGES * 1e6)
