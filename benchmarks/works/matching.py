"""R conditions, of which each change wakes one. Microseconds a change, with its firing.

matching.py [R] [areas | states]: `areas`: each condition has fields of its own. `states`: all wait for values of one
field.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from measure import number, processor, tell

from aloma_cli import Step, Workspace, run

CHANGES = 300


def area(at: int, rules: int) -> Step:
    """Wakes the rule of another area; the areas follow one another with a stride, as in a shuffle."""
    following = (at + 7919) % rules

    async def content(data: dict[str, Any]) -> None:
        data[f"area{at}"]["status"] = "idle"
        data["changes"] += 1
        if data["changes"] < CHANGES:
            data[f"area{following}"]["status"] = "go"

    return Step(f"rule {at}", {f"area{at}": {"amount": float, "status": "go", "hold": None}}, content)


def state(at: int, rules: int) -> Step:
    following = (at + 7919) % rules

    async def content(data: dict[str, Any]) -> None:
        data["changes"] += 1
        data["stage"] = following if data["changes"] < CHANGES else -1

    return Step(f"state {at}", {"stage": at}, content)


def main() -> None:
    rules, shape = number(1, 1000), sys.argv[2] if len(sys.argv) > 2 else "areas"
    workspace = Workspace([(area if shape == "areas" else state)(at, rules) for at in range(rules)])
    fields = {f"area{at}": {"kind": "area", "amount": at + 0.5, "status": "idle"} for at in range(rules)}
    fields["area0"] = {**fields["area0"], "status": "go"}
    data: dict[str, Any] = {"changes": 0, **(fields if shape == "areas" else {"stage": 0})}
    started = {**data, "changes": CHANGES - 1}  # one firing: what a task costs beside its changes

    def seconds(document: dict[str, Any]) -> float:
        return processor(lambda: run(workspace, "matching", document), repeats=3)

    tell((seconds(data) - seconds(started)) / (CHANGES - 1) * 1e6)


if __name__ == "__main__":
    main()
