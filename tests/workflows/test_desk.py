"""The desk of `examples/desk`: an agent with three tools, a writer, a person, and a mail that is sent once."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers import Llama
from tests.servers.process import free_port
from tests.workflows.workspace import REPOSITORY

DESK = REPOSITORY / "examples" / "desk"
TASKS = 8
"""Tasks of which one is to reach the person: three of four do."""

COMMAND = (sys.executable, "-m", "aloma_cli")


class Desk:
    """A copy of the workspace, with its orders served."""

    def __init__(self, root: Path, port: int) -> None:
        self.root = root
        shutil.copytree(
            DESK, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", ".aloma", "outbox")
        )
        self._replace("aloma.yaml", "8737", str(port))
        for script in (root / "responses").iterdir():
            script.write_text(re.sub(r'"delay": [0-9.]+', '"delay": 0.02', script.read_text("utf-8")), "utf-8")

    def _replace(self, name: str, old: str, new: str) -> None:
        path = self.root / name
        path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen([*COMMAND, *arguments], cwd=self.root, **pipes)

    def aloma(self, *arguments: str) -> tuple[int, str]:
        """The exit code of a command, and what it printed."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=60)
        assert "internal error" not in err
        return process.returncode, out

    def json(self, *arguments: str) -> Any:
        return json.loads(self.aloma(*arguments)[1])

    @property
    def outbox(self) -> list[str]:
        """The subjects of the mails that were sent."""
        return [re.findall("Subject: (.*)", mail.read_text())[0] for mail in sorted(self.root.glob("outbox/*.eml"))]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    port = free_port()
    with subprocess.Popen([sys.executable, str(DESK / "servers/orders.py"), str(port)]) as orders:
        try:
            yield Desk(tmp_path, port)
        finally:
            orders.kill()


NEW = ("task", "new", "Broken lamp", "-f", "request.json", "--offline", "-q")


def test_a_request_is_looked_up_written_approved_and_sent(desk: Desk) -> None:
    assert desk.aloma(*NEW)[0] == 8
    assert desk.aloma("task", "answer", "@last", "Say that we are sorry.", "-q")[0] == 8
    assert desk.aloma("task", "answer", "@last", "yes", "-q")[0] == 0
    assert desk.outbox == ["Your globe lamp: a new one is on its way"]
    log = desk.json("task", "log", "--json")
    calls = [event["call"] for event in log if event["event"] == "call_answered"]
    assert {"tool.search", "tool.find_order", "http.get", "mcp.stock.in_stock", "mail.send"} <= {*calls}
    data = desk.json("task", "show", "--data")
    assert (data["order"], data["wishes"]) == ("4711", ["Say that we are sorry."])


def test_nothing_is_found_wrong_in_its_steps(desk: Desk) -> None:
    assert desk.aloma("step", "check", "--strict")[0] == 0


def test_the_commands_of_its_page_are_those_that_were_tried() -> None:
    lines = re.findall(r"^aloma .*$", (DESK / "README.md").read_text("utf-8"), re.MULTILINE)
    assert lines == [
        'aloma task new "Broken lamp" -f request.json --offline',
        "aloma task log --calls",
        'aloma task answer @last "Say that we are sorry."',
        "aloma task answer @last yes",
        "aloma task show",
    ]


@pytest.mark.e2e
def test_a_real_server_takes_its_tools_and_a_person_is_asked(desk: Desk, llama_tools: Llama) -> None:
    """The tiny model says nothing sensible, so some tasks end with an answer that does not fit. Each is on record."""
    codes = []
    for number in range(TASKS):
        server = ("--base-url", llama_tools.base_url, "--model", "tiny", "--api-key", "sk-no-key-needed-here")
        codes.append(desk.aloma("task", "new", f"Lamp {number}", "-f", "request.json", "-q", *server)[0])
        turns = [call for call in desk.json("task", "calls", "@last", "--json") if call["function"] == "openai.chat"]
        assert turns[0]["state"] == "answered"
        names = {tool["function"]["name"] for tool in turns[0]["arguments"]["tools"]}
        assert names == {"search", "find_order", "mcp_stock_in_stock"}
        if codes[-1] == 8:
            break
    assert codes[-1] == 8, codes
    assert desk.json("task", "show", "--json")["state"] == "question"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(25))
def test_killed_at_any_moment_it_repeats_no_turn_and_sends_no_second_mail(desk: Desk, seed: int) -> None:
    chance = random.Random(seed)
    assert desk.aloma(*NEW, "--queue")[0] == 0
    process = desk.start("task", "resume", "@last", "-q")
    for _ in range(3):
        time.sleep(chance.uniform(0.3, 2.0))
        process.kill()
        process.communicate()
        process = desk.start("task", "resume", "@last", "-q")
    process.communicate(timeout=60)
    answers = [desk.start("task", "answer", "@last", "yes", "-q")]
    time.sleep(chance.uniform(0.2, 1.2))
    answers[0].kill()
    answers[0].communicate()
    for _ in range(3):
        state = desk.json("task", "show", "--json")["state"]
        if state == "question":
            desk.aloma("task", "answer", "@last", "yes", "-q")
        elif state == "unsettled":
            [call] = [
                one["number"] for one in desk.json("task", "calls", "--json") if one["state"] == "outcome unknown"
            ]
            sent = ("--done", '"0001.eml"') if desk.outbox else ("--again",)
            desk.aloma("task", "settle", "@last", str(call), *sent, "-q")
        elif state != "done":
            desk.aloma("task", "resume", "@last", "-q")
    assert desk.json("task", "show", "--json")["state"] == "done"
    assert desk.outbox == ["Your order 4711"]
    answered = [event["key"] for event in desk.json("task", "log", "--json") if event["event"] == "call_answered"]
    assert len(answered) == len({*answered})
