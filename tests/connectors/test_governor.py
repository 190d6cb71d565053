"""The queue of a model server: nothing is lost in it, the server is not stormed, and little time is wasted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.connectors.base import unwatched
from aloma_cli.connectors.chat.tries import Tries
from aloma_cli.connectors.governor import SERVING, Governor, at_most, governor_of
from tests.support.busy_server import BusyServer, Limiter
from tests.support.manual import manually

Told = list[str]


class Agents:
    """Agents that call one server at the same moment, on a manual loop."""

    def __init__(self, call: Callable[[], Awaitable[str]], *, most: int = 16, tries: int = 3) -> None:
        self._call = call
        self._most = most
        self._tries = tries
        self.told: Told = []
        self.seconds = 0.0

    def run(self, agents: int, calls: int = 1) -> list[Any]:
        """The answers and errors of `calls` calls of each agent."""
        return manually(self._run(agents, calls))

    async def _run(self, agents: int, calls: int) -> list[Any]:
        governor, loop = Governor(self._most), asyncio.get_running_loop()

        async def one() -> list[str]:
            tries = Tries(self._tries, 90.0, lambda state, **_: self.told.append(state), governor)
            return [await tries.run(self._call) for _ in range(calls)]

        ended = await asyncio.gather(*(one() for _ in range(agents)), return_exceptions=True)
        self.seconds = loop.time()
        return ended


@pytest.mark.parametrize(("hints", "times"), [("exact", 1.1), ("seconds", 1.1), ("none", 1.4)])
@pytest.mark.parametrize("takes", [0.2, 1.0, 5.0])
@pytest.mark.parametrize("limiter", ["window", "sliding", "bucket"])
def test_100_agents_at_a_small_server_lose_nothing_and_little_time(
    limiter: Limiter, takes: float, hints: Any, times: float
) -> None:
    server = BusyServer(takes=takes, limiter=limiter, hints=hints)
    agents = Agents(server.call)
    assert agents.run(100) == [["answer"]] * 100
    assert len(server.accepted) == 100
    assert server.best(100) <= agents.seconds <= times * server.best(100)
    assert server.refused <= 100, "a storm"


@given(
    at_once=st.integers(1, 20),
    a_minute=st.integers(3, 300),
    takes=st.floats(0.1, 10),
    limiter=st.sampled_from(["window", "sliding", "bucket"]),
    hints=st.sampled_from(["exact", "seconds"]),
    most=st.integers(1, 16),
    agents=st.integers(1, 40),
    calls=st.integers(1, 3),
)
def test_whatever_the_server_allows_all_calls_are_answered_and_never_more_than_the_cap_are_under_way(
    at_once: int, a_minute: int, takes: float, limiter: Limiter, hints: Any, most: int, agents: int, calls: int
) -> None:
    server = BusyServer(at_once, a_minute, takes=takes, limiter=limiter, hints=hints)
    assert Agents(server.call, most=most).run(agents, calls) == [["answer"] * calls] * agents
    assert server.most <= min(most, at_once)
    assert server.refused <= 3 * len(server.accepted) + 20


def test_a_server_that_refuses_everybody_is_found_out_by_the_first_and_asked_once_by_each_of_the_others() -> None:
    server = BusyServer(at_once=0, hints="none")
    agents = Agents(server.call)
    assert [type(error).__name__ for error in agents.run(100)] == ["RateLimitError"] * 100
    assert 100 < server.refused <= 150
    assert agents.seconds < 10
    assert "rate_limited" in agents.told


def test_a_server_that_was_busy_long_ago_is_tried_as_often_as_any_other() -> None:
    async def work() -> list[int]:
        governor, refused = Governor(4), []
        for _ in range(2):
            server = BusyServer(at_once=0, hints="none")
            with pytest.raises(openai.RateLimitError):
                await Tries(3, 90, unwatched, governor).run(server.call)
            refused.append(server.refused)
            await asyncio.sleep(SERVING)
        return refused

    assert manually(work()) == [3, 3]


def test_a_queue_of_ones_own_does_not_count_against_the_timeout_of_a_call() -> None:
    async def slow(seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "answer"

    async def work() -> list[Any]:
        governor = Governor(2)

        async def one(seconds: float) -> str:
            async with at_most(3):
                return await Tries(1, 90, unwatched, governor).run(lambda: slow(seconds))

        return await asyncio.gather(*(one(2 if number < 9 else 4) for number in range(10)), return_exceptions=True)

    *answers, late = manually(work())
    assert answers == ["answer"] * 9
    assert isinstance(late, TimeoutError)


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 30)), max_size=8))
def test_calls_that_are_cancelled_leave_the_queue_to_the_others(cancelled: list[tuple[int, float]]) -> None:
    async def work() -> tuple[list[Any], Governor]:
        governor, server = Governor(3), BusyServer(at_once=2, a_minute=6)
        tasks = [asyncio.ensure_future(Tries(3, 90, unwatched, governor).run(server.call)) for _ in range(10)]
        for number, at in cancelled:
            asyncio.get_running_loop().call_later(at, tasks[number].cancel)
        return await asyncio.gather(*tasks, return_exceptions=True), governor

    ended, governor = manually(work())
    victims = {number for number, _ in cancelled}
    assert all(ended[number] == "answer" for number in range(10) if number not in victims)
    assert governor.is_idle


def test_who_waits_says_so_and_who_need_not_wait_does_not() -> None:
    server = BusyServer(at_once=9)
    agents = Agents(server.call, most=3)
    agents.run(5)
    assert sorted(agents.told) == ["queued"] * 2 + ["waiting"] * 5


def test_all_calls_with_one_key_share_the_queue_of_a_server_and_the_smallest_cap_holds() -> None:
    async def work() -> None:
        one = governor_of("http://a/v1", "key", 16)
        assert governor_of("http://a/v1", "key", 4) is one
        assert governor_of("http://a/v1", "key", 8).most == 4
        assert governor_of("http://a/v1", "other", 16) is not one
        assert governor_of("http://b/v1", "key", 16) is not one

    asyncio.run(work())
