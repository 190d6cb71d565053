"""A loop of a model and its tools, killed at every boundary: a real server, real processes, `kill -9`.

The server kills the process: when a request has arrived, while it is being answered, or some time after it was
answered. The journal that the killed process left says what must not be asked again.
"""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from aloma_cli.api.reader import Records
from aloma_cli.jsontext import JsonObject
from aloma_cli.record import events as ev
from tests.cli.conftest import desk
from tests.cli.desk import Desk, ended

__all__ = ["desk"]

AGENT = """
from aloma_cli import Retry

condition = {"go": True, "out": None}


async def content(data, connectors, config):
    async def look_up(name: str) -> dict:
        \"\"\"Find a person.\"\"\"
        answer = await connectors.http.get(f"{config('SERVER')}/people/{name}")
        return answer["json"]

    tools = [look_up, connectors.post.send]
    answer = await connectors.openai.chat(messages="Write to them.", tools=tools, shape={"sent": int})
    data["out"] = answer.data["sent"]
"""

POST = """
import json, os, urllib.request


def send(to: str) -> dict:
    \"\"\"Send a mail.\"\"\"
    request = urllib.request.Request(os.environ["SERVER"] + "/mail", json.dumps({"to": to}).encode(), method="POST")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)
"""

MODEL = [
    [("look_up", {"name": "Ada"}), ("look_up", {"name": "Eve"})],
    [("post_send", {"to": "Ada"})],
    [("look_up", {"name": "Bob"}), ("post_send", {"to": "Eve"}), ("post_send", {"to": "Bob"})],
    '{"sent": 3}',
]
"""The turns: the calls of tools, and the answer."""

MAILS = ["Ada", "Eve", "Bob"]


