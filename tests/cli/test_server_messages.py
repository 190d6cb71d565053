"""Each way in which a model server can be wrong has a message that says which it is, and what to do."""

from __future__ import annotations

import pytest

from tests.cli.desk import Desk
from tests.support.model_server import Reply, model_server, refusal, said

ASK = 'await connectors.openai.chat(model="gpt-4", messages="The vendor of invoice 7?", shape={"vendor": str})'
PAGE = "<!doctype html><html><head><title>Login</title></head></html>"
LIMITED = Reply({"error": {"message": "slow down"}}, 429, {"Retry-After-Ms": "5"})


def failed(desk: Desk, base_url: str, *, tries: int = 1, code: int = 1) -> str:
    """What the end of a run says about a call to that server."""
    desk.step("asks", '{"go": 1, "x": None}', f"data['x'] = ({ASK}).data", asks="data, connectors")
    desk.write("aloma.yaml", f"openai: {{base_url: '{base_url}', max_retries: {tries - 1}}}")
    ended = desk.new('{"go": 1}')
    assert ended.code == code, ended
    return ended.err


@pytest.mark.parametrize(
    ("reply", "message", "hint", "code"),
    [
        (
            refusal(401, "bad key"),
            "{url} refused the key (401, model gpt-4): bad key",
            "run `export OPENAI_API_KEY=…`",
            4,
        ),
        (
            refusal(403, "no access"),
            "{url} does not allow this with the key (403, model gpt-4): no access",
            "export",
            4,
        ),
        (refusal(402, "no credit"), "{url} refused the request (402, model gpt-4): no credit", "no credit left", 1),
        (
            refusal(404, "The model `gpt-4` does not exist", code="model_not_found"),
            "{url} does not have the model (404, model gpt-4): The model `gpt-4` does not exist",
            "`models: {gpt-4: ...}`",
            1,
        ),
        (refusal(400, "gpt-4 is not served here"), "{url} does not have the model (400, model gpt-4)", "`models: {", 1),
        (
            Reply("nothing here", 404),
            "{url} has no /chat/completions (404, model gpt-4): nothing",
            "`models: {",
            1,
        ),
        (
            refusal(400, "temperature must be 1 with gpt-4", param="temperature"),
            "{url} refused the request (400, model gpt-4): temperature must be 1 with gpt-4",
            "",
            1,
        ),
        (refusal(500, "out of memory"), "{url} failed (500, model gpt-4): out of memory", "", 1),
        (refusal(503, "loading"), "{url} failed (503, model gpt-4): loading", "", 1),
        (Reply(PAGE), '{url} returned a web page ("Login"), not JSON', "which often ends in /v1", 1),
        (Reply({"hello": 1}), "{url} returned JSON that is not a chat completion: '{\"hello\": 1}'", "", 1),
        (Reply("oops"), "{url} did not return JSON", "", 1),
        (Reply(""), "{url} did not return JSON", "", 1),
        (Reply({"error": {"message": "upstream"}}), "{url} answered with an error", "upstream", 1),
        (
            said("Sure! It is Acme."),
            "gave no valid answer in two tries: expected JSON, got: 'Sure!",
            "",
            1,
        ),
        (said('{"supplier": "Acme"}'), "gave no valid answer in two tries: ", "vendor", 1),
        (said('{"vendor": '), "gave no valid answer in two tries: ", "vendor", 1),
    ],
)  # fmt: skip  (a table)
def test_each_kind_of_bad_answer_is_told_apart(desk: Desk, reply: Reply, message: str, hint: str, code: int) -> None:
    with model_server(lambda _: reply) as server:
        told = failed(desk, server.url, code=code)
    assert message.replace("{url}", server.url) in told
    assert hint in told
    assert "Error code" not in told


def test_a_server_that_limits_us_is_told_with_how_often_it_was_asked(desk: Desk) -> None:
    with model_server(lambda _: LIMITED) as server:
        told = failed(desk, server.url, tries=3)
    assert f"{server.url} is rate limiting (429, model gpt-4, 3 tries in 0 s): slow down" in told


def test_a_server_that_is_not_there_is_told_with_the_reason_of_the_system(desk: Desk) -> None:
    told = failed(desk, "http://127.0.0.1:9/v1")
    assert "cannot connect to http://127.0.0.1:9/v1 (model gpt-4): connection refused" in told
    assert "check that the URL is right and the server is running" in told


def test_an_address_without_its_end_is_told_with_what_is_missing(desk: Desk) -> None:
    with model_server(lambda _: refusal(404, "Not Found")) as server:
        told = failed(desk, server.url.removesuffix("/v1"))
    assert "has no /chat/completions" in told
    assert "/v1" in told


@pytest.mark.parametrize("content", ['```json\n{"vendor": "Acme"}\n```', '{"vendor": "Acme",}'])
def test_an_answer_that_was_repaired_is_marked_in_the_log(desk: Desk, content: str) -> None:
    with model_server(lambda _: said(content)) as server:
        failed(desk, server.url, code=0)
    assert "repaired" in desk.run("task", "log", "--calls").out
