"""Notices by a command, a URL or mail that a task asks, has failed or is done: each at most once."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from aloma_cli.api import notifying
from aloma_cli.errors import ConfigError
from aloma_cli.loader import notify, settings
from aloma_cli.loader.config_files import read_config
from aloma_cli.loader.environment import Environment
from aloma_cli.notices.links import ticket_of
from aloma_cli.notices.send import send
from aloma_cli.notices.settings import NoticeSettings
from tests.cli.desk import Desk, until
from tests.support.smtp import MailServer, mail_server, own_certificate

KEEP = "import sys; open('told', 'a').write(sys.stdin.read())"
"""A program that keeps what it gets."""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifying, "PAUSES", (0.01, 0.01))


@pytest.fixture
def shop(desk: Desk) -> Desk:
    ask = 'task.ask("Pay?", into="ok", schema=bool, context={"to": "ACME"}) if data["total"] else 1 / 0'
    desk.step("ask", '{"total": int, "ok": None}', ask, asks="data, task")
    return desk


@pytest.fixture
def mails() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


class Hook(ThreadingHTTPServer):
    """`got` are the requests: headers and body. `answers`: the next states."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Take)
        self.got: list[tuple[dict[str, str], Any]] = []
        self.answers: list[int] = []


class _Take(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing goes to stderr."""


@pytest.fixture
def hook() -> Iterator[Hook]:
    server = Hook()
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def by_command(shop: Desk, *more: str, program: str = KEEP) -> None:
    shop.write("tell.py", program)
    lines = "".join(f"    {line}\n" for line in more)
    shop.write("aloma.yaml", f"name: shop\nnotify:\n  - command: [{sys.executable}, tell.py]\n{lines}")


def told(root: Path) -> list[Any]:
    path = root / "told"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def notices(shop: Desk) -> list[tuple[str, str]]:
    """The notices in the record of the last task."""
    events = shop.run("task", "log", "@last", "--json").json
    return [(event["event"], event["to"]) for event in events if event["event"].startswith("notice")]


def test_a_command_gets_a_question_as_json(shop: Desk) -> None:
    by_command(shop)
    asked = shop.new('{"total": 5}', "--tag", "a")
    [notice] = told(shop.root)
    task = asked.out.strip()
    assert asked.code == 8, asked.err
    assert notice == {
        "schema": 1,
        "event": "question",
        "workspace": "shop",
        "task": {"id": task, "name": "A task", "state": notice["task"]["state"], "tags": ["a"]},
        "simulated": False,
        "question": {
            "question": "Pay?",
            "into": "ok",
            "schema": {"type": "boolean"},
            "context": {"to": "ACME"},
            "asked_at": notice["question"]["asked_at"],
        },
        "answer": f"aloma task answer {task}",
    }
    label = f"command {Path(sys.executable).name}"
    assert f"question: {label}" in asked.err
    assert notices(shop) == [("notice_sent", label)]
    assert shop.run("task", "show", "--json").json["state"] == "question"


def test_a_question_is_told_once_whatever_runs_the_task_again(shop: Desk) -> None:
    by_command(shop)
    shop.new('{"total": 5}', "-q")
    shop.run("task", "resume", "@last", "-q")
    shop.run("task", "set", "@last", "other=1", "-q")
    shop.run("worker", "--once", "-q")
    assert len(told(shop.root)) == 1


def test_a_question_that_is_asked_again_is_told_again(shop: Desk) -> None:
    shop.step("again", '{"ok": True, "more": True}', 'data["ok"] = None', 'data["more"] = None')
    by_command(shop)
    shop.new('{"total": 5, "more": true}', "-q")
    shop.run("task", "answer", "@last", "yes", "-q")
    first, second = told(shop.root)
    assert first["question"]["asked_at"] < second["question"]["asked_at"]


def test_failures_and_ends_are_told_as_chosen(shop: Desk) -> None:
    by_command(shop, "when: [failed, done]")
    assert shop.new('{"total": 0}', "-q").code == 1
    assert shop.new('{"name": "Ada"}', "-q").code == 0
    failed, done = told(shop.root)
    assert (failed["event"], failed["task"]["state"]) == ("failed", "error")
    assert failed["errors"][0]["step"] == "ask"
    assert "division by zero" in failed["errors"][0]["message"]
    assert (done["event"], done["task"]["state"], done["show"]) == (
        "done",
        "done",
        f"aloma task show {done['task']['id']}",
    )
    shop.run("task", "resume", "@-2", "-q")
    assert [notice["event"] for notice in told(shop.root)] == ["failed", "done", "failed"]


def test_only_tasks_with_a_tag_are_told_of(shop: Desk) -> None:
    by_command(shop, "only: urgent")
    shop.new('{"total": 5}', "-q", "--tag", "slow")
    assert told(shop.root) == []
    shop.new('{"total": 5}', "-q", "--tag", "urgent")
    assert len(told(shop.root)) == 1


def test_a_worker_tells_as_well(shop: Desk) -> None:
    by_command(shop)
    shop.new('{"total": 5}', "-q", "--queue")
    assert told(shop.root) == []
    assert shop.run("worker", "--once", "-q").code == 0
    assert len(told(shop.root)) == 1
    assert shop.run("worker", "--once", "-q").code == 0
    assert len(told(shop.root)) == 1


def test_a_notice_that_fails_is_tried_three_times_and_harms_no_task(shop: Desk) -> None:
    by_command(shop, program="import sys; open('tries', 'a').write('x'); sys.exit('no network')")
    asked = shop.new('{"total": 5}')
    assert (asked.code, (shop.root / "tries").read_text()) == (8, "xxx")
    assert "unsent" in asked.err
    assert "exited with 1: no network" in asked.err
    assert [kind for kind, _ in notices(shop)] == ["notice_sent", "notice_failed"]
    assert shop.run("task", "answer", "@last", "yes", "-q").code == 0


def test_a_command_that_hangs_is_ended_in_time(shop: Desk) -> None:
    by_command(shop, "timeout: 0.2", program="import time; time.sleep(60)")
    assert "did not end within 0.2 s" in shop.new('{"total": 5}').err


LEAVES = """
import subprocess, sys, time
left = subprocess.Popen(["sleep", "20"], start_new_session=True)
open("left", "w").write(str(left.pid))
time.sleep(float(sys.stdin.read() and {seconds}))
"""


@pytest.mark.parametrize(("seconds", "words"), [(0.2, ()), (60, ("did not end within 2 s",))])
def test_a_program_that_a_command_leaves_behind_holds_up_nothing(
    shop: Desk, seconds: float, words: tuple[str, ...]
) -> None:
    """It has the streams of the command, and a session of its own, so that it is not ended with it."""
    by_command(shop, "timeout: 2", program=LEAVES.format(seconds=seconds))
    before = time.monotonic()
    asked = shop.new('{"total": 5}')
    os.kill(int((shop.root / "left").read_text()), signal.SIGKILL)
    assert (asked.code, "unsent" in asked.err) == (8, bool(words))
    assert all(word in asked.err for word in words)
    assert time.monotonic() - before < 15


def test_a_command_that_does_not_exist_is_not_tried_again(shop: Desk) -> None:
    shop.write("aloma.yaml", "notify:\n  command: ./missing\n")
    asked = shop.new('{"total": 5}')
    assert asked.code == 8
    assert "command missing" in asked.err
    assert "cannot be run: No such file or directory" in asked.err


def test_a_url_gets_a_post_with_its_headers(shop: Desk, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_TOKEN", "s3cret-token")
    hook.answers = [503, 204]
    shop.write(
        "aloma.yaml",
        f"notify:\n  - url: http://127.0.0.1:{hook.server_port}/x?key=abc\n"
        "    headers:\n      Authorization: Bearer ${HOOK_TOKEN}\n",
    )
    asked = shop.new('{"total": 5}')
    (first, _), (second, body) = hook.got
    assert body["question"]["question"] == "Pay?"
    assert first["authorization"] == "Bearer s3cret-token"
    assert first["idempotency-key"] == second["idempotency-key"]
    journal = next((shop.root / ".aloma/tasks").glob("*/journal.jsonl")).read_text()
    assert '"to":"url 127.0.0.1"' in journal
    assert "key=abc" not in journal + asked.err


def test_a_url_that_refuses_is_not_asked_again(shop: Desk, hook: Hook) -> None:
    hook.answers = [404]
    shop.write("aloma.yaml", f"notify:\n  url: http://127.0.0.1:{hook.server_port}/x\n")
    assert "answered 404" in shop.new('{"total": 5}').err
    assert len(hook.got) == 1


def by_mail(shop: Desk, port: int, *more: str, security: str = "none") -> None:
    lines = "".join(f"      {line}\n" for line in (f"security: {security}", f"port: {port}", *more))
    mail = f"to: [ops@example.org, ada@example.org]\n      from: aloma@example.org\n      host: 127.0.0.1\n{lines}"
    shop.write("aloma.yaml", f"notify:\n  - mail:\n      {mail}")


def test_mail_tells_what_is_asked_and_how_to_answer(
    shop: Desk, mails: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "s3cret-password")
    by_mail(shop, mails.port, "user: aloma", "password: ${SMTP_PASSWORD}")
    task = shop.new('{"total": 5}', "-q").out.strip()
    [letter] = mails.letters
    assert (letter["Subject"], letter["To"]) == ("Pay? (A task)", "ops@example.org, ada@example.org")
    assert (letter["From"], letter["Auto-Submitted"], mails.logins) == ("aloma@example.org", "auto-generated", 1)
    text = str(letter.get_payload())
    assert text.startswith("Pay?\n\nto: ACME\n\n")
    assert f"Or type: aloma task answer {task}\n" in text
    assert notices(shop) == [("notice_sent", "mail ops@example.org, ada@example.org")]


def test_mail_carries_whatever_a_step_asks(shop: Desk, mails: MailServer) -> None:
    question = "Half \\ud83d of a pair?\\r\\nBcc: eve@example.org"
    shop.step("ask", '{"total": int, "ok": None}', f'task.ask("{question}", into="ok")', asks="data, task")
    by_mail(shop, mails.port)
    assert "unsent" not in shop.new('{"total": 5}').err
    [letter] = mails.letters
    assert (letter["Subject"], letter["Bcc"]) == ("Half ? of a pair? Bcc: eve@example.org (A task)", None)


def test_a_mail_server_that_is_busy_is_tried_again_and_one_that_refuses_is_not(shop: Desk, mails: MailServer) -> None:
    by_mail(shop, mails.port)
    mails.refuses = ["451 later"]
    shop.new('{"total": 5}', "-q")
    assert len(mails.letters) == 1
    mails.refuses = ["554 never", "554 never"]
    assert "the mail server answered 554" in shop.new('{"total": 5}').err
    assert len(mails.letters) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_is_encrypted_and_sent_only_to_a_server_whose_certificate_is_trusted(
    shop: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, security: str
) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "s3cret-password")
    secure, certificate = own_certificate(tmp_path)
    with mail_server(secure, upgrades=security == "starttls") as server:
        by_mail(shop, server.port, "user: aloma", "password: ${SMTP_PASSWORD}", security=security)
        refused = shop.new('{"total": 5}').err
        assert "the certificate of the mail server is not trusted" in refused
        assert (server.letters, server.logins) == ([], 0)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        shop.new('{"total": 5}', "-q")
        assert (len(server.letters), server.logins, server.encrypted > 0) == (1, 1, True)


def test_a_test_of_the_workspace_tells_nobody(shop: Desk) -> None:
    by_command(shop)
    shop.write("cases/pay.yaml", "data: {total: 5}\nexpect: {state: question}\n")
    shop.run("test")
    assert told(shop.root) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("notify:\n  - when: question\n", "must have one of `command`, `url` and `mail`"),
        ("notify:\n  - command: a\n    url: http://a.example\n", "must have one of"),
        ("notify:\n  - command: a\n    when: asks\n", "`notify[0].when` is 'asks'"),
        ("notify:\n  - command: a\n    headers: {a: b}\n", "has `headers`, which only a `url` has"),
        ("notify:\n  - url: nowhere\n", "must be a URL"),
        ("notify:\n  - comand: a\n", "is an unknown setting"),
        ("notify:\n  - url: ${NOT_SET}\n", 'config("NOT_SET") has no value'),
        ("notify:\n  - mail: {to: a@b.example, from: c@d.example}\n", "needs `host`"),
        ("notify:\n  - mail: {to: nobody, from: c@d.example, host: h}\n", "must be a mail address"),
        ("notify:\n  - mail: {to: a@b.c, from: c@d.e, host: h, user: u, password: hunter22}\n", "is a secret"),
        ("notify:\n  - mail: {to: a@b.c, from: c@d.e, host: h, user: u}\n", "must have `user` and `password`"),
        ("notify:\n  - mail: {to: a@b.c, from: c@d.e, host: h, security: ssl}\n", "one of: starttls, tls, none"),
    ],
)
def test_what_is_wrong_in_the_settings_is_said_before_a_task_is_made(shop: Desk, text: str, problem: str) -> None:
    shop.write("aloma.yaml", text)
    refused = shop.new('{"total": 5}')
    assert refused.code != 0
    assert problem in refused.err, refused.err
    assert "hunter22" not in refused.err
    assert shop.tasks == []


def test_each_way_of_the_table_is_in_the_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ways: Any = notify._WAYS
    monkeypatch.setitem(ways, "sms", settings.text)
    (tmp_path / "aloma.yaml").write_text("notify:\n  - when: question\n")
    with pytest.raises(ConfigError, match="must have one of `command`, `url`, `mail` and `sms`"):
        read_config(tmp_path)


def test_a_way_that_nothing_sends_is_not_taken_for_mail(tmp_path: Path) -> None:
    way: Any = Path("sms")
    with pytest.raises(AssertionError, match="sms"):
        asyncio.run(send(way, {}, "key", 1))
    with pytest.raises(AssertionError, match="sms"):
        notify.equipped([NoticeSettings(way)], tmp_path, Environment())


def test_a_notice_that_was_being_sent_at_a_kill_is_not_sent_again(shop: Desk) -> None:
    by_command(shop, program="import os, signal; open('told', 'a').write('x'); os.kill(os.getppid(), signal.SIGKILL)")
    assert shop.spawn("task", "new", "A task", "-d", '{"total": 5}', "-q").code == -9
    until(lambda: (shop.root / "told").read_text() == "x")
    by_command(shop, program="open('told', 'a').write('y')")
    assert shop.run("task", "resume", "@last", "-q").code == 8
    assert shop.run("worker", "--once", "-q").code == 0
    assert (shop.root / "told").read_text() == "x"


def test_a_notice_has_a_link_where_a_worker_answers(shop: Desk) -> None:
    by_command(shop)
    config = shop.root / "aloma.yaml"
    config.write_text(config.read_text() + "web: {url: 'https://aloma.example.org'}\n")
    shop.new('{"total": 5}', "-q")
    [notice] = told(shop.root)
    token = notice["link"].removeprefix("https://aloma.example.org/answer/")
    ticket = ticket_of(token, (shop.root / ".aloma/links.key").read_bytes())
    assert (ticket.task, ticket.into, ticket.to) == (notice["task"]["id"], "ok", f"command {Path(sys.executable).name}")


def test_an_answer_is_taken_while_a_notice_hangs(shop: Desk) -> None:
    by_command(shop, program="open('begun', 'w').close(); import time; time.sleep(60)")
    with shop.started("task", "new", "A task", "-d", '{"total": 5}', "-q") as process:
        until((shop.root / "begun").exists)
        answered = shop.run("task", "answer", "@last", "yes")
        assert "has taken the request" in answered.err
        process.terminate()
