"""The live pages of a workspace: who is let in, what they show, and what they take."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from aloma_cli import Workspace
from aloma_cli.clock import to_iso
from aloma_cli.report.list_page import PAGE
from aloma_cli.web.board import board
from aloma_cli.web.server import serving
from tests.report.runs import HOSTILE
from tests.support.http_client import Answered, ask
from tests.support.steps import does, step
from tests.web.test_answers import asking

TOKEN = "t" * 32


class Visitor:
    """Serves the pages of `home`, and has been let in."""

    def __init__(self, home: Workspace, *, answers: bool = False) -> None:
        self.home, self.answers = home, answers
        self.failures: list[Exception] = []

    def serve(self, talk: Callable[[str], Awaitable[Any]]) -> Any:
        async def main() -> Any:
            app = board(self.home, "Desk", TOKEN, answers=self.answers, failed=self.failures.append)
            async with serving(app) as url:
                return await talk(url)

        got = asyncio.run(asyncio.wait_for(main(), 30))
        assert self.failures == []
        return got

    def get(self, path: str, method: str = "GET", body: bytes = b"", **headers: str) -> Answered:
        async def talk(url: str) -> Answered:
            entered = await ask(f"{url}/?token={TOKEN}")
            cookie = entered.headers["set-cookie"].partition(";")[0]
            return await ask(url + path, method, body, cookie=cookie, **headers)

        got: Answered = self.serve(talk)
        return got


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    steps = [asking("Pay <b>?", schema=bool), step("end", {"go": None}, does(lambda data: data.update(x=1)))]
    return Workspace(steps, folder=tmp_path)


def run(home: Workspace, name: str = "Ticket", **data: Any) -> str:
    return asyncio.run(home.run(name, data)).id


def test_the_token_is_traded_for_a_cookie(home: Workspace) -> None:
    got = Visitor(home).serve(lambda url: ask(f"{url}//evil.example?token={TOKEN}&state=done"))
    assert (got.status, got.headers["location"]) == (303, "/evil.example?state=done")
    assert got.headers["set-cookie"].partition("; ")[2] == "HttpOnly; Path=/; SameSite=strict"


@pytest.mark.parametrize("path", ["/", "/nowhere", "/?token=wrong", "/?token=", "/?token=%C3%A9", "/questions"])
def test_nothing_is_shown_without_the_token(home: Workspace, path: str) -> None:
    for method in ("GET", "POST", "HEAD", "PUT"):
        got = Visitor(home).serve(lambda url: ask(url + path, method))  # noqa: B023  (called at once)
        assert (got.status, "set-cookie" in got.headers, b"Ticket" in got.body) == (403, False, False)
    wrong = Visitor(home).get("/?token=wrong")
    assert wrong.status == 403


def test_it_answers_for_no_other_host(home: Workspace) -> None:
    assert Visitor(home).get("/", host="evil.example").status == 421


def test_a_page_allows_its_own_script_and_its_own_server(home: Workspace) -> None:
    task = run(home)
    for path in ("/", f"/tasks/{task}", "/questions"):
        got = Visitor(home).get(path)
        policy = got.headers["content-security-policy"]
        assert got.status == 200
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "script-src 'sha256-" in policy
        assert "connect-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert (got.headers["cache-control"], got.headers["x-frame-options"]) == ("no-store", "DENY")
        assert (b'src="' in got.body, b"@import" in got.body, b"<link" in got.body) == (False, False, False)


def test_a_version_that_is_known_is_not_sent_again(home: Workspace) -> None:
    task = run(home, go=True)
    for path in ("/", f"/tasks/{task}", "/questions"):
        got = Visitor(home).get(path)
        again = Visitor(home).get(path, if_none_match=got.headers["etag"])
        assert (again.status, again.body) == (304, b"")
        version = got.headers["etag"].replace('"', "&quot;")
        assert f'data-version="{version}"' in got.body.decode()
        asyncio.run(home.set(task, {"n": path}))
        assert Visitor(home).get(f"/tasks/{task}", if_none_match=got.headers["etag"]).status == 200


def test_what_does_not_exist_is_a_page(home: Workspace) -> None:
    task = run(home, go=True)
    for path, method, status in (
        ("/nowhere", "GET", 404),
        ("/tasks/9zzz", "GET", 404),
        ("/?state=odd", "GET", 404),
        ("/", "POST", 405),
        (f"/tasks/{task}", "DELETE", 405),
        (f"/questions/{task}", "GET", 404),
        (f"/questions/{task}?call={'9' * 5000}", "GET", 404),
        (f"/questions/{task}?into=answer", "POST", 404),
    ):
        got = Visitor(home).get(path, method, b"field0=yes")
        assert (got.status, got.body.startswith(b"<!doctype html>")) == (status, True), path
        assert b'href="/"' in got.body or status == 404
    assert home.task(task).state == "question"


def test_the_list_has_pages_and_states(home: Workspace) -> None:
    for number in range(PAGE + 3):
        claim = home.create(f"Task {number}", {}).claim
        claim.close()
    run(home, "Last")
    first = Visitor(home).get("/").body.decode()
    assert first.count('href="/tasks/') == PAGE
    older = first.partition(">Older<")[0].rpartition('href="')[2].partition('"')[0]
    second = Visitor(home).get(older).body.decode()
    assert second.count('href="/tasks/') == 4
    assert "Task 0<" in second
    assert ">Older<" not in second
    done = Visitor(home).get("/?state=done").body.decode()
    assert done.count('href="/tasks/') == 1
    assert "Last" in done
    created = Visitor(home).get("/?state=created").body.decode()
    assert created.count('href="/tasks/') == PAGE
    assert "state=created" in created.partition(">Older<")[0].rpartition('href="')[2]
    assert "No task is in this state" in Visitor(home).get("/?state=error").body.decode()


def test_a_damaged_task_is_listed_and_told(home: Workspace, tmp_path: Path) -> None:
    task = run(home)
    for file in (tmp_path / ".aloma/tasks" / task).iterdir():
        if file.suffix in (".json", ".jsonl"):
            file.write_text("{broken")
    listed = Visitor(home).get("/")
    assert listed.status == 200
    assert b"unreadable" in listed.body
    got = Visitor(home).get(f"/tasks/{task}")
    assert (got.status, b"damaged" in got.body) == (500, True)


def test_a_task_that_is_damaged_further_on_is_shown_up_to_there(home: Workspace, tmp_path: Path) -> None:
    task = run(home, go=True)
    journal = tmp_path / ".aloma/tasks" / task / "journal.jsonl"
    first, *others = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([first, b"garbage\n", *others[1:]]))
    got = Visitor(home).get(f"/tasks/{task}")
    assert (got.status, b"The record of this task is damaged." in got.body, b"line 2 of" in got.body) == (
        200,
        True,
        True,
    )


def test_questions_are_only_shown_unless_answers_are_allowed(home: Workspace) -> None:
    task = run(home, go=True)
    shown = Visitor(home).get("/questions").body.decode()
    assert "Pay &lt;b&gt;?" in shown
    assert "--allow-answers" in shown
    assert "/questions/" not in shown
    allowed = Visitor(home, answers=True).get("/questions").body.decode()
    assert f'href="/questions/{task}?into=answer&amp;asked_at=' in allowed


def address(home: Workspace, task: str) -> str:
    [asked] = home.task(task).record["questions"]
    return f"/questions/{task}?into=answer&asked_at={asked['asked_at']}"


def test_an_answer_is_recorded_with_who_gave_it(home: Workspace) -> None:
    task = run(home, go=True)
    path, visitor = address(home, task), Visitor(home, answers=True)
    assert b"<form" in visitor.get(path).body
    assert visitor.get(path, "POST", b"field0=maybe").status == 422
    got = visitor.get(path, "POST", b"field0=yes&name=Ada")
    assert (got.status, got.headers["location"].partition("?")[0]) == (303, f"/questions/{task}")
    [answer] = [event for event in home.task(task).journal if getattr(event, "answers", ())]
    assert answer.who == {"channel": "page", "user": "Ada"}  # type: ignore[attr-defined]
    assert b"By Ada on a page" in visitor.get(got.headers["location"]).body
    assert visitor.get(path, "POST", b"field0=no").status == 409
    assert visitor.get(f"/questions/{task}?into=answer&call=x").status == 404


def test_another_site_cannot_answer(home: Workspace) -> None:
    task = run(home, go=True)
    visitor = Visitor(home, answers=True)
    assert visitor.get(address(home, task), "POST", b"field0=yes", origin="http://evil.example").status == 403
    assert home.task(task).state == "question"


def test_hostile_texts_stay_texts(tmp_path: Path) -> None:
    schema = {HOSTILE[1]: str}
    home = Workspace([asking(HOSTILE[0], schema=schema, context={HOSTILE[1]: HOSTILE[2]})], folder=tmp_path)
    task = run(home, "<script>alert(1)</script>", go=True)
    visitor = Visitor(home, answers=True)
    for path in ("/", f"/tasks/{task}", "/questions", address(home, task), "/tasks/<script>", "/?before=<script>"):
        text = visitor.get(path).body.decode()
        for evil in (*HOSTILE[:2], "<script>alert", "\u202e"):
            assert evil not in text, path


def test_what_is_interrupted_says_how_it_continues(home: Workspace) -> None:
    task = run(home, go=True)
    home.submit(task, {"kind": "answer", "value": True, "into": "answer", "at": to_iso(home.clock.now())})
    got = Visitor(home).get(f"/tasks/{task}").body.decode()
    assert f"aloma task resume {task}" in got
