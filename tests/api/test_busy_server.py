"""Many tasks of one process at a server that takes few calls: all of them end well, and the server is left in peace."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from threading import Lock
from typing import Any

from aloma_cli import Step, Workspace, run
from aloma_cli.connectors.settings import ModelSettings
from tests.support.model_server import Reply, Request, model_server, refusal, said

A_PERIOD, PERIOD = 4, 0.1


class Limiter:
    """Takes four calls in a tenth of a second, and says when there is room again."""

    def __init__(self) -> None:
        self.refused = 0
        self._taken: deque[float] = deque(maxlen=A_PERIOD)
        self._lock = Lock()

    def __call__(self, _: Request) -> Reply:
        with self._lock:
            wait = self._taken[0] + PERIOD - time.monotonic() if len(self._taken) == A_PERIOD else 0
            if wait > 0:
                self.refused += 1
                busy = refusal(429, "slow down")
                busy.headers["Retry-After-Ms"] = f"{wait * 1000:.0f}"
                return busy
            self._taken.append(time.monotonic())
            return said("yes")


async def ask(data: dict[str, Any], connectors: Any) -> None:
    data["said"] = (await connectors.openai.chat(messages="Hi", model="m")).data


async def split(task: Any) -> None:
    for number in range(30):
        task.subtask("one", {"go": True}, into=("all", str(number)))


ASK = Step("ask", {"go": True, "said": None}, ask)


def test_30_subtasks_at_a_server_of_few_calls_a_second_are_all_answered() -> None:
    with model_server(limiter := Limiter()) as server:
        workspace = Workspace([ASK, Step("split", {"many": True}, split)], models=ModelSettings(base_url=server.url))
        task = run(workspace, "many", {"many": True})
    assert (task.state, task.data.get("$errors")) == ("done", None)
    assert str(task.data["all"]).count("'said': 'yes'") == 30
    assert limiter.refused <= 60


def test_the_tasks_of_a_process_share_one_queue_for_a_server() -> None:
    most, under_way, lock = 0, 0, Lock()

    def answer(_: Request) -> Reply:
        nonlocal most, under_way
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.02)
        with lock:
            under_way -= 1
        return said("yes")

    async def work(url: str) -> list[str]:
        workspaces = [Workspace([ASK], models=ModelSettings(base_url=url, concurrency=3)) for _ in range(4)]
        tasks = await asyncio.gather(*(one.run("t", {"go": True}) for one in workspaces * 3))
        return [task.state for task in tasks]

    with model_server(answer) as server:
        assert asyncio.run(work(server.url)) == ["done"] * 12
    assert most <= 3
