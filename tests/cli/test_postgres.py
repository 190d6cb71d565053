"""The command line with the tasks in PostgreSQL: whatever is typed is the same as with files."""

from __future__ import annotations

import pytest

from tests.cli.desk import Desk
from tests.servers import Postgres, postgres

__all__ = ["postgres"]

pytestmark = pytest.mark.e2e

ASKS = ("task.ask('Approve?', into='ok')",)


@pytest.fixture(autouse=True)
def store(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> str:
    url = postgres.url(lease=2)
    monkeypatch.setenv("ALOMA_STORE", url)
    return url


def test_a_task_is_run_and_read_as_with_files(desk: Desk) -> None:
    task = desk.new().out.strip()
    assert desk.run("task", "show", "--path", "greeting").out == "Hello, Ada!\n"
    assert task in desk.run("task", "list").out
    assert "greet" in desk.run("task", "log").out
    assert desk.run("task", "why", "@last", "greet").code == 0
    assert desk.run("task", "list", "--json").json[0]["held"] is None
    assert desk.tasks == []


def test_a_task_is_changed_asked_stopped_copied_and_deleted_as_with_files(desk: Desk) -> None:
    desk.step("ask", '{"name": str, "ok": None}', *ASKS, asks="task")
    assert desk.new().code == 8
    assert desk.run("task", "answer", "@last", "yes").code == 0
    assert desk.run("task", "set", "@last", "name=Bob", "--unset", "greeting").code == 0
    assert desk.run("task", "show", "--data").json == {"name": "Bob", "ok": "yes", "greeting": "Hello, Bob!"}
    assert desk.run("task", "clone", "@last", "--set", "ok=null").code == 8
    assert desk.run("task", "stop", "@last").code == 0
    assert desk.run("task", "resume", "@last").code == 8
    assert (
        desk.run("task", "new", "T", "-d", "{}", "--key", "k").code == desk.run("task", "new", "T", "--key", "k").code
    )
    assert len(desk.run("task", "list", "--json").json) == 3
    assert desk.run("task", "gc", "--state", "done", "--yes").code == 0
    assert len(desk.run("task", "list", "--json").json) == 2
