"""What a worker does beside its tasks: it serves, runs triggers, and leaves in order."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from aloma_cli.api.workspace import Workspace
from aloma_cli.cli.service import Service
from aloma_cli.errors import InputError
from aloma_cli.loader.web import WebConfig
from aloma_cli.loader.workspace import load_workspace
from aloma_cli.triggers.trigger import Trigger, TriggerReport
from aloma_cli.triggers.triggers import Triggers
from tests.cli.test_triggers import CONFIG, SECRET, free_port
from tests.support.http_client import Answered, ask


class Worker:
    """A worker in this process, without its tasks."""

    def __init__(self, folder: Path, web: WebConfig | None = None, port: int | None = None) -> None:
        (folder / "steps").mkdir()
        (folder / "inbox").mkdir()
        (folder / "aloma.yaml").write_text(f"offline: true\n{CONFIG}")
        loaded = load_workspace(folder, folder, {"HOOK": SECRET})
        self.home = Workspace(folder=folder, loaded=loaded)
        self.made: list[TriggerReport] = []
        self.said: list[str] = []
        self.warned: list[str] = []
        self.failed = False
        self.triggers = Triggers(self.home, self.made.append)
        self.service = Service(self.triggers, web, port, self.said.append, self.warned.append, self.fail, list)

    def fail(self) -> None:
        self.failed = True


def order(port: int, **headers: str) -> Any:
    given = {"content_type": "application/json", "authorization": f"Bearer {SECRET}", **headers}
    return ask(f"http://127.0.0.1:{port}/hooks/orders", "POST", b'{"id": 1, "name": "Ada"}', **given)


def test_a_webhook_is_answered_until_the_worker_leaves(tmp_path: Path) -> None:
    port = free_port()
    worker = Worker(tmp_path, WebConfig(url="https://aloma.example"), port)

    async def main() -> list[Answered]:
        await worker.service.start()
        answers = [
            await order(port),
            await order(port),
            await order(port, host="aloma.example"),
            await order(port, host="b"),
        ]
        worker.service.leave()
        await worker.service.close()
        with pytest.raises(OSError, match=r"refused|Connect call failed"):
            await order(port)
        return answers

    answers = asyncio.run(asyncio.wait_for(main(), 20))
    assert [answer.status for answer in answers] == [202, 409, 409, 421]
    assert [task.name for task in worker.home.tasks()] == ["Order 1"]
    assert [told.trigger for told in worker.made] == ["orders"]
    assert (worker.said, worker.warned, worker.failed) == (["HTTP at https://aloma.example"], [], False)


def test_what_breaks_in_a_request_is_told_to_the_worker_and_not_to_the_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    worker = Worker(tmp_path, port=port)
    monkeypatch.setattr(Trigger, "fire", lambda _trigger, _event: 1 / 0)

    async def main() -> Answered:
        await worker.service.start()
        try:
            answer: Answered = await order(port)
        finally:
            await worker.service.close()
        return answer

    answer = asyncio.run(asyncio.wait_for(main(), 20))
    assert (answer.status, answer.json) == (500, {"error": "the server failed"})
    assert worker.warned == ["a request failed: ZeroDivisionError: division by zero"]


def test_a_trigger_that_ends_by_a_bug_ends_the_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(tmp_path, port=free_port())

    async def breaks() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(worker.triggers, "run", breaks)

    async def main() -> None:
        await worker.service.start()
        await asyncio.sleep(0.05)
        assert worker.failed
        await worker.service.close()

    with pytest.raises(ZeroDivisionError):
        asyncio.run(asyncio.wait_for(main(), 20))


def test_a_port_that_is_in_use_is_an_error_only_where_it_was_asked_for(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "c").mkdir()
    first, second = Worker(tmp_path / "a", port=port), Worker(tmp_path / "b", WebConfig(port=port))
    third = Worker(tmp_path / "c", port=port)

    async def main() -> None:
        await first.service.start()
        await second.service.start()
        with pytest.raises(InputError, match="cannot listen"):
            await third.service.start()
        for worker in (third, second, first):
            await worker.service.close()

    asyncio.run(asyncio.wait_for(main(), 20))
    assert [text.rpartition("; ")[2] for text in second.warned] == [
        "this worker answers no HTTP requests, and another one may"
    ]
