"""A task keeps its way of answering: its server, or that its answers are simulated."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from aloma_cli.jsontext import Json
from tests.cli.desk import Desk

CALL = 'answer = await connectors.openai.chat(model="gpt-4", messages=[{"role": "user", "content": "?"}], shape=SHAPE)'


class Server(ThreadingHTTPServer):
    """A model server; `asked` are the models and keys it was asked with."""

    asked: list[tuple[str, str | None]]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Answers(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((body["model"], self.headers["Authorization"]))
        message = {"role": "assistant", "content": '{"text": "real"}'}
        answer = json.dumps({"model": body["model"], "choices": [{"message": message}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Nothing goes to stderr."""


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Answers)
    server.asked = []
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def shop(desk: Desk) -> Desk:
    """A workspace that calls a model, asks a person, and calls the model once more."""
    body = [CALL, 'data["one"] = answer.data["text"]', 'task.ask("More?", into="more", schema=bool)']
    desk.step("first", '{"go": True, "one": None}', f"SHAPE = {{'text': str}}; {body[0]}", *body[1:], asks=ASKS)
    more = [f"SHAPE = {{'text': str}}; {CALL}", 'data["two"] = answer.data["text"]']
    desk.step("second", '{"more": True, "two": None}', *more, asks=ASKS)
    return desk


ASKS = "data, connectors, task"


def two(desk: Desk, *command: str) -> Json:
    """The answer to the second call of a task that continues by this command."""
    done = desk.run("task", *command, "--data")
    assert done.code == 0, done.err
    return done.json["two"]


@pytest.mark.parametrize("command", [("answer", "@last", "yes"), ("set", "@last", "more=true")])
def test_a_task_goes_on_with_the_server_it_was_created_with(shop: Desk, server: Server, command: list[str]) -> None:
    assert shop.new('{"go": true}', "--base-url", server.url).code == 8
    assert two(shop, *command) == "real"
    assert len(server.asked) == 2


def test_a_clone_is_answered_as_the_task_it_is_a_copy_of(shop: Desk, server: Server) -> None:
    shop.new('{"go": true}', "--base-url", server.url, "--model", "mine")
    cloned = shop.run("task", "clone", "@last", "--at", "0", "--json").json
    assert (cloned["data"]["one"], cloned["answering"]["model"]) == ("real", "mine")
    assert [model for model, _ in server.asked] == ["mine", "mine"]


def test_a_simulated_task_stays_simulated_where_a_server_is_set_up(
    shop: Desk, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.new('{"go": true}', "--offline")
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    assert two(shop, "answer", "@last", "true").startswith("(simulated)")
    assert server.asked == []


def test_a_flag_changes_the_server_and_the_change_is_told_and_recorded(shop: Desk, server: Server) -> None:
    shop.new('{"go": true}', "--offline")
    done = shop.run("task", "answer", "@last", "true", "--base-url", server.url, "--json")
    assert f"model server changed: simulated answers → {server.url}" in done.err
    assert (done.json["data"]["two"], done.json["answering"]["server"]) == ("real", server.url)
    assert "answering_set" in shop.run("task", "log", "--json").out
    assert f"model server: {server.url}" in shop.run("task", "show").out


def test_a_key_goes_only_to_the_server_it_is_set_up_for(
    shop: Desk, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.new('{"go": true}', "--base-url", server.url, "--api-key", "sk-of-the-server")
    assert server.asked == [("gpt-4", "Bearer sk-of-the-server")]
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-one")
    refused = shop.run("task", "answer", "@last", "true")
    assert (refused.code, refused.out) == (4, "")
    assert refused.err == (
        f"aloma: this task was run with {server.url}; no key is set up for it now\n"
        f"  → add `--base-url {server.url}` to send the key there\n"
    )
    assert shop.run("task", "show", "--json").json["state"] == "question"
    assert two(shop, "answer", "@last", "true", "--base-url", server.url) == "real"
    assert server.asked[1:] == [("gpt-4", "Bearer sk-of-another-one")]
    journal = next(shop.root.glob(".aloma/tasks/*/journal.jsonl")).read_text()
    assert "sk-of" not in journal


def test_the_key_that_a_task_was_made_with_needs_no_flag_later(
    shop: Desk, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-server")
    shop.new('{"go": true}', "--base-url", server.url)
    assert two(shop, "answer", "@last", "true") == "real"
    assert server.asked == [("gpt-4", "Bearer sk-of-the-server")] * 2


def test_real_answers_are_followed_by_simulated_ones_only_where_that_is_typed(
    shop: Desk, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.new('{"go": true}', "--base-url", server.url)
    monkeypatch.setenv("ALOMA_OFFLINE", "1")
    refused = shop.run("task", "answer", "@last", "true")
    assert (refused.code, f"this task was run with {server.url}" in refused.err) == (4, True)
    assert two(shop, "answer", "@last", "true", "--offline").startswith("(simulated)")


def test_a_record_without_a_way_of_answering_is_held_to_the_answers_in_it(shop: Desk, server: Server) -> None:
    """Earlier programs wrote none."""
    from aloma_cli.record.codec import encode
    from aloma_cli.store.files.journal import read_journal

    shop.new('{"go": true}', "--base-url", server.url)
    journal = next(shop.root.glob(".aloma/tasks/*/journal.jsonl"))
    batches = [batch for batch, _ in read_journal(journal)]
    object.__setattr__(batches[0].events[0], "answering", None)
    journal.write_bytes(b"".join(map(encode, batches)))
    refused = shop.run("task", "answer", "@last", "true")
    assert (refused.code, "this task was run with a real model server" in refused.err) == (4, True)
    assert two(shop, "answer", "@last", "true", "--base-url", server.url) == "real"


def test_scripts_are_found_again_where_the_workspace_was_moved_and_missing_ones_are_an_error(shop: Desk) -> None:
    shop.write("story/second.json", '[{"calls": [{"answer": {"text": "scripted"}}]}]')
    shop.new('{"go": true}', "--responses", "story")
    record = shop.run("task", "show", "--json").json
    assert record["answering"]["responses"] == "story"
    (shop.root / "story").rename(shop.root / "away")
    refused = shop.run("task", "answer", "@last", "true")
    assert (refused.code, "the folder of this task's scripted answers is missing" in refused.err) == (2, True)
    (shop.root / "away").rename(shop.root / "story")
    assert shop.run("task", "answer", "@last", "true").code == 0


def test_what_was_counted_as_simulated_is_what_the_run_said(shop: Desk) -> None:
    shop.new('{"go": true}')
    usage = shop.run("task", "show", "--json").json["usage"]
    assert (usage["answers"], usage["simulated"]) == (1, 1)
