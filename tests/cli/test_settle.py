"""A call that must be sent once, and whose outcome is unknown, is settled by a person."""

from __future__ import annotations

import asyncio
import signal

import pytest

from aloma_cli import Workspace
from tests.cli.desk import Desk, ended, until

POST = """
import pathlib, time


def mail(to):
    with open("sent", "a") as file:
        file.write(f"{to}\\n")
    while pathlib.Path("slow").exists():
        time.sleep(0.01)
    return f"sent to {to}"
"""


@pytest.fixture
def office(desk: Desk) -> Desk:
    """A workspace with a step that sends one mail; while the file `slow` exists, a mail takes forever."""
    desk.write("connectors/post.py", POST)
    desk.step(
        "send",
        '{"to": str, "receipt": None}',
        "data['receipt'] = await connectors.post.mail(data['to'])",
        asks="data, connectors",
    )
    return desk


def sent(desk: Desk) -> list[str]:
    """The mails that left."""
    return (desk.root / "sent").read_text().split()


def killed(desk: Desk, how: int = signal.SIGKILL) -> str:
    """The task whose process was killed while its mail was under way."""
    (desk.root / "slow").touch()
    process = desk.started("task", "new", "A task", "-d", '{"to": "ada@x.org"}')
    mails = desk.root / "sent"
    until(lambda: mails.exists() and mails.read_text() != "")
    process.send_signal(how)
    ended(process)
    (desk.root / "slow").unlink()
    return desk.tasks[0]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_call_that_was_under_way_at_a_kill_is_not_sent_again(office: Desk, how: int) -> None:
    task = killed(office, how)
    resumed = office.run("task", "resume", task)
    assert (resumed.code, sent(office)) == (8, ["ada@x.org"])
    assert "call 1 was sent, and its outcome is unknown: post.mail" in resumed.err
    assert '"ada@x.org"' in resumed.err
    assert f"aloma task settle {task} 1 --again" in resumed.err
    record = office.run("task", "show", task, "--json").json
    (call,) = record["unsettled"]
    assert (record["state"], call["function"], call["arguments"]) == ("unsettled", "post.mail", {"to": "ada@x.org"})
    assert "unsettled" in office.run("task", "list").out
    assert f"aloma task settle {task} 1 --done VALUE" in office.run("task", "show", task).out


def test_it_was_carried_out(office: Desk) -> None:
    task = killed(office)
    done = office.run("task", "settle", task, "1", "--done", "by hand", "--data")
    assert (done.code, done.json["receipt"], sent(office)) == (0, "by hand", ["ada@x.org"])


def test_it_was_not_carried_out(office: Desk) -> None:
    task = killed(office)
    done = office.run("task", "settle", task, "1", "--again", "--data")
    assert (done.code, done.json["receipt"], len(sent(office))) == (0, "sent to ada@x.org", 2)


def test_it_failed(office: Desk) -> None:
    task = killed(office)
    done = office.run("task", "settle", task, "1", "--failed", "the address is wrong")
    assert (done.code, len(sent(office))) == (1, 1)
    assert "the address is wrong" in done.err


def test_it_can_be_settled_without_a_run(office: Desk) -> None:
    task = killed(office)
    assert office.run("task", "settle", task, "1", "--done", "1", "--no-run").code == 0
    assert office.run("task", "resume", task, "--data").json["receipt"] == 1
    assert len(sent(office)) == 1


def test_from_python(office: Desk) -> None:
    task = killed(office)
    home = Workspace.open(office.root)
    assert asyncio.run(home.resume(task)).record["unsettled"][0]["call"] == 1
    assert asyncio.run(home.settle(task, 1, done="by hand")).data["receipt"] == "by hand"


def test_a_process_that_runs_the_task_takes_the_request(office: Desk) -> None:
    task = killed(office)
    office.step(
        "slow",
        '{"to": str, "x": None}',
        "open('begun', 'w').close()",
        "while 'receipt' not in data: await asyncio.sleep(60)",
    )
    process = office.started("task", "resume", task)
    try:
        until((office.root / "begun").exists)
        assert office.run("task", "settle", task, "1", "--done", "by hand").code == 0
        until(lambda: office.run("task", "show", task, "--data").json.get("receipt") == "by hand")
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("1",), "use one of --done VALUE, --failed REASON, --again"),
        (("1", "--again", "--done", "1"), "use one of"),
        ((), "needs the number of a call after the task\n  → use the number of an unsettled call: 1\n"),
        (("--again",), "needs the number of a call after the task\n  → use the number of an unsettled call: 1\n"),
        (("2",), "has no call 2\n  → use the number of an unsettled call: 1\n"),
        (("2", "--again"), "has no call 2\n  → use the number of an unsettled call: 1\n"),
        (("0", "--again"), "has no call 0\n"),
        (("one", "--again"), "'one' is not the number of a call"),
        (("9" * 5000, "--again"), "99…' is not the number of a call"),
    ],
)
def test_what_is_said_must_make_sense(office: Desk, words: tuple[str, ...], complaint: str) -> None:
    task = killed(office)
    refused = office.run("task", "settle", task, *words)
    assert refused.code == 2
    assert complaint in refused.err


def test_what_why_offers_can_be_typed_as_it_is(office: Desk) -> None:
    task = killed(office)
    office.run("task", "resume", task)
    told = office.run("task", "why", "@last", "--json").json["waits"][0]
    assert (told["kind"], told["cure"]) == ("unsettled", f"aloma task settle {task} 1 --done VALUE")
    assert told["cure"] in office.run("task", "why", "@last", "send").out
    assert office.run(*told["cure"].split()[1:]).code == 0
    assert office.run("task", "show", task, "--path", "receipt").out == "VALUE\n"


def test_a_call_that_has_its_answer_is_not_settled_again(office: Desk) -> None:
    task = office.new('{"to": "ada@x.org"}').out.strip()
    refused = office.run("task", "settle", task, "1", "--again")
    message = f"aloma: call 1 of task {task} is not unsettled\n  → no call of it is unsettled\n"
    assert (refused.code, refused.err) == (2, message)
    refused = office.run("task", "settle", "1", "--again")
    assert (refused.code, "needs a task\n  → run `aloma task settle @last 1 --again`" in refused.err) == (2, True)
