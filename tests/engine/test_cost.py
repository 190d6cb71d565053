"""What a firing costs, in operations: it does not grow with the number of steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aloma_cli.content.step import Step
from aloma_cli.document.tracked import TrackedDict
from aloma_cli.engine.plan import Plan
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
