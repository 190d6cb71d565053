"""The report of all tasks of a time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloma_cli import Workspace
from aloma_cli.clock import from_iso
from aloma_cli.report.buckets import Buckets
from aloma_cli.report.tasks_page import Tasks, tasks_page
from tests.report.runs import HOSTILE
from tests.servers import Chromium, violations
from tests.support.steps import connector, step

_DAY = 86_400.0
_NOW = from_iso("2026-11-28T12:00:00.000Z")


class _Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    elapsed = now


def _tasks(days: float, number: int, name: Callable[[int], str] = "Order {}".format) -> Tasks:
    """Tasks spread over some days: most are done, some fail, some ask."""
    clock, chance = _Clock(), random.Random(7)

    async def chat(model: str, messages: str) -> dict[str, str]:
        clock.time += chance.lognormvariate(1, 1)
        return {"text": messages}

    async def ask(data: Any, connectors: Any) -> None:
        data["answer"] = await connectors.desk.chat("gpt-4", "Hello")
        if data["kind"] == "bad":
            raise ValueError("no such order")

    async def check(data: Any, task: Any) -> None:
        data["checked"] = True
        if data["kind"] == "open":
            task.ask("Is this right?", into="ok")

    steps = [
        step("ask", {"kind": str, "answer": None}, ask),
        step("check", {"answer": dict, "checked": None}, check),
    ]
    home = Workspace(steps, connectors={"desk": connector("desk", chat=chat)}, clock=clock)

    async def act() -> None:
        for at in range(number):
            clock.time = _NOW - days * _DAY * (1 - at / number)
            await home.run(name(at), {"kind": ("ok", "ok", "bad", "ok", "open")[at % 5]})

    asyncio.run(act())
    records = [record for [record] in home.records(unreadable=lambda error: pytest.fail(str(error)))]
    calls = [call for _, call in home.store.answered()]
    return Tasks(records, calls, _NOW - days * _DAY, _NOW, "desk", "tasks of a test")


def test_a_page_tells_states_durations_troubles_and_spending() -> None:
    page = tasks_page(_tasks(20, 50))
    counts = ("30 done", "10 question", "10 error", "By day.", "The slowest")
    assert [told for told in (*counts, "asks: Is this right?", "no such order") if told not in page] == []
    assert page.count('class="dot s-') == 50
    assert "and 10 more: aloma task list" in page
    assert "<script" not in page
    assert "script-src 'none'" in unescape(page)


def test_a_page_of_no_tasks_says_so() -> None:
    assert "No task was created in this time." in tasks_page(Tasks([], [], _NOW - _DAY, _NOW, "desk", ""))


def test_money_is_shown_where_there_is_some() -> None:
    tasks = _tasks(1, 5)
    usage = {"input_tokens": 100, "output_tokens": 10, "cost": 0.25}
    tasks = replace(tasks, calls=[replace(call, usage=usage) for call in tasks.calls])
    for record in tasks.records:
        record["usage"]["cost"] = 0.25
    page = tasks_page(tasks)
    assert "Cost over time" in page
    assert "Most expensive" in page
    assert "By hour." in page
    assert "$1.25" in page


@given(st.floats(0, 3000), st.floats(0, 1))
def test_parts_of_the_time_cover_it(days: float, share: float) -> None:
    begin, end = _NOW - days * _DAY, _NOW
    buckets = Buckets(begin, end)
    assert 1 <= len(buckets) <= 70
    moment = begin + share * (end - begin)
    number = buckets.of(moment)
    starts = [one.timestamp() for one in buckets.starts]
    assert all(one < other for one, other in pairwise(starts))
    assert starts[number] <= moment
    assert number == len(buckets) - 1 or moment < starts[number + 1]
    assert buckets.name(number)


@pytest.mark.e2e
@pytest.mark.parametrize(("width", "dark"), [(1280, True), (390, False)])
def test_the_page_is_accessible_and_loads_nothing(chromium: Chromium, tmp_path: Path, width: int, dark: bool) -> None:
    path = tmp_path / "report.html"
    path.write_text(tasks_page(_tasks(20, 50, lambda at: HOSTILE[at % 2])), encoding="utf-8")

    def act(page: Any) -> None:
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("img, script").count() == 0

    chromium.visit(path.as_uri(), act, width=width, dark=dark)
