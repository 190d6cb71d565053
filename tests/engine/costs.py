"""What a firing costs, counted: the instructions that Python executes for it, and the bytes it holds at most.

    python -m tests.engine.costs chain 1000

runs a work of this size and prints the median of both over ten firings. It is a process of its own, because coverage
traces as well. A loop over all steps or all commits shows in the instructions, a copy of a whole document in the bytes.
"""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable, Iterable
from itertools import pairwise
from statistics import median
from types import FrameType
from typing import Any

from aloma_cli import Step, Workspace, run

FIRINGS = 10
"""Firings that are measured; more of one step would be watched for cycles."""

Data = dict[str, Any]


class Meter:
    """Counts from one firing to the next, between the `first` and the `last`."""

    def __init__(self, first: int, last: int) -> None:
        self.instructions: list[int] = []
        self.bytes: list[int] = []
        self._numbers = range(first, last + 1)
        self._fired = 0
        self._executed = 0

    def fires(self) -> None:
        """A step fires; its content calls this."""
        self._fired += 1
        if self._fired == self._numbers[0]:
            tracemalloc.start()
            self._trace_all()
        elif self._fired in self._numbers:
            self.instructions.append(self._executed)
            current, peak = tracemalloc.get_traced_memory()
            self.bytes.append(peak - current)
        if self._fired == self._numbers[-1]:
            sys.settrace(None)
            tracemalloc.stop()
        else:
            tracemalloc.reset_peak()
        self._executed = 0

    def _trace_all(self) -> None:
        """Trace the calls from here on, and those that are under way."""
        sys.settrace(self._trace)
        frame: FrameType | None = sys._getframe()
        while frame is not None:
            frame.f_trace, frame.f_trace_opcodes = self._trace, True
            frame = frame.f_back

    def _trace(self, frame: FrameType, event: str, argument: object) -> Any:
        frame.f_trace_opcodes = True
        self._executed += event == "opcode"
        return self._trace


def chain(size: int, meter: Meter) -> tuple[list[Step], Data]:
    """Each step sets the flag that wakes the next; only the last ones fire."""

    def sets(flag: str) -> Callable[[Data], Data]:
        return lambda _: {flag: True}

    flags = [f"f{at}" for at in range(size + 1)]
    steps = [_step(one, {one: True, other: None}, meter, sets(other)) for one, other in pairwise(flags)]
    return steps, {flags[-FIRINGS - 3]: True}


def states(size: int, meter: Meter) -> tuple[list[Step], Data]:
    """All steps wait for different values of one field."""
    steps = [
        _step(f"state {at}", {"stage": at}, meter, lambda data: {"stage": data["stage"] + 1}) for at in range(size)
    ]
    return steps, {"stage": size - FIRINGS - 2}


def conditions(size: int, meter: Meter) -> tuple[list[Step], Data]:
    """A few steps wake each other, and all others wait for other fields."""
    few = FIRINGS + 2
    return [
        *states(few, meter)[0],
        *(_step(f"rule {at}", {f"field {at}": {"$gte": at}}, meter) for at in range(size)),
    ], {"stage": 0}


def document(size: int, meter: Meter) -> tuple[list[Step], Data]:
    """A firing changes one field of a document of many."""
    steps, data = states(FIRINGS + 2, meter)
    return steps, {**data, **{f"field {at}": {"text": "x" * 100, "at": [at]} for at in range(size)}}


def history(size: int, meter: Meter) -> tuple[list[Step], Data]:
    """The firings after so many commits; two hundred steps take turns."""
    turns, last = 200, size + FIRINGS + 2

    def next_turn(data: Data) -> Data:
        count = data["count"] + 1
        return {"turn": count % turns, "count": count} if count < last else {}

    steps = [_step(f"turn {at}", {"turn": at}, meter, next_turn) for at in range(turns)]
    return steps, {"turn": 0, "count": 0}


WORKS: dict[str, Callable[[int, Meter], tuple[list[Step], Data]]] = {
    "chain": chain,
    "states": states,
    "conditions": conditions,
    "document": document,
    "history": history,
}


def _step(name: str, condition: Data, meter: Meter, change: Callable[[Data], Data] | None = None) -> Step:
    async def content(data: Data) -> None:
        meter.fires()
        if change is not None:
            data.update(change(data))

    return Step(name, condition, content)


def measured(name: str, size: int) -> tuple[float, float]:
    """The instructions and the bytes of a firing in a work of this size."""
    before = size if name == "history" else 0
    meter = Meter(before + 2, before + FIRINGS)
    steps, data = WORKS[name](size, meter)
    run(Workspace(steps), "measured", data)
    return median(meter.instructions), median(meter.bytes)


def main(arguments: Iterable[str]) -> None:
    name, size = arguments
    sys.stdout.write("{} {}\n".format(*measured(name, int(size))))


if __name__ == "__main__":
    main(sys.argv[1:])
