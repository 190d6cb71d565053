"""`aloma web` as a process, in a real browser: a task is followed while it runs, and asked and answered."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from aloma_cli import Workspace
from aloma_cli.web.board import board
from tests.cli.desk import Desk, ended
from tests.servers import Chromium, violations
from tests.web.served import Served, served
from tests.web.test_answers import asking
from tests.web.test_board import TOKEN

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A workspace whose steps wait for files: `go` for the second step, `went` for the third."""
    monkeypatch.chdir(tmp_path)
    desk = Desk(tmp_path, capsys)
    wait = "while not os.path.exists({!r}): await asyncio.sleep(0.02)"
    desk.step("second", '{"greeting": str, "second": None}', "import os", wait.format("go"), "data['second'] = 2")
    desk.step("third", '{"second": 2, "third": None}', "import os", wait.format("went"), "data['third'] = 3")
    desk.step("pay", '{"third": 3}', "task.ask('Pay 20 EUR?', into='paid', schema=bool)", asks="task")
    return desk


@contextmanager
def aloma_web(desk: Desk, *options: str) -> Iterator[str]:
    """The address that `aloma web` prints."""
    process = desk.started("web", *options)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.send_signal(signal.SIGINT)
        end = ended(process)
    assert (end.code, end.out, end.err) == (0, "", "")


@contextmanager
def running(desk: Desk) -> Iterator[subprocess.Popen[str]]:
    process = desk.started("task", "new", "Letter", "-d", '{"name": "Ada"}', "-q")
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_task_is_followed_while_it_runs_and_is_answered(desk: Desk, chromium: Chromium) -> None:
    def act(page: Any) -> None:
        assert "token" not in page.url
        assert page.locator("tbody tr").count() == 0
        with running(desk) as process:
            row = page.locator("tbody tr", has_text="Letter")
            row.wait_for()
            row.get_by_text("running").wait_for()
            row.get_by_role("link").click()
            page.locator(".detail h3", has_text="greet").wait_for()
            follow(page, desk)
            page.get_by_role("heading", name="Questions and answers").wait_for()
            process.wait(60)
        page.locator("h1 .state", has_text="question").wait_for()
        page.get_by_role("link", name="Questions", exact=True).first.click()
        page.get_by_role("link", name="Pay 20 EUR?").click()
        page.get_by_label("yes").check()
        page.get_by_label("Your name").fill("Grace")
        page.get_by_role("button").click()
        assert "By Grace on a page" in page.inner_text("main")

    with aloma_web(desk, "--allow-answers") as address:
        chromium.visit(address, act)
    assert desk.run("task", "show", "--path", "paid").out == "true\n"


def follow(page: Any, desk: Desk) -> None:
    """The page grows; an entry that somebody looks at stays, and so does what they have opened."""
    page.get_by_label("First entry").click()
    page.get_by_label("Zoom in").click()
    page.locator(".tree .key", has_text="name").click()
    lines = page.locator(".line").count()
    (desk.root / "go").touch()
    page.locator(".line", has_text="second").wait_for()
    assert page.locator(".line").count() > lines
    assert page.locator(".position").inner_text().startswith("1 of")
    assert page.locator(".blame").count() == 1
    assert page.evaluate("document.getElementById('lanes').style.width") == "200%"
    page.get_by_label("Last entry").click()
    (desk.root / "went").touch()
    page.locator(".detail .word.question").wait_for()


@contextmanager
def in_process(folder: Path) -> Iterator[tuple[Served, str]]:
    """The pages of a workspace with a task that asks, and the path of that task with the token."""
    home = Workspace([asking("Pay 20 EUR?", schema=bool, context={"to": "ACME"})], folder=folder)
    task = asyncio.run(home.run("Letter", {"go": True})).id
    with served(board(home, "Desk", TOKEN, answers=True, failed=lambda error: None)) as server:
        yield server, f"/tasks/{task}"


def test_the_pages_are_accessible_and_fit(tmp_path: Path, chromium: Chromium) -> None:
    with in_process(tmp_path) as (server, task):
        for path, width, dark in (("/", 1280, True), (task, 390, True), ("/questions", 390, False)):

            def look(page: Any, width: int = width) -> None:
                assert page.get_by_text("Pay 20 EUR?").or_(page.get_by_text("Letter")).count() > 0
                assert violations(page) == []
                assert page.evaluate("document.documentElement.scrollWidth") <= width

            chromium.visit(f"{server.url}{path}?token={TOKEN}", look, width=width, dark=dark)


def test_a_page_says_that_its_server_has_stopped(tmp_path: Path, chromium: Chromium) -> None:
    def act(page: Any) -> None:
        server.end()
        page.locator("#state", has_text="The server has stopped").wait_for()

    with in_process(tmp_path) as (server, task), pytest.raises(AssertionError, match="ERR_CONNECTION_REFUSED"):
        chromium.visit(f"{server.url}{task}?token={TOKEN}", act)
