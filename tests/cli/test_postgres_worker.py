"""Workers that share the tasks in PostgreSQL: claims, leases, timers, versions of the code."""

from __future__ import annotations

import signal
import time
from collections import Counter

import pytest

from aloma_cli.record.events import Committed
from aloma_cli.store.open import open_store
from tests.cli.desk import Desk, ended, until
from tests.servers import Postgres, postgres

__all__ = ["postgres"]

pytestmark = pytest.mark.e2e

LEASE = 2


@pytest.fixture(autouse=True)
def store(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> str:
    url = postgres.url(lease=LEASE)
    monkeypatch.setenv("ALOMA_STORE", url)
    return url


def queue(desk: Desk, data: str = '{"name": "Ada"}', *options: str) -> str:
    created = desk.run("task", "new", "T", "-d", data, "--queue", "-q", *options)
    assert created.code == 0, created.err
    return created.out.strip()


def states(desk: Desk) -> Counter[str]:
    return Counter(record["state"] for record in desk.run("task", "list", "--json").json)


def commits(url: str, step: str) -> Counter[str]:
    """How often a step has committed, by task."""
    store = open_store(url)
    return Counter(
        event.task
        for root in store.roots()
        for batch in store.read(root)
        for event in batch.events
        if isinstance(event, Committed) and event.step == step
    )


SLOW = ("open('began-' + data['name'], 'w').close()", "await asyncio.sleep(0.5)", "data['slept'] = True")


def test_a_worker_runs_what_is_queued_and_what_its_timers_bring(desk: Desk) -> None:
    desk.step("wait", '{"greeting": str, "waited": None}', *WAITS, asks="data, task, step")
    tasks = [queue(desk) for _ in range(3)]
    assert states(desk) == {"created": 3}
    assert desk.run("worker", "--once", "-q").code == 0
    assert states(desk) == {"waiting": 3}
    assert desk.run("worker", "--drain", "-q").code == 0
    assert states(desk) == {"done": 3}
    assert desk.run("task", "show", tasks[0], "--path", "waited").out == "true\n"


WAITS = (
    "if 'parked' in data:",
    "    data['waited'] = True",
    "else:",
    "    data['parked'] = True",
    "    task.park(3)",
    "    step.redo()",
)


def test_what_is_queued_is_run_at_once_and_can_be_waited_for(desk: Desk) -> None:
    worker = desk.started("worker")
    try:
        done = desk.run("task", "new", "T", "-d", '{"name": "Ada"}', "--queue", "--wait")
        assert done.code == 0
        assert desk.run("task", "show", "--path", "greeting").out == "Hello, Ada!\n"
    finally:
        worker.terminate()
    assert ended(worker).code == 0


def test_a_task_that_a_worker_left_to_a_person_is_answered_as_with_files(desk: Desk) -> None:
    desk.step("ask", '{"name": str, "ok": None}', "task.ask('Approve?', into='ok')", asks="task")
    task = queue(desk)
    worker = desk.started("worker")
    try:
        until(lambda: states(desk) == {"question": 1})
        assert desk.run("task", "answer", task, "yes").code == 0
        until(lambda: states(desk) == {"done": 1})
    finally:
        worker.terminate()
        ended(worker)


def test_only_the_tag_and_only_this_version_of_the_code(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    queue(desk, '{"name": "a"}', "--tag", "night")
    queue(desk)
    desk.run("worker", "--once", "-q", "--only", "night")
    assert states(desk) == {"created": 1, "done": 1}
    desk.step("other", '{"never": 1}', "pass")
    desk.run("worker", "--drain", "-q")
    assert states(desk) == {"created": 1, "done": 1}
    monkeypatch.setattr("aloma_cli.api.waiting.LATE", 0.0)
    for command in (("task", "show"), ("task", "list"), ("doctor", "--offline")):
        told = desk.run(*command)
        assert "only a worker with version" in " ".join((told.out + told.err).split()), told
    desk.run("worker", "--drain", "-q", "--any-release")
    assert states(desk) == {"done": 2}


def test_a_request_reaches_the_worker_that_runs_the_task(desk: Desk) -> None:
    desk.step("slow", '{"name": str, "slept": None}', *SLEEPS_UNTIL_TOLD)
    task = queue(desk)
    worker = desk.started("worker")
    try:
        until((desk.root / "began").exists)
        assert desk.run("task", "set", task, "extra=1").code == 0
        assert desk.run("task", "show", "--json").json["state"] == "running"
        (desk.root / "go").touch()
        until(lambda: states(desk) == {"done": 1})
        assert desk.run("task", "show", "--path", "extra").out == "1\n"
    finally:
        worker.terminate()
        ended(worker)


SLEEPS_UNTIL_TOLD = (
    "import os",
    "open('began', 'w').close()",
    "while not os.path.exists('go'): await asyncio.sleep(0.01)",
    "data['slept'] = True",
)


def begun(desk: Desk) -> int:
    return len([*desk.root.glob("began-*")])


def test_what_a_killed_worker_left_is_continued_when_its_lease_has_ended(desk: Desk, store: str) -> None:
    desk.step("slow", '{"name": str, "slept": None}', *SLOW)
    for number in range(10):
        queue(desk, f'{{"name": "n{number}"}}')
    killed, other = desk.started("worker", "-c", "3", "-q"), desk.started("worker", "-c", "3", "-q")
    try:
        until(lambda: begun(desk) > 3)
        killed.kill()
        at = time.monotonic()
        until(lambda: states(desk) == {"done": 10}, LEASE + 10)
        assert time.monotonic() - at < LEASE + 8
    finally:
        other.terminate()
        ended(killed)
        ended(other)
    assert set(commits(store, "slow").values()) == {1}


def test_a_worker_frozen_past_its_lease_commits_nothing_more(desk: Desk, store: str) -> None:
    desk.step("slow", '{"name": str, "slept": None}', *SLOW)
    task = queue(desk)
    frozen = desk.started("worker")
    try:
        until((desk.root / "began-Ada").exists)
        frozen.send_signal(signal.SIGSTOP)
        assert desk.run("worker", "--drain", "-q").code == 0
        before = open_store(store).stamp(task)
        frozen.send_signal(signal.SIGCONT)
        time.sleep(1)
    finally:
        frozen.send_signal(signal.SIGCONT)
        frozen.terminate()
    said = ended(frozen).err
    assert "has lost task" in said
    assert open_store(store).stamp(task) == before
    assert commits(store, "slow") == {task: 1}
