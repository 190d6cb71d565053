"""What a firing costs, in operations: it grows with neither the steps nor the document nor the history."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aloma_cli.content.step import Step
from aloma_cli.document import changes
from aloma_cli.document.tracked import TrackedDict
from aloma_cli.engine.plan import Plan
from tests.engine.costs import WORKS
from tests.support.stage import Stage
from tests.support.steps import does, step


def states(count: int) -> list[Step]:
    """Steps that wait for values of one field; the first two wake each other."""

    def moves(at: int) -> Callable[[dict[str, Any]], None]:
        return lambda data: data.update(stage=1 - at)

    return [step(f"state {at}", {"stage": at}, does(moves(at))) for at in range(count)]


def flags(count: int) -> list[Step]:
    """A chain: each step sets the flag that wakes the next."""

    def sets(at: int) -> Callable[[dict[str, Any]], None]:
        return lambda data: data.update({f"f{at + 1}": True})

    return [step(f"link {at}", {f"f{at}": True, f"f{at + 1}": None}, does(sets(at))) for at in range(count)]


def test_a_large_document_is_copied_once_and_not_for_each_firing(monkeypatch: pytest.MonkeyPatch) -> None:
    copies: list[int] = []
    begin = TrackedDict.__init__

    def counted(self: TrackedDict, base: dict[str, Any], *more: Any) -> None:
        copies.append(len(base))
        begin(self, base, *more)

    monkeypatch.setattr(TrackedDict, "__init__", counted)
    stage = Stage(states(2), {"stage": 0, **{f"field {at}": {"at": at} for at in range(1000)}})
    document = stage.data
    for _ in range(5):
        stage.end(*stage.names)
    assert stage.data is document
    assert copies == [1001]


@pytest.mark.parametrize(
    ("steps", "data", "judged"), [(states, {"stage": 0}, 2), (flags, {"f0": True}, 2)], ids=["states", "chain"]
)
def test_a_commit_judges_as_many_conditions_however_many_steps_there_are(
    steps: Callable[[int], list[Step]], data: dict[str, Any], judged: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = Plan.judged
    seen: list[int] = []

    def counted(self: Plan, *arguments: Any) -> tuple[list[tuple[str, bool]], set[str]]:
        found = judge(self, *arguments)
        seen.append(len(found[0]))
        return found

    monkeypatch.setattr(Plan, "judged", counted)
    for size in (10, 300):
        stage = Stage(steps(size), data)
        for _ in range(5):
            stage.end(*stage.names)
    assert seen == [judged] * 10


def test_of_many_subtasks_that_land_in_one_object_none_copies_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def out(task: Any) -> None:
        for at in range(50):
            task.subtask(f"child {at}", {"n": at}, into=f"results.c{at}")

    copies: list[int] = []
    own = changes._Edit._own

    def counted(edit: changes._Edit, container: Any) -> Any:
        copy = own(edit, container)
        copies.append(0 if copy is container else len(copy))
        return copy

    steps = [
        step("out", {"root": True}, out),
        step("work", {"n": int, "done": None}, does(lambda data: data.update(done=True))),
    ]
    stage = Stage(steps, {"root": True})
    stage.end("out")
    monkeypatch.setattr(changes._Edit, "_own", counted)
    stage.end_all()
    assert len(stage.data["results"]) == 50
    assert sum(copies) < 100, "each object is copied once"


MOST = {"chain": 3730, "states": 4020, "conditions": 4020, "document": 4160, "history": 4490}
"""Instructions of a firing on Python 3.11, with a margin of 5 %. Other versions have other instructions."""


@pytest.mark.parametrize("work", WORKS)
def test_a_firing_takes_as_many_instructions_and_bytes_however_large_the_work_is(work: str) -> None:
    small, large = (measured(work, size) for size in (30, 600))
    assert large[0] <= 1.3 * small[0], "instructions"
    assert sys.version_info[:2] != (3, 11) or large[0] <= MOST[work], "instructions"
    assert large[1] <= small[1] + 1024, "bytes"


def measured(work: str, size: int) -> tuple[float, ...]:
    """The instructions and the bytes of a firing."""
    command = [sys.executable, "-m", "tests.engine.costs", work, str(size)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    return tuple(map(float, done.stdout.split()))
