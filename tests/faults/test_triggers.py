"""A process that is killed between an event and its task, or anywhere after: the event makes one task."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.forge import Forge

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc to know what is written")

DEEDS = 145
"""At least as many as an undisturbed worker has."""

CONFIG = """
offline: true
triggers:
  drop:
    files: {folder: inbox, read: json}
    task: "File {event.name}"
    data: {name: "{event.json.name}"}
  after:
    done: {name: "File *"}
    task: "After {event.name}"
    data: {name: "{event.data.name}"}
  orders:
    webhook: HOOK
    key: "{event.body.id}"
    task: "Order {event.body.id}"
    data: {name: "{event.body.name}"}
environment: {HOOK: a-secret-of-hooks}
"""

STEP = """
condition = {"name": str, "seen": None}


async def content(data):
    open("fired", "a").write(data["name"] + "\\n")
    data["seen"] = True
"""

WORKER = ("worker", "--drain", "-q")
ORDER = ("trigger", "test", "orders", "-d", '{"body": {"id": 7, "name": "Eve"}}', "--run")


@pytest.fixture
def at(tmp_path: Path) -> Path:
    (tmp_path / "aloma.yaml").write_text(CONFIG)
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "see.py").write_text(STEP)
    (tmp_path / "inbox").mkdir()
    return tmp_path


def drop(at: Path) -> None:
    path = at / "inbox" / ".a.json"
    path.write_text('{"name": "Ada"}')
    os.utime(path, (1_700_000_000, 1_700_000_000))
    path.replace(at / "inbox" / "a.json")


def tasks(forge: Forge, at: Path) -> list[tuple[str, str]]:
    """The names and states of all tasks."""
    listed: list[Any] = json.loads(forge.run(at, ("task", "list", "--json")).out)
    return sorted((one["name"], one["state"]) for one in listed)


def test_a_kill_can_come_before_everything_that_a_worker_does(forge: Forge, at: Path) -> None:
    drop(at)
    undisturbed = forge.run(at, WORKER)
    assert (undisturbed.code, undisturbed.err) == (0, "")
    assert 100 <= len(undisturbed.deeds) <= DEEDS


@pytest.mark.parametrize("deed", range(0, DEEDS, 6))
def test_an_event_whose_worker_is_killed_makes_one_task(forge: Forge, at: Path, deed: int) -> None:
    forge.run(at, WORKER)
    drop(at)
    for again in (0, 4):
        forge.run(at, WORKER, kill_before=deed + again, after_bytes=deed * 7)
    for _ in range(2):
        assert forge.run(at, WORKER).code == 0
    assert tasks(forge, at) == [("After File a.json", "done"), ("File a.json", "done")]


@pytest.mark.parametrize("deed", range(0, 24, 3))
def test_a_request_that_is_sent_again_makes_one_task(forge: Forge, at: Path, deed: int) -> None:
    forge.run(at, ORDER, kill_before=deed, after_bytes=deed * 7)
    first, again = forge.run(at, ORDER), forge.run(at, ORDER)
    assert (first.code, first.out) == (0, again.out)
    assert forge.run(at, WORKER).code == 0
    assert tasks(forge, at) == [("Order 7", "done")]
    assert (at / "fired").read_text() == "Eve\n"
