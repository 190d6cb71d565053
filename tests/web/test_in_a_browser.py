"""The page for answers in a real browser, and the desk of `examples/desk` as a queued task that is answered there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from aloma_cli import Integer, Optional, Text
from aloma_cli.notices.links import PATH
from aloma_cli.web.answers import answers
from aloma_cli.web.app import app_of
from tests.servers.browser import Chromium, violations
from tests.servers.process import free_port
from tests.web.served import served as serve
from tests.web.test_answers import KEY, Office, asking
from tests.workflows.test_desk import COMMAND, Desk

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]

SHAPE = {
    "day": {"$in": ["Monday", "Friday"]},
    "boxes": Integer(1, 9),
    "depot": {"$in": [f"depot {number}" for number in range(9)]},
    "fragile": bool,
    "note": Optional(Text(max=900)),
}


@contextmanager
def served(office: Office) -> Iterator[str]:
    """The address of the page with the question of an office."""
    with serve(app_of(answers(office.home, KEY), failed=lambda error: None)) as server:
        yield f"{server.url}{PATH}{office.token()}"


@pytest.mark.parametrize(("dark", "width"), [(False, 1000), (True, 1000), (False, 360), (True, 360)])
def test_the_page_is_accessible_and_fits(tmp_path: Path, chromium: Chromium, dark: bool, width: int) -> None:
    context = {"to": "ACME", "a long name of a value that has to be broken somewhere": "x" * 300}
    office = Office(tmp_path, asking("When shall we fetch it?", schema=SHAPE, context=context))

    def look(page: Any) -> tuple[list[str], int]:
        return violations(page), page.evaluate("document.documentElement.scrollWidth")

    with served(office) as address:
        found, wide = chromium.visit(address, look, width=width, dark=dark)
    assert found == []
    assert wide <= width


@pytest.mark.parametrize("script", [True, False])
def test_a_form_is_filled_in_corrected_and_sent(tmp_path: Path, chromium: Chromium, script: bool) -> None:
    office = Office(tmp_path, asking("When shall we fetch it?", schema=SHAPE))

    def fill(page: Any) -> tuple[str, str]:
        page.get_by_label("Friday").check()
        page.get_by_label("boxes").fill("2")
        page.get_by_label("depot").select_option("depot 7")
        page.get_by_label("no", exact=True).check()
        page.get_by_label("note (optional)").fill("Ring\ntwice")
        page.get_by_label("Your name").fill("Ada")
        page.get_by_role("button").click()
        answered = page.inner_text("main")
        page.reload()
        return answered, page.inner_text("main")

    with served(office) as address:
        answered, again = chromium.visit(address, fill, java_script_enabled=script)
    assert "This question is answered" in answered
    assert "By Ada through a link" in answered
    assert again == answered
    answer = {"day": "Friday", "boxes": 2, "depot": "depot 7", "fragile": False, "note": "Ring\ntwice"}
    assert office.data == {"go": True, "answer": answer}


CONFIG = """
offline: true
web: {{port: {port}}}
triggers:
  requests:
    webhook: REQUESTS_SECRET
    key: "{{event.body.id}}"
    task: "Request {{event.body.id}}"
    data: {{request: "{{event.body.request}}"}}
notify:
  command: [sh, -c, "cat >> told.jsonl"]
  label: the desk
"""


def test_a_request_by_webhook_is_asked_and_answered_on_the_page(desk: Desk, chromium: Chromium) -> None:
    port = free_port()
    config = desk.root / "aloma.yaml"
    config.write_text(config.read_text() + CONFIG.format(port=port))
    environ = {**os.environ, "REQUESTS_SECRET": "a-long-secret"}
    with subprocess.Popen([*COMMAND, "worker", "-q"], cwd=desk.root, env=environ, stderr=sys.stderr) as worker:
        try:
            request = json.loads((desk.root / "request.json").read_text())
            made = until(lambda: post(port, {"id": 7, **request}))
            assert made["task"]
            reply(chromium, desk, 1, "Say that we are sorry.")
            reply(chromium, desk, 2, "yes")
            until(lambda: desk.outbox)
            assert desk.outbox == ["Your globe lamp: a new one is on its way"]
            until(lambda: desk.json("task", "show", made["task"], "--json")["state"] == "done")
        finally:
            worker.send_signal(signal.SIGTERM)
    assert worker.returncode == 0
    events = desk.json("task", "log", made["task"], "--json")
    told = {"channel": "link", "to": "the desk", "user": "Ada"}
    assert [event["who"] for event in events if event.get("answers")] == [told, told]
    assert [event["to"] for event in events if event["event"] == "notice_sent"] == ["the desk"] * 2


def post(port: int, body: Any) -> Any:
    """What the webhook answers; None if the worker does not listen yet."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/hooks/requests",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": "Bearer a-long-secret"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  (loopback)
            return json.load(answer)
    except OSError:
        return None


def reply(chromium: Chromium, desk: Desk, number: int, words: str) -> None:
    """Open the link of the notice of this number, and answer there."""
    told = desk.root / "told.jsonl"
    lines = until(lambda: told.exists() and len(found := told.read_text().splitlines()) >= number and found)
    notice = json.loads(lines[number - 1])

    def answer(page: Any) -> str:
        assert page.inner_text("h1").startswith("Send this to customer@example.com?")
        assert "subject" in page.inner_text("dl")
        page.get_by_label("Your answer").fill(words)
        page.get_by_label("Your name").fill("Ada")
        page.get_by_role("button").click()
        return str(page.inner_text("main"))

    assert "This question is answered" in chromium.visit(notice["link"], answer, width=360)


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """What `condition` gives, once it gives something."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.1)
    return found
