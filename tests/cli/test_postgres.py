"""The command line with the tasks in PostgreSQL: whatever is typed is the same as with files."""

from __future__ import annotations

import asyncio

import pytest

from aloma_cli import Workspace
from aloma_cli.web.board import board
from aloma_cli.web.server import serving
from tests.cli.desk import Desk, ended, running
from tests.servers import Postgres, postgres
from tests.support.collector import OtlpServer, collector
from tests.support.http_client import ask

__all__ = ["collector", "postgres"]

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


def test_a_run_is_drawn_as_with_files(desk: Desk, collector: OtlpServer) -> None:
    desk.step("ask", '{"name": str, "ok": None}', *ASKS, asks="task")
    task = desk.new("{}").out.strip()
    desk.run("task", "set", task, "name=Ada")
    assert desk.run("task", "report", task, "-o", "-").out.count("Hello, Ada!") == 1
    assert task in desk.run("report", "-o", "-").out
    assert '"name"' in desk.run("task", "graph", task).out
    assert "greeting Ada" in desk.run("task", "watch", task, "--speed", "1000").err
    assert desk.run("task", "log", task, "--svg").out.startswith("<svg")
    assert desk.run("task", "export", task, "--otlp", collector.url).code == 0
    assert "invoke_agent greet" in collector.names
    home = Workspace.open(desk.root)
    app = board(home, "Desk", "t" * 32, failed=lambda error: None)

    async def visit() -> tuple[bytes, bytes]:
        async with serving(app) as url:
            entered = await ask(f"{url}/?token={'t' * 32}")
            cookie = entered.headers["set-cookie"].partition(";")[0]
            shown, asked = [await ask(url + path, cookie=cookie) for path in (f"/tasks/{task}", "/questions")]
            return shown.body, asked.body

    shown, asked = asyncio.run(visit())
    assert (b"Hello, Ada!" in shown, b"Approve?" in asked) == (True, True)


def test_a_task_of_another_process_is_watched_as_with_files(desk: Desk) -> None:
    waits = ("import os", "while not os.path.exists('go'): await asyncio.sleep(0.02)", "data['went'] = True")
    with running(desk, waits) as process:
        watch = desk.started("task", "watch", "--data", "--speed", "1000")
        assert watch.stderr is not None
        assert any("first" in line for line in watch.stderr)
        desk.write("go", "")
        assert process.wait(60) == 0
        end = ended(watch)
    assert (end.code, '"went":true' in end.out) == (0, True)