class Town:
    """The server. It kills `process` at the request number `at`: `how` is before, within or after (in `delay` s)."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.mails: Counter[str] = Counter()
        self.process = 0
        self.at = 0
        self.how = "before"
        self.delay = 0.0
        self.lock = threading.Lock()
        self._count = 0

    def starts(self, at: int, how: str, delay: float) -> None:
        """A new process begins, and will be killed at this request."""
        self.process, self.at, self.how, self.delay, self._count = 0, at, how, delay, 0

    def arrives(self) -> str | None:
        """How the process is killed at the request that has just arrived; None if it is not."""
        with self.lock:
            self._count += 1
            return self.how if self._count == self.at and self.process else None

    def kill(self) -> None:
        os.kill(self.process, signal.SIGKILL)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    town: Town

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path == "/mail":
            self.answer(lambda: self.town.mails.update([body["to"]]), {"delivered": body["to"]})
            return
        key = self.headers["idempotency-key"]
        self.answer(lambda: self.town.asked.append(key), _turn(body["messages"]))

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        self.answer(lambda: None, {"name": name, "mail": f"{name}@x.org"})

    def answer(self, deed: Any, value: JsonObject) -> None:
        """Do what is asked, and say so; the process may be killed on the way."""
        how, data = self.town.arrives(), json.dumps(value).encode()
        if how == "before":
            self.town.kill()
            return
        deed()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        if how == "within":
            self.wfile.write(data[:9])
            self.wfile.flush()
            self.town.kill()
            return
        self.wfile.write(data)
        self.wfile.flush()
        if how == "after":
            time.sleep(self.town.delay)
            self.town.kill()

    def log_message(self, *_: object) -> None:
        """Nothing."""


def _turn(messages: list[JsonObject]) -> JsonObject:
    turn = MODEL[sum(message["role"] == "assistant" for message in messages)]
    message: JsonObject = {"role": "assistant", "content": turn if isinstance(turn, str) else None}
    if not isinstance(turn, str):
        message["tool_calls"] = [
            {"id": f"c{n}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
            for n, (name, arguments) in enumerate(turn)
        ]
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}


@pytest.fixture
def town() -> Iterator[Town]:
    """The server, at `SERVER`."""
    made = Town()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"town": made}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    os.environ["SERVER"] = f"http://127.0.0.1:{server.server_port}"
    yield made
    del os.environ["SERVER"]
    server.shutdown()
    server.server_close()


class Story:
    """One task from its creation to its end, through several deaths."""

    def __init__(self, desk: Desk, town: Town, dice: random.Random) -> None:
        desk.write("steps/agent.py", AGENT)
        desk.write("connectors/post.py", POST)
        self.desk, self.town, self.dice = desk, town, dice
        self.deaths = 0

    def run(self, at: int, how: str, delay: float) -> int:
        """Create or resume the task in a process that is killed at a request; gives its exit code."""
        answered = self.answered()
        before = Counter(self.town.asked)
        self.town.starts(at, how, delay)
        verb = ("resume", self.desk.tasks[0]) if self.desk.tasks else ("new", "A task", "-d", '{"go": true}')
        server = ("--base-url", f"{os.environ['SERVER']}/v1")
        process = self.desk.started("task", *verb, *server, env={**os.environ, "OPENAI_API_KEY": "sk-test-0123456789"})
        self.town.process = process.pid
        code = ended(process, 60).code
        self.deaths += code == -signal.SIGKILL
        asked = Counter(self.town.asked) - before
        assert not answered & {key.rpartition("-")[2].removesuffix(".words") for key in asked}, "asked again"
        return code

    def answered(self) -> set[str]:
        """The keys of the calls that are on record with an answer."""
        return {event.key for event in self.journal() if isinstance(event, ev.CallAnswered)}

    def journal(self) -> list[ev.Event]:
        if not self.desk.tasks:
            return []
        read = Records.at(str(self.desk.root)).store.read(self.desk.tasks[0])
        return [event for batch in read for event in batch.events]

    def settle(self) -> None:
        """Say of each unsettled call whether its mail came, as a person does who looks."""
        record = self.desk.run("task", "show", self.desk.tasks[0], "--json").json
        assert record["state"] == "unsettled", record
        for call in record["unsettled"]:
            assert call["function"] == "post.send"
            came = self.town.mails[call["arguments"]["to"]]
            how = ("--done", json.dumps({"delivered": call["arguments"]["to"]})) if came else ("--again",)
            settled = self.desk.run("task", "settle", record["id"], str(call["call"]), *how, "--no-run")
            assert settled.code == 0, settled

    def play(self, deaths: int) -> None:
        """Kill the task so many times at its next request, in ways that the dice choose, and then let it end."""
        code = -1
        while self.deaths < deaths and code != 0:
            how = self.dice.choice(["before", "within", "after"])
            code = self.run(1, how, self.dice.uniform(0, 0.02))
            if code == 8:
                self.settle()
        self.end()
        assert self.deaths >= deaths - 1

    def end(self) -> None:
        """Let the task end undisturbed, and see that everything was done once."""
        while (code := self.run(0, "before", 0)) == 8:
            self.settle()
        assert code == 0
        assert self.town.mails == Counter(MAILS), "each mail is sent once"
        assert self.desk.run("task", "show", self.desk.tasks[0], "--data").json == {"go": True, "out": 3}
        keys = Counter(event.key for event in self.journal() if isinstance(event, ev.CallAnswered))
        assert set(keys.values()) == {1}, "each call is on record once"


def test_a_loop_that_is_killed_repeats_no_answered_turn_and_sends_nothing_twice(desk: Desk, town: Town) -> None:
    Story(desk, town, random.Random(1)).play(4)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 28))
def test_a_loop_that_is_killed_again_and_again(desk: Desk, town: Town, seed: int) -> None:
    Story(desk, town, random.Random(seed)).play(8)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["before", "within", "after"])
@pytest.mark.parametrize("at", range(1, 11))
def test_a_loop_that_is_killed_at_each_request(desk: Desk, town: Town, at: int, how: str) -> None:
    story = Story(desk, town, random.Random(0))
    story.run(at, how, 0.0)
    assert story.deaths == 1
    story.end()
