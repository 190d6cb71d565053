"""`aloma doctor`: what is wrong with a workspace and its servers, each with its cure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.cli.desk import Desk
from tests.support.model_server import ModelServer, Reply, Request, model_server, refusal, said


def capable(request: Request) -> Reply:
    """A server that does all it is asked for."""
    body = request.body
    if body.get("stream"):
        return Reply("data: [DONE]\n\n")
    if "tools" in body:
        call = {"id": "1", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}
        return said(None, tool_calls=[call])
    return said('{"vegetable": "radish"}' if "response_format" in body else "Mars")


@pytest.fixture
def server(desk: Desk) -> Iterator[ModelServer]:
    with model_server(capable) as server:
        settings = f"{{local: {{base_url: '{server.url}', api_key_env: LOCAL_KEY}}}}"
        desk.write("aloma.yaml", f"providers: {settings}\nmodels: {{gpt-4: tiny}}\n")
        yield server


@pytest.fixture
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_KEY", "key-of-local")


def findings(desk: Desk, *options: str, code: int = 0) -> dict[str, tuple[str, str, str | None]]:
    """State, words and cure by what was checked."""
    ended = desk.run("doctor", *options, "--json")
    assert ended.code == code, ended
    return {one["check"]: (one["state"], one["says"], one["cure"]) for one in ended.json["findings"]}


@pytest.mark.usefixtures("_key")
def test_a_server_that_can_do_all_is_told_so_and_what_it_honours_is_remembered(desk: Desk, server: ModelServer) -> None:
    told = desk.run("doctor")
    assert (told.code, told.err) == (0, "")
    assert [line.split(": ")[0].strip() for line in told.out.splitlines() if "→" not in line][-8:] == [
        "local",
        "ok     reachable",
        "ok     key",
        "ok     model",
        "ok     structured output",
        "ok     tools",
        "ok     streaming",
        "!      price",
    ]
    assert {request.key for request in server.seen} == {"Bearer key-of-local"}
    assert "key-of-local" not in told.out


@pytest.mark.usefixtures("_key")
@pytest.mark.parametrize(
    ("answer", "form"),
    [
        (lambda body: said("Mars"), "not enforced"),
        (lambda body: refusal(400, "response_format is not supported"), "none"),
        (lambda body: refusal(400, "no") if body["response_format"]["type"] == "json_schema" else said("{}"), "only"),
    ],
)
def test_what_a_server_makes_of_a_schema_is_tried_and_the_next_call_begins_there(
    desk: Desk, server: ModelServer, answer: Callable[[Any], Reply], form: str
) -> None:
    server.answer = lambda request: answer(request.body) if "response_format" in request.body else capable(request)
    state, says, cure = findings(desk)["structured output"]
    assert (state, form in says, cure is not None) == ("warning", True, True)

    last = server.posts[-3].body.get("response_format")
    server.seen.clear()
    ask = 'await connectors.openai.chat(messages="?", model="gpt-4", shape={"vegetable": str})'
    desk.step("asks", '{"go": 1}', ask, asks="connectors")
    desk.new('{"go": 1}')
    first = server.posts[0].body.get("response_format")
    assert (first or {}).get("type") == (last or {}).get("type"), "another process begins where the doctor ended"


@pytest.mark.usefixtures("_key")
def test_a_finding_has_its_cure(desk: Desk, server: ModelServer) -> None:
    server.models = ["tinny", "big"]
    assert findings(desk, code=1)["model"] == ("failed", "the server does not have tiny", "did you mean `tinny`?")
    server.models = ["tiny"]
    server.answer = lambda request: refusal(400, "tools are not supported") if "tools" in request.body else said("x")
    found = findings(desk)
    assert found["tools"][0] == found["streaming"][0] == "warning"
    server.get = lambda _: Reply({"data": [{"id": "models/tiny", "shutdown_date": "2026-12-24"}]})
    assert findings(desk)["model"][:2] == ("warning", "tiny is shut down on 2026-12-24")


@pytest.mark.usefixtures("_key")
@pytest.mark.parametrize(
    ("reply", "check", "says", "cure", "code"),
    [
        (refusal(401, "no such key"), "key", "refused the key (401): no such key", "export LOCAL_KEY=…", 4),
        (refusal(500, "oh"), "reachable", "failed (500): oh", "", 1),
        (Reply("<html><title>Login</title>"), "reachable", 'returned a web page ("Login"), not JSON', "/v1", 1),
    ],
)
def test_a_server_that_cannot_be_used_is_told_with_its_reason(
    desk: Desk, server: ModelServer, reply: Reply, check: str, says: str, cure: str, code: int
) -> None:
    server.get = lambda _: reply
    state, words, hint = findings(desk, code=code)[check]
    assert (state, says in words, cure in str(hint)) == ("failed", True, True)
    assert server.posts == []


def test_a_missing_key_is_told_with_its_name_and_nothing_is_sent(desk: Desk, server: ModelServer) -> None:
    assert "export LOCAL_KEY=…" in str(findings(desk, "local", code=4)["key"])
    assert server.seen == []


def test_a_server_that_does_not_run_is_told_with_how_to_start_it(desk: Desk) -> None:
    desk.write("aloma.yaml", "providers: {l: {kind: ollama, base_url: 'http://127.0.0.1:9/v1'}}")
    state, says, cure = findings(desk, code=1)["reachable"]
    assert (state, says) == ("failed", "cannot connect to http://127.0.0.1:9/v1: connection refused")
    assert "run `ollama serve`" in str(cure)


def test_an_address_without_its_end_is_told_with_the_right_one(desk: Desk, server: ModelServer) -> None:
    server.get = lambda _: refusal(404, "not found")
    _, says, cure = findings(desk, "--base-url", server.url.removesuffix("/v1"))["models"]
    assert (says, cure) == ("the server does not list its models", f"try {server.url} as its base_url")


@pytest.mark.usefixtures("_key")
def test_the_models_that_steps_name_are_looked_for(desk: Desk, server: ModelServer) -> None:
    desk.step("asks", '{"go": 1}', 'await connectors.openai.chat(model="huge", messages="?")', asks="connectors")
    told = desk.run("doctor")
    assert (told.code, "the server does not have huge" in told.out) == (1, True)


@pytest.mark.usefixtures("_key")
def test_a_server_without_a_named_model_is_told_how_to_name_one(desk: Desk, server: ModelServer) -> None:
    desk.write("aloma.yaml", (desk.root / "aloma.yaml").read_text().replace("gpt-4: tiny", ""))
    found = findings(desk)
    assert "`models: {default: local/tiny}`" in str(found["model"][2])
    assert found["structured output"][0] == "ok", "the only model is tried"


@pytest.mark.usefixtures("_key")
def test_a_misspelt_server_in_the_name_of_a_model_is_told(desk: Desk, server: ModelServer) -> None:
    settings = (desk.root / "aloma.yaml").read_text().replace("gpt-4: tiny", "gpt-4: locl/tiny")
    desk.write("aloma.yaml", f"{settings}fallbacks: [org/model, lokal/x]\n")
    told = desk.run("doctor").out
    assert "`locl/tiny` does not name a server, so it is sent to local as it is" in told
    assert "`lokal/x` does not name a server" in told
    assert "`org/model` names" not in told


def test_the_workspace_is_checked_too(desk: Desk) -> None:
    desk.write("aloma.yaml", "secrets: [CRM_TOKEN]")
    desk.write("steps/broken.py", "condition = ")
    found = findings(desk, "--offline", code=4)
    assert "broken.py" in found["steps"][1]
    assert found["secrets"] == ("failed", "CRM_TOKEN has no value", "run `aloma secret set CRM_TOKEN`")
    desk.write("aloma.yaml", "secrets: CRM_TOKEN")
    assert desk.run("doctor").code == 3


def test_without_a_server_it_says_what_a_first_one_needs(desk: Desk) -> None:
    state, says, cure = findings(desk)["models"]
    assert (state, says) == ("warning", "no model server is set up, so answers are simulated")
    assert "export OPENAI_API_KEY=…" in str(cure)
    assert "providers: {ollama: {}}" in str(cure)


@pytest.mark.usefixtures("_key")
def test_offline_it_says_so_and_calls_nobody(desk: Desk, server: ModelServer) -> None:
    assert findings(desk, "--offline")["models"][:2] == ("warning", "answers are simulated (--offline)")
    assert server.seen == []


def test_outside_of_a_workspace_the_servers_of_the_user_are_checked(desk: Desk) -> None:
    (desk.root / "steps/greet.py").unlink()
    (desk.root / "steps").rmdir()
    with model_server(capable) as server:
        found = findings(desk, "--base-url", server.url)
    assert found["workspace"][0] == "warning"
    assert found["structured output"][0] == "ok"


def test_an_unknown_server_is_refused_by_name(desk: Desk, server: ModelServer) -> None:
    ended = desk.run("doctor", "locol")
    assert (ended.code, ended.out) == (9, "")
    assert json.dumps("local").strip('"') in ended.err


@pytest.mark.parametrize(
    ("command", "is_found"), [("nosuchcmd", 0), ("./tools/serve", 1), ("./serve", 0), ("sh -c x", 1)]
)
def test_a_program_of_an_mcp_server_that_does_not_exist_is_found(desk: Desk, command: str, is_found: int) -> None:
    desk.write("tools/serve", "#!/bin/sh\n")
    (desk.root / "tools/serve").chmod(0o755)
    desk.write("aloma.yaml", f"mcp: {{x: {{command: {command}}}}}\n")
    told = desk.run("doctor", "--json")
    failed = [one["says"] for one in told.json["findings"] if one["check"] == "mcp"]
    assert told.code == (0 if is_found else 3)
    assert failed == ([] if is_found else [f"the MCP server `x` is the program `{command}`, which does not exist"])


def test_a_folder_of_responses_that_does_not_exist_is_told(desk: Desk) -> None:
    desk.write("aloma.yaml", "responses: nope\n")
    for command in (["doctor"], ["task", "new", "T", "-d", "{}", "--offline"]):
        told = desk.run(*command)
        assert (told.code, "aloma.yaml:1: `responses` names the folder `nope`" in told.err) == (3, True)


def test_a_trigger_that_cannot_run_is_told_before_a_worker_starts(desk: Desk) -> None:
    desk.write("aloma.yaml", "triggers:\n  bad: {cron: 5 5}\n  hook: {webhook: HOOK}\n  good: {done: {}}\n")
    ended = desk.run("doctor", "--json")
    told = [one["says"] for one in ended.json["findings"] if one["about"] == "triggers"]
    assert ended.code == 3
    assert [words.partition(" ")[0] for words in told] == ["bad:", "hook:"]
    assert "is not a valid schedule" in told[0]
    assert "no value for HOOK" in told[1]
    desk.write("aloma.yaml", "triggers: {good: {done: {}}}\n")
    assert findings(desk)["triggers"] == ("ok", "1 trigger ready", None)
