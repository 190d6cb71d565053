"""A worker whose store writes behind: nothing starts, and no view gets an event, before it is durable."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from aloma_cli import Step, Workspace
from aloma_cli.api.worker import Worker
from aloma_cli.content.lost import tasks_noticed
from aloma_cli.content.streams import lent_to_steps
from aloma_cli.errors import ClaimLostError
from aloma_cli.record.events import Event
from aloma_cli.redact import NO_SECRETS
from aloma_cli.store.behind import Behind
from aloma_cli.store.memory import MemoryClaim
from tests.api.test_worker import Told, queued


class SlowClaim(MemoryClaim):
    """What it commits lasts 20 ms later; `lost_at`: the number of the write that is lost."""

    lost_at = 0
    lasting = 0

    def write_behind(self, post: object) -> None:
        self.behind = Behind()

    def commit(self, events: Sequence[Event], *, durable: bool = True) -> None:
        super().commit(events, durable=durable)
        if self.behind is not None:
            asyncio.get_running_loop().call_later(0.02, self._last, self.behind.take())

    def _last(self, number: int) -> None:
        assert self.behind is not None
        type(self).lasting = number
        self.behind.confirm(number, ClaimLostError("lost") if number == self.lost_at else None)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Told, list[int]]]:
    """Runs one task with a worker; gives what the worker told, and how many writes lasted when each step began."""
    monkeypatch.setattr("aloma_cli.store.memory.MemoryClaim", SlowClaim)

    def run(lost_at: int = 0) -> tuple[Told, list[int]]:
        monkeypatch.setattr(SlowClaim, "lost_at", lost_at)
        monkeypatch.setattr(SlowClaim, "lasting", 0)
        began: list[int] = []

        def sets(name: str, seconds: float) -> Callable[..., Any]:
            async def content(data: dict[str, object]) -> None:
                began.append(SlowClaim.lasting)
                await asyncio.sleep(seconds)
                data[name] = True

            return content

        steps = [
            Step("quick", {"n": int, "a": None}, sets("a", 0)),
            Step("ends", {"n": int, "b": None}, sets("b", 0.01)),  # while the end of `quick` does not last yet
            Step("last", {"a": True, "b": True, "c": None}, sets("c", 0)),
        ]
        home, told = Workspace(steps), Told()
        queued(home)
        asyncio.run(asyncio.wait_for(Worker(home, told.tell, told.refuse).run("idle"), 20))
        return told, began

    return run


def test_a_step_begins_once_its_start_lasts(run: Callable[..., tuple[Told, list[int]]]) -> None:
    told, began = run()
    assert ({*told.states}, told.errors) == ({"done"}, [])
    assert began[:2] == [1, 1]
    assert began[2] >= 3


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_run_ends_with_the_write_that_is_lost(
    run: Callable[..., tuple[Told, list[int]]], number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aloma_cli.api.scan._AGAIN", 60)
    told, began = run(number)
    assert told.states == []
    assert [error.partition(": ")[2] for error in told.errors] == ["lost"]
    assert len(began) == {1: 0, 2: 2, 3: 2, 4: 3}[number]


def test_many_runs_on_one_loop_leave_nothing_behind() -> None:
    """Each begins before the one before it ends, as the trees of a worker do."""

    async def main() -> None:
        loop, stdout = asyncio.get_running_loop(), sys.stdout
        opened = [lent_to_steps(NO_SECRETS), tasks_noticed(loop)]
        for one in opened:
            one.__enter__()
        for _ in range(2 * sys.getrecursionlimit()):
            following = [lent_to_steps(NO_SECRETS), tasks_noticed(loop)]
            for one in (*following,):
                one.__enter__()
            for one in opened:
                one.__exit__(None, None, None)
            opened = following
        sys.stdout.write("")
        await asyncio.create_task(asyncio.sleep(0))
        for one in opened:
            one.__exit__(None, None, None)
        assert (loop.get_task_factory(), sys.stdout) == (None, stdout)

    asyncio.run(main())
