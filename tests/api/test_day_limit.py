"""What all tasks of a workspace may spend on a day: in one process, in several, and on the next day."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aloma_cli import Step, Task, Workspace
from aloma_cli.api.worker import Worker
from aloma_cli.cli.exit_codes import code_of_task
from aloma_cli.cli.next_steps import next_steps
from aloma_cli.connectors.base import Answer, Call, Connectors
from aloma_cli.connectors.chat.chat import Chat
from aloma_cli.errors import AlomaError
from aloma_cli.loader.config import Config, LimitsConfig
from aloma_cli.loader.workspace import LoadedWorkspace
from aloma_cli.record.due import begin_of_day
from tests.support.manual import HeldClock


async def ask(data: Any, connectors: Any) -> None:
    await connectors.openai.chat(model="m", messages=f"Task {data['number']}?")
    data["out"] = 1


class Server:
    """A priced model: each call is expected to cost `expected` dollars, and costs `cost`."""

    def __init__(self, cost: float = 0.3, expected: float | None = 0.3) -> None:
        self.cost = cost
        self.expected = expected
        self.requests = 0

    async def send(self, _: Call) -> Answer:
        self.requests += 1
        await asyncio.sleep(0.01)
        completion = {"choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}], "usage": {}}
        return Answer(completion, {"input_tokens": 5, "output_tokens": 5, "cost": self.cost}, {"model": "m"})

    async def price(self, *_: object) -> float | None:
        return self.expected

    def intercept(self, _: Connectors) -> Connectors:
        return Connectors({"openai": {"chat": Chat(self.send, price=self.price)}})


def workspace(server: Server, per_day: float | None = 1.0, **more: Any) -> Workspace:
    config = Config(limits=LimitsConfig(per_day=per_day))
    steps = {"ask": Step("ask", {"number": int, "out": None}, ask)}
    return Workspace(loaded=LoadedWorkspace(steps=steps, config=config), intercept=server.intercept, **more)


def tomorrow(clock: HeldClock) -> None:
    clock.moment += begin_of_day(clock.now(), days=1) - clock.now()


async def one(home: Workspace, number: int = 0) -> Task:
    return await home.run(f"task {number}", {"number": number})


def test_no_task_starts_a_call_that_does_not_fit_into_the_day() -> None:
    server = Server()
    home = workspace(server)

    tasks = [asyncio.run(one(home, number)) for number in range(5)]

    assert server.requests == 3
    assert [task.state for task in tasks] == ["done"] * 3 + ["limited"] * 2
    record = tasks[-1].record
    assert record["reason"] == (
        "day limit reached ($0.9000 of $1 spent today in this workspace; the next call may cost $0.3000)"
    )
    assert (record["limit"]["name"], code_of_task(record)) == ("day", 5)
    [hint] = next_steps(record)
    assert hint == f"→ tomorrow, or with a higher limits.per_day in aloma.yaml: aloma task resume {record['id']}"


def test_tasks_side_by_side_hold_what_they_may_cost() -> None:
    server = Server()

    async def work() -> list[Task]:
        home = workspace(server)
        return await asyncio.gather(*(one(home, number) for number in range(10)))

    tasks = asyncio.run(work())

    assert server.requests == 3
    assert sorted(task.state for task in tasks) == ["done"] * 3 + ["limited"] * 7


def test_a_call_waits_for_those_under_way_which_may_leave_room() -> None:
    """Also for those of other tasks: each is expected to cost more than it does."""
    server = Server(cost=0.1, expected=0.6)

    async def work() -> list[Task]:
        home = workspace(server)
        return await asyncio.gather(*(one(home, number) for number in range(4)))

    tasks = asyncio.run(work())

    assert [task.state for task in tasks] == ["done"] * 4


def test_the_next_day_begins_at_zero_and_a_paused_task_continues() -> None:
    server, clock = Server(), HeldClock()
    home = workspace(server, clock=clock)

    async def work() -> list[str]:
        first = [await one(home, number) for number in range(4)]
        paused = await home.resume(first[-1].id)
        tomorrow(clock)
        return [paused.state, (await home.resume(first[-1].id)).state]

    assert asyncio.run(work()) == ["limited", "done"]
    assert server.requests == 4


def test_a_worker_continues_on_the_next_day_what_the_limit_of_a_day_has_stopped(tmp_path: Path) -> None:
    server, clock = Server(), HeldClock()
    home = workspace(server, clock=clock, folder=tmp_path)

    def refuse(root: str, error: AlomaError) -> None:
        raise error

    async def worked() -> list[str]:
        seen: list[str] = []
        await Worker(home, lambda task: seen.append(task.state), refuse).run("idle")
        return seen

    async def work() -> list[list[str]]:
        first = [(await one(home, number)).state for number in range(4)]
        today = await worked()
        tomorrow(clock)
        return [first, today, await worked()]

    assert asyncio.run(work()) == [["done", "done", "done", "limited"], [], ["done"]]
    assert server.requests == 4


def test_a_raised_limit_lets_a_paused_task_continue() -> None:
    server = Server()
    home = workspace(server, per_day=0.3)

    async def work() -> str:
        await one(home, 1)
        paused = await one(home, 2)
        home.loaded.config.limits.__init__(per_day=1.0)  # type: ignore[misc]  # as after an edit of aloma.yaml
        home.setup._day = None
        return (await home.resume(paused.id)).state

    assert asyncio.run(work()) == "done"


@pytest.mark.parametrize(("expected", "reason"), [(None, "the price of the next call is unknown"), (1.5, "may cost")])
def test_a_call_without_a_price_or_with_too_high_a_one_is_not_sent(expected: float | None, reason: str) -> None:
    server = Server(expected=expected)

    task = asyncio.run(one(workspace(server)))

    assert (task.state, server.requests) == ("limited", 0)
    assert reason in task.record["reason"]


def test_calls_that_cost_nothing_pass() -> None:
    server = Server(cost=0.0, expected=0.0)
    home = workspace(server, per_day=0.000001)

    assert asyncio.run(one(home)).state == "done"


def test_only_the_calls_of_today_count() -> None:
    server, clock = Server(cost=0.6, expected=0.5), HeldClock()
    home = workspace(server, clock=clock)

    async def work() -> list[str]:
        states = [(await one(home, 1)).state]
        tomorrow(clock)
        return [*states, *[(await one(home, number)).state for number in (2, 3)]]

    assert asyncio.run(work()) == ["done", "done", "limited"]


PROGRAM = """
import asyncio, sys
from tests.api.test_day_limit import Server, one, workspace

home = workspace(Server(cost=0.1, expected=0.1), per_day=1.0, folder=sys.argv[1])
states = [asyncio.run(one(home, number)).state for number in range(6)]
print(states.count("done"))
"""


@pytest.mark.slow
def test_several_processes_share_the_day(tmp_path: Path) -> None:
    """Four processes want 24 calls for ten; only those under way at the last moment may exceed the limit."""
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    root = Path(__file__).parents[2]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) for _ in range(4)]

    done = sum(int(process.communicate(timeout=60)[0]) for process in running)

    assert 10 <= done <= 13
    home = workspace(Server(), per_day=1.0, folder=tmp_path)
    spent = sum((call.usage or {})["cost"] for _, call in home.store.answered())
    assert spent == pytest.approx(done * 0.1)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
def test_a_day_is_one_of_the_local_time(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        now = 1_790_000_000.0
        begin = begin_of_day(now)
        assert begin <= now < begin_of_day(now, days=1)
        assert time.localtime(begin)[3:6] == (0, 0, 0)
        assert 23 * 3600 <= begin_of_day(now, days=1) - begin <= 25 * 3600
    finally:
        monkeypatch.undo()
        time.tzset()
