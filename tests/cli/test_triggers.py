"""`aloma trigger`, and a worker that runs triggers: real processes, real files, real HTTP."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import signal
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

from aloma_cli.jsontext import Json, dumps, loads
from tests.cli.desk import Desk, ended, until

SECRET = "a-secret-of-hooks"  # noqa: S105

CONFIG = """
triggers:
  orders:
    webhook: HOOK
    key: "{event.body.id}"
    task: "Order {event.body.id}"
    data: {name: "{event.body.name}"}
  drop:
    files: {folder: inbox, read: json, settle: 0.2}
    task: "File {event.name}"
    data: {name: "{event.json.name}"}
  after:
    done: {name: "Order *"}
    task: "After {event.name}"
    data: {name: "{event.data.greeting}"}
"""


class Said(NamedTuple):
    status: int
    body: Json


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def send(port: int, body: Json, path: str = "/hooks/orders", **headers: str) -> Said:
    """A webhook's request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    given = {"content-type": "application/json", "authorization": f"Bearer {SECRET}", **headers}
    try:
        connection.request("POST", path, dumps(body), given)
        answer = connection.getresponse()
        return Said(answer.status, loads(answer.read()))
    finally:
        connection.close()


def listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def at(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The desk, with triggers and the secret of the webhook."""
    monkeypatch.setenv("HOOK", SECRET)
    desk.write("aloma.yaml", CONFIG)
    (desk.root / "inbox").mkdir()
    return desk


@contextmanager
def working(desk: Desk, port: int, *options: str) -> Iterator[subprocess.Popen[str]]:
    worker = desk.started("worker", "--web", str(port), *options)
    try:
        until(lambda: listens(port) or worker.poll() is not None, 20)
        yield worker
    finally:
        worker.kill()
        worker.communicate()


def listed(desk: Desk) -> dict[str, Any]:
    return {one["name"]: one for one in desk.run("task", "list", "--json").json}


def test_a_worker_makes_and_runs_the_tasks_of_its_triggers(at: Desk) -> None:
    port = free_port()
    with working(at, port) as worker:
        first = send(port, {"id": 1, "name": "Ada"})
        assert (first.status, send(port, {"id": 1, "name": "Ada"})) == (202, Said(409, _exists(first)))
        assert send(port, {"id": 2}).status == 422
        assert send(port, {}, "/hooks/other") == Said(404, {"error": "there is no webhook of this name"})
        assert send(port, {"id": 3}, authorization="Bearer no").status == 401
        at.write("inbox/.b.json.new", '{"name": "Bob"}').replace(at.root / "inbox" / "b.json")
        until(lambda: [one["state"] for one in listed(at).values()].count("done") == 3, 20)
        worker.terminate()
        told = ended(worker)
    assert told.code == 0
    assert f"HTTP at http://127.0.0.1:{port}" in told.err
    assert "trigger orders: the event has nothing at event.body.name" in told.err
    assert SECRET not in told.err
    tasks = listed(at)
    assert set(tasks) == {"Order 1", "File b.json", "After Order 1"}
    assert tasks["Order 1"]["id"] == first.body["task"]
    after = at.run("task", "show", tasks["After Order 1"]["id"], "--data").json
    assert (after["name"], after["greeting"]) == ("Hello, Ada!", "Hello, Hello, Ada!!")
    assert after["$via"]["task"] == first.body["task"]


def _exists(said: Said) -> Json:
    return {"error": "there is a task with this key", "task": said.body["task"]}


def test_two_workers_on_one_workspace_double_nothing(at: Desk) -> None:
    ports = free_port(), free_port()
    with working(at, ports[0]), working(at, ports[1]):
        answers = [send(port, {"id": number, "name": "Ada"}) for number in range(6) for port in ports]
        for number in range(6):
            at.write(f"inbox/{number}.json", '{"name": "Bob"}')
        until(lambda: [one["state"] for one in listed(at).values()].count("done") == 18, 30)
    assert Counter(answer.status for answer in answers) == {202: 6, 409: 6}
    assert len(at.tasks) == 18


def test_a_worker_that_comes_later_makes_what_is_missing(at: Desk) -> None:
    assert at.run("worker", "--once", "-q").code == 0
    at.write("inbox/a.json", '{"name": "Ada"}')
    at.run("task", "new", "Order 7", "-d", '{"name": "Eve"}')
    for _ in range(2):
        assert at.run("worker", "--drain", "-q").code == 0
    assert set(listed(at)) == {"Order 7", "After Order 7", "File a.json"}
    assert {one["state"] for one in listed(at).values()} == {"done"}


def test_a_second_worker_without_the_port_works_all_the_same(at: Desk) -> None:
    port = free_port()
    at.write("aloma.yaml", f"{CONFIG}\nweb: {{port: {port}}}\n")
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        asked = at.spawn("worker", "--web", str(port))
        assert (asked.code, "Address already in use" in asked.err) == (2, True)
        worker = at.started("worker")
        at.write("inbox/a.json", '{"name": "Ada"}')
        until(lambda: "File a.json" in listed(at), 20)
        worker.terminate()
        told = ended(worker)
    assert "this worker answers no HTTP requests, and another one may" in told.err


def test_a_terminated_worker_takes_no_more_requests_while_its_steps_end(at: Desk) -> None:
    at.step("slow", '{"name": "slow", "slept": None}', "open('began', 'w').close()", "await asyncio.sleep(2)")
    port = free_port()
    with working(at, port) as worker:
        send(port, {"id": 1, "name": "slow"})
        until((at.root / "began").exists)
        worker.send_signal(signal.SIGTERM)
        until(lambda: not listens(port))
        assert worker.poll() is None
        assert ended(worker).code == 0


def test_a_signature_in_the_style_of_github_is_checked(at: Desk) -> None:
    at.write("aloma.yaml", "triggers:\n  push:\n    webhook: {secret: HOOK, signature: sha256}\n    data: {name: a}\n")
    port, body = free_port(), {"ref": "main"}
    signature = "sha256=" + hmac.new(SECRET.encode(), dumps(body).encode(), hashlib.sha256).hexdigest()
    with working(at, port):
        assert send(port, body, "/hooks/push", **{"x-hub-signature-256": signature}).status == 202
        assert send(port, {"ref": "x"}, "/hooks/push", **{"x-hub-signature-256": signature}).status == 401
        assert send(port, {"a": "x" * 1_000_000}, "/hooks/push").status == 413
        assert send(port, body, "/hooks/push", host="evil.example").status == 421


def test_the_list_tells_what_came_last_and_what_comes_next(at: Desk) -> None:
    at.write("aloma.yaml", f"{CONFIG}  hourly: {{cron: 0 * * * *}}\n")
    at.run("worker", "--once", "-q")
    at.write("inbox/a.json", '{"name": "Ada"}')
    at.write("inbox/b.json", "[")
    at.run("worker", "--drain", "-q")
    records = {one["name"]: one for one in at.run("trigger", "list", "--json").json}
    assert records["drop"]["last_task"] == listed(at)["File a.json"]["id"]
    assert (records["drop"]["errors"], "b.json is not valid JSON" in records["drop"]["error"]["message"]) == (1, True)
    assert records["hourly"]["next"].endswith(":00:00.000Z")
    assert records["orders"] == {
        "name": "orders",
        "kind": "webhook",
        "on": "POST /hooks/orders",
        "next": None,
        "last_at": None,
        "last_task": None,
        "errors": 0,
        "error": None,
        "problem": None,
    }
    _, _, screen = at.at_terminal("trigger", "list", width=140)
    assert "in " in screen
    assert "done, name Order *" in screen


def test_a_trigger_that_is_wrong_is_told_beside_the_others(at: Desk) -> None:
    at.write("aloma.yaml", f"{CONFIG}  hourly: {{cron: 0 0 0}}\n")
    told = at.run("trigger", "list", "--json")
    assert told.code == 3
    assert [one["name"] for one in told.json if one["problem"]] == ["hourly"]
    assert "`triggers.hourly.cron` is not a valid schedule: Wrong number of fields" in told.err
    refused = at.run("worker", "--once")
    assert (refused.code, "`triggers.hourly.cron` is not a valid" in refused.err) == (3, True)


def test_a_trigger_is_tried_without_making_anything(at: Desk) -> None:
    shown = at.run("trigger", "test", "orders", "-d", '{"body": {"id": 7, "name": "Ada"}}').json
    assert shown["task"]["name"] == "Order 7"
    assert shown["task"]["data"]["name"] == "Ada"
    assert shown["event"]["query"] == {}
    assert at.tasks == []
    made = at.run("trigger", "test", "orders", "-d", '{"body": {"id": 7, "name": "Ada"}}', "--run")
    again = at.run("trigger", "test", "orders", "-d", '{"body": {"id": 7, "name": "Ada"}}', "--run")
    assert at.tasks == [made.out.strip()] == [again.out.strip()]
    assert "there is a task with this key" in again.err
    at.run("worker", "--once", "-q")
    assert listed(at)["Order 7"]["state"] == "done"


def test_each_kind_has_an_example(at: Desk) -> None:
    at.write("aloma.yaml", f"{CONFIG}  hourly: {{cron: 0 * * * *}}\n")
    assert at.run("trigger", "test", "hourly").json["event"]["time"].endswith(":00")
    tried = at.run("trigger", "test", "after", "-d", '{"data": {"greeting": "Hi"}}').json
    assert (tried["event"]["state"], tried["task"]["data"]["name"]) == ("done", "Hi")
    missing = at.run("trigger", "test", "drop")
    assert (missing.code, "the event has nothing at event.json.name" in missing.err) == (2, True)
    at.write("inbox/a.json", '{"name": "Ada"}')
    assert at.run("trigger", "test", "drop").json["task"]["data"]["name"] == "Ada"
    at.run("task", "new", "Order 3", "-d", '{"name": "Eve"}')
    assert at.run("trigger", "test", "after").json["task"]["name"] == "After Order 3"
    unknown = at.run("trigger", "test", "order")
    assert (unknown.code, "did you mean `orders`?" in unknown.err) == (9, True)


def test_without_triggers_there_is_nothing_to_list(desk: Desk) -> None:
    assert desk.run("trigger", "list", "--json").json == []
    assert "write them under `triggers:`" in desk.run("trigger", "test", "a").err
    assert "no triggers yet" in desk.at_terminal("trigger", "list")[2]


@pytest.mark.parametrize("options", [("--once", "--drain"), ("--web", "8080", "--once"), ("--web", "0")])
def test_options_that_cannot_be_used_together_are_refused(desk: Desk, options: tuple[str, ...]) -> None:
    assert desk.run("worker", *options).code == 2
