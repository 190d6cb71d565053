"""A list of tasks that is refreshed reads only what it shows and what has changed."""

from __future__ import annotations

import asyncio
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from aloma_cli import Workspace
from aloma_cli.api import listing, task
from aloma_cli.api.inbox import open_questions
from aloma_cli.api.listing import Listing
from aloma_cli.engine.loop import Stay
from tests.support.steps import step
from tests.web.test_answers import asking


async def park(data: Any, task: Any) -> None:
    data["parked"] = True
    task.park(3600)


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    steps = [asking(), step("park", {"park": 1, "parked": None}, park), step("wait", {"wait": 1}, lasts)]
    return Workspace(steps, folder=tmp_path)


async def lasts() -> None:
    await asyncio.sleep(60)


def made(home: Workspace, number: int) -> list[str]:
    """The ids of new tasks, in the order of listings, which is that of making them but for those of one millisecond."""
    ids = []
    for n in range(number):
        claim = home.create(f"Task {n}", {}).claim
        claim.close()
        ids.append(claim.root)
    return sorted(ids)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tasks that are read."""
    seen: list[str] = []

    def read_record(store: Any, root: str) -> Any:
        seen.append(root)
        return task.read_record(store, root)

    monkeypatch.setattr(listing, "read_record", read_record)
    return seen


def test_only_what_is_shown_is_read_and_only_once(home: Workspace, read: list[str]) -> None:
    ids = made(home, 30)
    rows = Listing(home)
    assert [row["id"] for row in islice(rows.rows(), 5)] == ids[:-6:-1] == read
    assert [row["id"] for row in islice(rows.rows(before=ids[-5]), 2)] == ids[-6:-8:-1]
    assert len(read) == 7
    assert (len([*rows.rows(state="done")]), len(read)) == (0, 30)
    asyncio.run(home.set(ids[3], {"go": True}))
    assert [row["id"] for row in rows.rows(state="question")] == [ids[3]]
    assert read[30:] == [ids[3]]
    home.store.claim(ids[0]).delete()
    assert ids[0] not in [row["id"] for row in rows.rows()]
    assert len(read) == 31


def test_a_task_is_in_the_state_that_it_has_now(home: Workspace) -> None:
    rows = Listing(home)

    async def main() -> None:
        claim = home.create("Parked", {"park": 1}).claim
        await home.work_on(claim, Stay(patience=0))
        running = asyncio.create_task(home.run("Runs", {"wait": 1}))
        while not [*rows.rows(state="running")]:
            await asyncio.sleep(0.02)
        [row] = rows.rows(state="running")
        assert row["name"] == "Runs"
        assert row["seconds"] > 0
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(asyncio.wait_for(main(), 20))
    assert {row["name"]: row["state"] for row in rows.rows()} == {"Parked": "waiting", "Runs": "interrupted"}


def test_its_questions_are_those_of_the_inbox(home: Workspace) -> None:
    for number in range(3):
        asyncio.run(home.run(f"Asks {number}", {"go": True}))
    made(home, 2)
    wanted = open_questions(home, unreadable=print)
    assert len(wanted) == 3
    assert Listing(home).questions() == wanted
