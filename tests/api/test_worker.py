"""A worker from Python: what it leaves, forgets and refuses."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import Collection
from pathlib import Path

import pytest

from aloma_cli import Step, Workspace
from aloma_cli.api.orders import starting
from aloma_cli.api.queue import leave_to_worker
from aloma_cli.api.scan import Scan
from aloma_cli.api.task import Task
from aloma_cli.api.worker import Worker
from aloma_cli.content.handles.task import TaskHandle
from aloma_cli.errors import AlomaError, StoreError
from aloma_cli.store.protocol import Claim


class Told:
    """What a worker told: the states of the tasks that it left, and the errors."""

    def __init__(self) -> None:
        self.states: list[str] = []
        self.errors: list[str] = []

    def worker(self, home: Workspace) -> Worker:
        return Worker(home, self.tell, self.refuse)

    def tell(self, task: Task) -> None:
        self.states.append(task.state)

    def refuse(self, root: str, error: AlomaError) -> None:
        self.errors.append(f"{root}: {error}")


def queued(home: Workspace, name: str = "T") -> str:
    claim = home.create(name, {"n": 1}).claim
    return leave_to_worker(home, claim.root, starting(home.setup, {}), claim).id


async def waits(data: dict[str, object]) -> None:
    await asyncio.sleep(0.3)
    data["done"] = True


async def follows(data: dict[str, object]) -> None:
    data["after"] = True


STEPS = (Step("wait", {"n": int, "done": None}, waits), Step("follow", {"done": True, "after": None}, follows))


def test_a_worker_that_leaves_lets_what_runs_end_and_starts_nothing_more(tmp_path: Path) -> None:
    home, told = Workspace(STEPS, folder=tmp_path), Told()
    task = queued(home)

    async def main() -> None:
        worker = told.worker(home)
        working = asyncio.create_task(worker.run())
        await asyncio.sleep(0.2)
        worker.leave()
        await working

    asyncio.run(main())
    assert home.task(task).data == {"n": 1, "done": True}
    asyncio.run(told.worker(home).run("drained"))
    assert home.task(task).data["after"] is True


def test_a_worker_that_is_cancelled_leaves_its_tasks_to_be_continued(tmp_path: Path) -> None:
    home, told = Workspace(STEPS, folder=tmp_path), Told()
    task = queued(home)

    async def main() -> None:
        working = asyncio.create_task(told.worker(home).run())
        await asyncio.sleep(0.2)
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working

    asyncio.run(main())
    assert home.task(task).state == "processing"
    asyncio.run(told.worker(home).run("idle"))
    assert (home.task(task).state, told.states) == ("done", ["done"])


def test_a_task_that_was_deleted_meanwhile_is_forgotten(tmp_path: Path) -> None:
    home, told = Workspace(STEPS, folder=tmp_path), Told()
    first, second = queued(home), queued(home)

    async def main() -> None:
        worker = told.worker(home)
        working = asyncio.create_task(worker.run("drained"))
        scan = Scan(home, None, told.refuse)
        scan._look_at_trees(())
        shutil.rmtree(tmp_path / ".aloma" / "tasks" / first)
        (claim,) = scan.take((), 1)
        assert claim.root == second
        claim.close()
        await working

    asyncio.run(main())
    assert (told.states, told.errors) == (["done"], [])
    assert home.task(second).state == "done"


def test_a_task_that_is_queued_is_seen_before_all_are_looked_at_again(tmp_path: Path) -> None:
    home, told = Workspace(STEPS, folder=tmp_path), Told()
    queued(home)
    scan = Scan(home, None, told.refuse)
    for claim in scan.take((), 1):
        claim.close()
    scan._look_at = time.monotonic() + 3600  # as after a look at very many tasks
    for _ in range(2):
        task = queued(home)
        time.sleep(scan.pause())
        (claim,) = scan.take((), 1)
        assert claim.root == task
        claim.close()
    assert scan.pause() < 1


def test_a_task_that_another_process_runs_is_tried_again_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aloma_cli.api.scan._AGAIN", 0.2)
    home, told = Workspace(STEPS, folder=tmp_path), Told()
    task = queued(home)
    claim = home.store.claim(task)

    async def main() -> None:
        working = asyncio.create_task(told.worker(home).run("drained"))
        await asyncio.sleep(0.4)
        assert told.states == []
        claim.close()
        await working

    asyncio.run(main())
    assert told.states == ["done"]


def test_a_damaged_task_is_refused_once_and_keeps_no_other_from_running(tmp_path: Path) -> None:
    home, told = Workspace(STEPS, folder=tmp_path), Told()
    broken, whole = queued(home), queued(home)
    (tmp_path / ".aloma" / "tasks" / broken / "journal.jsonl").write_bytes(b"nothing\n")
    asyncio.run(told.worker(home).run("drained"))
    assert [error.partition(":")[0] for error in told.errors] == [broken]
    assert home.task(whole).state == "done"


class Away:
    """The queue of a store that cannot be reached at first."""

    def __init__(self, answers: list[StoreError | None]) -> None:
        self.answers = answers

    def take(self, running: Collection[str], most: int) -> list[Claim]:
        answer = self.answers.pop(0)
        if answer is not None:
            raise answer
        return []

    def pause(self) -> float:
        raise StoreError("away")

    upcoming = pause

    def close(self) -> None:
        """Nothing."""


def test_a_store_that_cannot_be_reached_is_told_of_once_and_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aloma_cli.api.worker.POLL", 0.01)
    home, told = Workspace(STEPS, folder=tmp_path), Told()
    away = Away([StoreError("away")] * 2 + [None] * 99)
    monkeypatch.setattr(home.store, "due", lambda *_, **__: away)

    async def main() -> None:
        worker = told.worker(home)
        working = asyncio.create_task(worker.run())
        await asyncio.sleep(0.1)
        assert told.errors == [": away"]
        worker.leave()
        await working

    asyncio.run(main())
    with pytest.raises(StoreError, match="away"):
        asyncio.run(told.worker(home).run("idle"))


# -- a worker continues what a write lets start -----------------------------------------------------------------------


async def asks_twice(data: dict[str, object], task: TaskHandle) -> None:
    task.ask("Which?", "which")
    task.ask("How many?", "many")
    data["asked"] = True


async def asks_and_parks(data: dict[str, object], task: TaskHandle) -> None:
    task.ask("Which?", "which")
    task.park(0.4)
    data["asked"] = True


async def asks_for_a_time(data: dict[str, object], task: TaskHandle) -> None:
    task.ask("Which?", "which", default="a", timeout=0.4)
    data["asked"] = True


async def completes_above_a_question(data: dict[str, object], task: TaskHandle) -> None:
    task.subtask("child", {"n": 2, "child": True}, group="kids")
    task.complete("early")


async def asks(data: dict[str, object], task: TaskHandle) -> None:
    task.ask("Which?", "which")
    data["asked"] = True


async def follows_an_answer(data: dict[str, object]) -> None:
    data["seen"] = data.get("seen", 0) + 1  # type: ignore[operator]


FOLLOWS = Step("follow", {"which": str}, follows_an_answer)
NOTES = Step("note", {"asked": True}, follows_an_answer)
ASK = {"n": int, "asked": None}
ANSWERS = {"kind": "answer", "value": "a", "into": "which"}


@pytest.mark.parametrize(
    ("steps", "request_", "seen"),
    [
        pytest.param([Step("ask", ASK, asks_twice), FOLLOWS], ANSWERS, 1, id="one of two questions is answered"),
        pytest.param([Step("ask", ASK, asks_twice), NOTES], {"kind": "redo", "step": "note"}, 2, id="a step is redone"),
        pytest.param(
            [Step("ask", ASK, asks_and_parks), NOTES], {"kind": "redo", "step": "note"}, 2, id="it is parked meanwhile"
        ),
        pytest.param(
            [Step("ask", ASK, asks_for_a_time), FOLLOWS],
            {"kind": "set", "set": [[["other"], 1]]},
            1,
            id="the default of a question is still to come",
        ),
    ],
)
def test_a_worker_continues_a_task_that_asks_after_a_write_that_started_nothing(
    steps: list[Step], request_: dict[str, object], seen: int, tmp_path: Path
) -> None:
    home, told = Workspace(steps, folder=tmp_path), Told()
    task = queued(home)
    asyncio.run(told.worker(home).run("idle"))
    written = home.submit(task, request_)
    assert written is not None
    asyncio.run(told.worker(home).run("drained"))
    assert (home.task(task).data.get("seen"), told.errors) == (seen, [])


def test_a_worker_continues_a_subtask_of_a_completed_task_after_a_write_that_started_nothing(tmp_path: Path) -> None:
    above = Step("above", {"n": 1}, completes_above_a_question)
    home, told = Workspace([above, Step("ask", {"child": True, "asked": None}, asks), FOLLOWS], folder=tmp_path), Told()
    task = queued(home)
    asyncio.run(told.worker(home).run("drained"))
    assert home.task(task).state == "done"
    home.submit(f"{task}.1.1", ANSWERS)
    asyncio.run(told.worker(home).run("drained"))
    assert home.task(f"{task}.1.1").data["seen"] == 1
