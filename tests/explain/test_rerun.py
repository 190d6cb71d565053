"""A copy of a task runs again, and pays only for what has changed."""

from __future__ import annotations

from typing import Any

from aloma_cli import Step, Workspace, run
from aloma_cli.api.explaining import question
from aloma_cli.explain.ledger import Ledger
from aloma_cli.explain.replay.forecast import Forecast, forecast
from aloma_cli.explain.replay.reuse import KnownAnswers
from aloma_cli.record.events import CallAnswered
from aloma_cli.testing.replay import replayed
from tests.support.steps import step


class Market:
    """Counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def price(self, item: str) -> int:
        self.asked.append(item)
        return len(item) * 10


def asks(field: str, of: str, words: str = "") -> Step:
    """A step that asks the market about one field, and writes the answer to another."""

    async def content(data: Any, connectors: Any) -> None:
        data[field] = str(await connectors.market.price(f"{words}{data[of]}"))

    return step(f"ask {field}", {of: str, field: None}, content)


def market(*steps: Step) -> tuple[Workspace, Market]:
    shop = Market()
    return Workspace(steps, connectors={"market": shop}), shop


def foreseen(workspace: Workspace, task: str) -> Forecast:
    events = question(workspace, task).events
    return forecast(Ledger.of(events), workspace.steps, replayed(workspace, task))


def test_what_has_not_changed_is_neither_asked_nor_paid_again() -> None:
    workspace, shop = market(asks("a", "name"), asks("b", "a"))
    task = run(workspace, "t", {"name": "bolt"})
    assert shop.asked == ["bolt", "40"]
    assert foreseen(workspace, task.id) == Forecast(2, 0, 0.0, 0, 0.0, ())
    workspace.setup.intercept = KnownAnswers.of(task.id, task.tree_journal).intercept
    again = run(workspace, "t", {"name": "bolt"})
    assert shop.asked == ["bolt", "40"]
    assert again.data == task.data
    calls = [event for event in again.tree_journal if isinstance(event, CallAnswered)]
    assert [(call.about, call.usage) for call in calls] == [({"reused": task.id}, None)] * 2


def test_a_changed_call_is_asked_and_what_reads_its_answer_may_follow() -> None:
    workspace, shop = market(asks("a", "name"), asks("b", "a"), asks("c", "name"))
    task = run(workspace, "t", {"name": "bolt"})
    workspace.steps["ask a"] = asks("a", "name", "big ")
    told = foreseen(workspace, task.id)
    assert (told.calls, told.again, told.perhaps, told.steps) == (3, 1, 1, ("ask a",))
    workspace.setup.intercept = KnownAnswers.of(task.id, task.tree_journal).intercept
    shop.asked.clear()
    again = run(workspace, "t", {"name": "bolt"})
    assert shop.asked == ["big bolt", "80"]
    assert again.data == {"name": "bolt", "a": "80", "b": "20", "c": "40"}


def test_an_answer_is_given_once() -> None:
    async def twice(data: Any, connectors: Any) -> None:
        data["a"] = [await connectors.market.price("x") for _ in range(data["times"])]

    workspace, shop = market(step("twice", {"times": int, "a": None}, twice))
    task = run(workspace, "t", {"times": 2})
    answers = KnownAnswers.of(task.id, task.tree_journal)
    workspace.setup.intercept = answers.intercept
    shop.asked.clear()
    run(workspace, "t", {"times": 3})
    assert (answers.given, shop.asked) == (2, ["x"])


def test_subtasks_are_the_same_in_a_copy_though_their_ids_are_not() -> None:
    async def fan(data: Any, task: Any) -> None:
        data["sent"] = True
        task.subtask("child", {"name": task.id}, into="found")

    workspace, shop = market(step("fan", {"go": True, "sent": None}, fan), asks("a", "name"))
    task = run(workspace, "t", {"go": True})
    workspace.setup.intercept = KnownAnswers.of(task.id, task.tree_journal).intercept
    run(workspace, "t", {"go": True})
    assert shop.asked == [task.id]
