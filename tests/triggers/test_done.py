"""`done`: a task after the end of another one, once, and in chains that end."""

from __future__ import annotations

import asyncio
import shutil
from typing import Any

import pytest

from aloma_cli.api.task import Task
from aloma_cli.api.worker import Worker
from aloma_cli.errors import AlomaError, StoreError
from aloma_cli.triggers import ends
from aloma_cli.triggers.done import LONGEST_CHAIN
from aloma_cli.triggers.triggers import Triggers
from tests.triggers.conftest import Home, MakeHome

AFTER = (
    "done: {name: 'Order *', tag: paid}\ntask: 'After {event.name}'\ndata: {order: '{event.data}', n: '{event.data.n}'}"
)


def work(at: Home) -> None:
    """A worker that ends when nothing is due."""

    def tell(task: Task) -> None:
        triggers.see(task.record)

    def refused(_root: str, error: AlomaError) -> None:
        raise error

    worker = Worker(at.workspace, tell, refused)
    triggers = Triggers(at.workspace, lambda _: worker.wake())

    async def main() -> None:
        await triggers.catch_up()
        await worker.run("idle")

    asyncio.run(main())


def run(at: Home, name: str, *tags: str, n: int = 1, **data: Any) -> Task:
    return asyncio.run(at.workspace.run(name, {"n": n, **data}, tags=tags))


def names(at: Home) -> list[str]:
    return sorted(task.name for task in at.workspace.tasks())


def test_what_ended_as_it_wants_makes_one_task(home: MakeHome) -> None:
    at = home(AFTER)
    work(at)
    run(at, "Order 1", "paid")
    run(at, "Order 2")
    run(at, "Other", "paid")
    for _ in range(2):
        work(at)
    assert names(at) == ["After Order 1", "Order 1", "Order 2", "Other"]
    (after,) = [task for task in at.workspace.tasks() if task.name.startswith("After")]
    assert (after.state, after.data["order"]) == ("done", {"n": 1, "seen": True})
    assert after.data["$via"]["depth"] == 1


def test_what_ended_before_it_existed_makes_none(home: MakeHome) -> None:
    at = home(AFTER)
    run(at, "Order 1", "paid")
    work(at)
    assert names(at) == ["Order 1"]


def test_only_the_wanted_states_count(home: MakeHome) -> None:
    at = home("done: {state: [error, stopped]}\ntask: 'After {event.state}'\ndata: {seen: '{event.errors}'}")
    (at.folder / "steps" / "fail.py").write_text(
        'condition = {"fail": True}\n\n\ndef content(data):\n    raise ValueError("bad")\n'
    )
    at = home("done: {state: [error, stopped]}\ntask: 'After {event.state}'\ndata: {seen: '{event.errors}'}")
    work(at)
    run(at, "a", fail=True)
    run(at, "b")
    work(at)
    assert names(at) == ["After error", "a", "b"]


def test_a_chain_of_tasks_ends(home: MakeHome) -> None:
    at = home("done: {}\ntask: again\ndata: {}")
    work(at)
    run(at, "first")
    work(at)
    assert names(at) == ["again"] * LONGEST_CHAIN + ["first"]
    assert f"{LONGEST_CHAIN} that followed one another" in at.noted["error"]["message"]


def test_a_task_that_cannot_be_made_now_is_made_later(home: MakeHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ends, "LATE", 0.0)
    at = home(AFTER)
    work(at)
    triggers = Triggers(at.workspace, lambda told: None)
    run(at, "Order 1", "paid")
    with monkeypatch.context() as patch:
        patch.setattr(type(at.workspace), "create", lambda *_, **__: (_ for _ in ()).throw(StoreError("disk full")))
        patch.setattr("aloma_cli.triggers.event._PATIENCE", 0.05)
        asyncio.run(triggers.catch_up())
    assert names(at) == ["Order 1"]
    asyncio.run(triggers.catch_up())
    assert names(at) == ["After Order 1", "Order 1"]


def test_an_end_that_was_seen_makes_no_other_task_once_its_own_was_deleted(
    home: MakeHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ends, "LATE", 0.0)
    at = home(AFTER)
    work(at)
    run(at, "Order 1", "paid")
    work(at)
    work(at)
    (after,) = [task for task in at.workspace.tasks() if task.name.startswith("After")]
    shutil.rmtree(at.folder / ".aloma" / "tasks" / after.id)
    work(at)
    assert names(at) == ["Order 1"]


def test_what_another_process_ends_is_seen_while_a_worker_runs(home: MakeHome) -> None:
    at = home(AFTER)
    work(at)

    async def main() -> None:
        seeing = asyncio.create_task(Triggers(at.workspace, lambda told: None).run())
        await asyncio.sleep(0.1)
        await at.workspace.run("Order 1", {"n": 1}, tags=["paid"])
        async with asyncio.timeout(10):
            while len(names(at)) < 2:
                await asyncio.sleep(0.05)
        seeing.cancel()

    asyncio.run(main())
    assert names(at) == ["After Order 1", "Order 1"]
