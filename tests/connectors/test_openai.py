"""Calls of a model server: what is sent, what is made of the reply, and which error each failure becomes."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import openai
import pytest

from aloma_cli.connectors.base import Answer, Call
from aloma_cli.connectors.chat.server import ChatServer
from aloma_cli.connectors.chat.server_errors import TABLE
from aloma_cli.connectors.providers import openai as provider
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.errors import ConnectorError, CredentialsError, KeyRefusedError
from tests.connectors.support import completion, run

URL = "http://model.test/v1"
SCHEMA = {"type": "object", "properties": {"a": {"type": "string", "maxLength": 9}}, "required": ["a"]}

Reply = Callable[[httpx2.Request], httpx2.Response]


def reply(status: int = 200, body: Any = None, text: str | None = None) -> Reply:
    if text is not None:
        return lambda _: httpx2.Response(status, text=text)
    return lambda _: httpx2.Response(status, json=completion("hello") if body is None else body)


@dataclass
class Wire:
    """The network: answers with the replies in turn, the last one repeating, and keeps what was sent."""

    replies: tuple[Reply, ...]
    requests: list[httpx2.Request] = field(default_factory=list)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return self.replies[min(len(self.requests), len(self.replies)) - 1](request)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.content) for request in self.requests]


def opened(settings: ModelSettings, wire: Any) -> ChatServer:
    """The server that `settings` choose, with `wire` in place of the network."""
    transport = httpx2.MockTransport(wire)
    return ChatServer(settings, url=provider.URL, key_variable=provider.KEY_VARIABLE, transport=transport)


def send(wire: Wire, *, times: int = 1, settings: dict[str, Any] | None = None, **arguments: Any) -> Answer:
    """Send the same call `times` times through one server; the last answer."""
    given = {"base_url": URL, "api_key": "sk-test-12345678", "max_retries": 0, **(settings or {})}

    async def work() -> Answer:
        server = opened(ModelSettings(**given), wire)
        try:
            for _ in range(times):
                answer = await server.send(call(**arguments))
            return answer
        finally:
            await server.aclose()

    return run(work())


def call(**arguments: Any) -> Call:
    given = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}], **arguments}
    return Call("openai.chat", given, "the-key", "task", "step", 1, {})


def failure(*replies: Reply, **options: Any) -> ConnectorError:
    with pytest.raises(ConnectorError) as caught:
        send(Wire(replies), **options)
    return caught.value


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)


def test_the_request_holds_what_the_step_gave_and_nothing_else() -> None:
    wire = Wire((reply(),))

    send(wire, temperature=0.5, top_k=3, timeout=7.0)

    assert wire.bodies == [
        {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}], "temperature": 0.5, "top_k": 3}
    ]
    [request] = wire.requests
    assert str(request.url) == f"{URL}/chat/completions"
    assert request.headers["authorization"] == "Bearer sk-test-12345678"
    assert request.headers["idempotency-key"] == "the-key"
    assert request.extensions["timeout"]["read"] == 7.0


def test_nothing_in_the_environment_reaches_a_server_it_was_not_meant_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The OpenAI library would take each of these silently."""
    for name in ("API_KEY", "ADMIN_KEY", "ORG_ID", "PROJECT_ID", "WEBHOOK_SECRET"):
        monkeypatch.setenv(f"OPENAI_{name}", "private-value")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://elsewhere.test/v1")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Private: private-value\nAuthorization: Bearer private-value")
    wire = Wire((reply(),))

    send(wire, settings={"api_key": None})

    [request] = wire.requests
    assert request.url.host == "model.test"
    assert request.headers["authorization"] == "Bearer none"
    assert "private-value" not in str(request.headers.raw)


@pytest.mark.parametrize("target", ["http://other.test/v1?token=abc", "https://model.test/v1", "http://model.test:81/"])
def test_prompt_and_key_follow_no_redirect_to_another_origin(target: str) -> None:
    wire = Wire((lambda _: httpx2.Response(307, headers={"Location": target}),))

    with pytest.raises(ConnectorError) as caught:
        send(wire, settings={"max_retries": 2})

    assert (caught.value.status, caught.value.retryable, len(wire.requests)) == (307, False, 1)
    shown = target.replace("abc", "***")
    assert str(caught.value) == f"{URL} redirects to another origin, which is not followed: {shown}"


def test_a_redirect_within_the_origin_is_followed() -> None:
    wire = Wire((lambda _: httpx2.Response(308, headers={"Location": "/v2/chat/completions"}), reply()))

    assert send(wire).value == completion("hello")
    assert [(request.url.path, request.method) for request in wire.requests] == [
        ("/v1/chat/completions", "POST"),
        ("/v2/chat/completions", "POST"),
    ]
    assert wire.requests[0].content == wire.requests[1].content


def test_an_answer_of_a_model_server_is_bounded_as_well() -> None:
    error = failure(reply(text="x" * 2_000_001), settings={"max_answer": 2_000_000})

    assert str(error) == f"POST {URL}/chat/completions: the answer is larger than 2 MB uncompressed"
    assert not error.retryable


def test_the_timeout_of_a_call_bounds_all_of_it() -> None:
    """However slowly bytes come, and however often it could be tried."""

    async def drip() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.02)

    started = time.monotonic()
    error = failure(lambda _: httpx2.Response(200, content=drip()), timeout=0.3, settings={"max_retries": 2})

    assert (str(error), error.retryable) == (f"{URL} did not answer in time (0.3 s, model gpt-4o)", True)
    assert time.monotonic() - started < 5


def test_the_timeout_of_a_call_bounds_the_search_for_a_form_that_the_server_accepts() -> None:
    async def refuse(_: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(0.2)
        return httpx2.Response(400, json={"error": {"message": "unknown response_format"}})

    async def work() -> None:
        await opened(ModelSettings(base_url=URL, max_retries=0), refuse).send(call(timeout=0.3, schema=SCHEMA))

    with pytest.raises(ConnectorError) as caught:
        run(work())
    assert str(caught.value) == f"{URL} did not answer in time (0.3 s, model gpt-4o)"


def test_the_timeout_of_a_server_bounds_each_try() -> None:
    async def drip() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.02)

    wire = Wire((lambda _: httpx2.Response(200, content=drip()), reply()))

    assert send(wire, settings={"timeout": 0.3, "max_retries": 1}).value == completion("hello")


@pytest.mark.parametrize("key", ["sk-test-12345678", None])
def test_a_login_in_the_base_url_is_sent_where_there_is_no_key_and_shown_nowhere(key: str | None) -> None:
    wire = Wire((reply(500, text="no"),))
    settings: dict[str, Any] = {"base_url": "http://ann:s3cret%2Fword@model.test/v1", "api_key": key}

    error = failure(*wire.replies, settings=settings)
    with pytest.raises(ConnectorError):
        send(wire, settings=settings)

    login = base64.b64encode(b"ann:s3cret/word").decode()
    assert wire.requests[0].headers["authorization"] == (f"Bearer {key}" if key else f"Basic {login}")
    assert str(wire.requests[0].url) == f"{URL}/chat/completions"
    assert not [part for part in ("ann", "s3cret") if part in f"{error} {error.about} {ModelSettings(**settings)}"]
    assert {"s3cret/word", login} <= {value for _, value in ModelSettings(**settings).secrets}


def test_the_extras_of_the_library_are_merged_into_the_request() -> None:
    wire = Wire((reply(),))
    extra: dict[str, Any] = {
        "extra_body": {"top_k": 3, "temperature": 1},
        "extra_headers": {"X-Team": "a"},
        "extra_query": {"v": "2"},
    }

    send(wire, temperature=0.5, **extra)

    [request] = wire.requests
    sent = {key: value for key, value in wire.bodies[0].items() if key != "messages"}
    assert sent == {"model": "gpt-4o", "temperature": 1, "top_k": 3}
    assert (request.headers["x-team"], request.url.query) == ("a", b"v=2")


@pytest.mark.parametrize("name", ["extra_body", "extra_headers", "extra_query"])
def test_an_extra_that_is_not_an_object_is_refused(name: str) -> None:
    error = failure(reply(), **{name: ["a"]})

    assert str(error) == f"{name} must be an object, got a list"


def test_the_name_in_the_step_is_mapped_to_the_servers() -> None:
    wire = Wire((reply(),))
    models = {"models": {"gpt-4": "gpt-5-mini", "default": "tiny"}}

    for name in ("gpt-4", "default", "another"):
        send(wire, settings=models, model=name)

    assert [body["model"] for body in wire.bodies] == ["gpt-5-mini", "tiny", "another"]


def test_the_answer_says_who_gave_it_and_what_it_took() -> None:
    answer = send(Wire((reply(),)), settings={"base_url": "https://api.openai.com/v1"})

    assert answer.value == completion("hello")
    assert answer.about == {"provider": "api.openai.com", "model": "gpt-4o-2024-08-06"}
    assert answer.usage == {"input_tokens": 10, "output_tokens": 5, "cost": pytest.approx(0.000075)}


def test_cached_tokens_cost_less() -> None:
    body = completion("hello")
    body["usage"]["prompt_tokens_details"] = {"cached_tokens": 10}
    whole = send(Wire((reply(),)), settings={"base_url": "https://api.openai.com/v1"}).usage
    cached = send(Wire((reply(body=body),)), settings={"base_url": "https://api.openai.com/v1"}).usage

    assert whole is not None
    assert cached is not None
    assert 0 < cached["cost"] < whole["cost"]


@pytest.mark.parametrize(("base_url", "model"), [(URL, "gpt-4o"), ("https://api.openai.com/v1", "gpt-unknown")])
def test_an_unknown_price_is_no_price_and_not_zero(base_url: str, model: str) -> None:
    answer = send(Wire((reply(),)), settings={"base_url": base_url}, model=model)

    assert answer.usage == {"input_tokens": 10, "output_tokens": 5}


ODD_COUNTS: list[Any] = [None, {}, 5, "x", [1], {"prompt_tokens": 0, "completion_tokens": 0}, {"prompt_tokens": -3}]
ODD_COUNTS += [
    {"prompt_tokens": "many", "completion_tokens": [5]},
    {"prompt_tokens": {"a": 1}},
    {"prompt_tokens": True},
]
ODD_COUNTS += [{"prompt_tokens": 10**400, "completion_tokens": 1.5, "prompt_tokens_details": 3, "total_tokens": []}]


@pytest.mark.parametrize("usage", ODD_COUNTS)
def test_tokens_that_the_server_did_not_count_are_estimated_and_marked(usage: Any) -> None:
    answer = send(Wire((reply(body={**completion("hello" * 8), "usage": usage}),)))

    assert answer.usage == {"input_tokens": 8, "output_tokens": 10, "estimated": True}
    assert answer.value["usage"]["total_tokens"] == 18


def test_numbers_that_are_written_as_texts_are_numbers() -> None:
    usage = {"prompt_tokens": "10", "completion_tokens": 5.0, "prompt_tokens_details": [1]}
    answer = send(Wire((reply(body={**completion("hello"), "usage": usage}),)))

    assert answer.usage == {"input_tokens": 10, "output_tokens": 5}
    assert answer.value["usage"]["total_tokens"] == 15


def test_no_output_tokens_for_no_text_are_counted() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 0}
    answer = send(Wire((reply(body={**completion(None), "usage": usage}),)))

    assert answer.usage == {"input_tokens": 10, "output_tokens": 0}


@pytest.mark.parametrize("odd", ["x", 5, [1], {"cached_tokens": "many"}, {"cached_tokens": [1]}, {}])
def test_odd_details_of_a_usage_are_passed_over(odd: Any) -> None:
    body = completion("hello")
    body["usage"]["prompt_tokens_details"] = odd
    answer = send(Wire((reply(body=body),)), settings={"base_url": "https://api.openai.com/v1"})

    assert answer.usage == {"input_tokens": 10, "output_tokens": 5, "cost": pytest.approx(0.000075)}


@pytest.mark.parametrize(
    ("odd", "answer", "usage"),
    [
        (reply(text='{"choices": [{"mess'), '{"choices": [{"mess', {"input_tokens": 8, "output_tokens": 4}),
        (reply(text="<html>"), "<html>", None),
        (reply(body={"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": "2"}}), None, None),
        (reply(body={"choices": 3}), {"choices": 3}, None),
    ],
)
def test_what_cannot_be_read_is_handed_on_with_what_it_took(odd: Reply, answer: Any, usage: Any) -> None:
    error = failure(odd)
    if answer is None:
        assert error.usage == {"input_tokens": 7, "output_tokens": 2}
        return
    assert error.answer == answer
    assert error.usage == (usage and usage | {"estimated": True})


def test_what_a_server_refused_is_not_tried_again_in_the_same_run() -> None:
    """The first call goes down the ladder; the second begins where the first ended."""
    refusal = reply(400, {"error": {"message": "Unsupported parameter", "param": "response_format"}})
    wire = Wire((refusal, refusal, reply()))

    send(wire, times=2, schema=SCHEMA)

    forms = [body.get("response_format", {}).get("type") for body in wire.bodies]
    assert forms == ["json_schema", "json_object", None, None]
    keys = [request.headers["idempotency-key"] for request in wire.requests]
    assert keys == ["the-key", "the-key.json_object", "the-key.words", "the-key.words"]


@pytest.mark.parametrize(
    "refusal",
    [
        reply(400, {"error": {"message": "gpt-4 does not support parameters: ['response_format']"}}),
        reply(422, {"detail": [{"loc": ["body", "response_format"], "msg": "extra inputs are not permitted"}]}),
        reply(400, {"error": {"message": "'response_format' of type 'json_schema' is not supported"}}),
    ],
)
def test_each_known_way_of_refusing_is_understood(refusal: Reply) -> None:
    wire = Wire((refusal, reply()))

    send(wire, schema=SCHEMA)

    assert wire.bodies[1]["response_format"] == {"type": "json_object"}


def test_openais_refusal_of_a_bound_keeps_the_schema() -> None:
    message = (
        "Invalid schema for response_format 'answer': In context=('properties', 'a'), 'maxLength' is not permitted."
    )
    wire = Wire((reply(400, {"error": {"message": message, "param": "response_format"}}), reply()))

    send(wire, schema=SCHEMA)

    schema = wire.bodies[1]["response_format"]["json_schema"]["schema"]
    assert schema["properties"] == {"a": {"type": "string", "description": "maxLength 9"}}


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "Failed to initialize samplers: failed to parse grammar"),
        (400, "invalid request"),
        (500, "guided_json is broken"),
    ],
)
def test_a_refusal_in_a_servers_own_words_is_tried_without_the_schema(status: int, message: str) -> None:
    refusal = reply(status, {"error": {"code": status, "message": message, "type": "invalid_request_error"}})
    wire = Wire((refusal, refusal, reply()))

    send(wire, times=2, schema=SCHEMA)

    forms = [body.get("response_format", {}).get("type") for body in wire.bodies]
    assert forms == ["json_schema", "json_object", None, None]


def test_a_refusal_of_something_else_is_told_in_its_first_words_and_the_schema_is_sent_again() -> None:
    first, others = "the context holds 8192 tokens", "and again"
    refusals = [reply(400, {"error": {"message": message}}) for message in (first, others, others)]
    wire = Wire((*refusals, reply()))

    async def work() -> None:
        server = opened(ModelSettings(base_url=URL, api_key="sk-test-12345678", max_retries=0), wire)
        with pytest.raises(ConnectorError, match=first) as caught:
            await server.send(call(schema=SCHEMA))
        assert (caught.value.status, caught.value.retryable) == (400, False)
        await server.send(call(schema=SCHEMA))
        await server.aclose()

    run(work())

    assert wire.bodies[-1]["response_format"]["type"] == "json_schema"


def test_an_answer_that_the_server_threw_away_is_an_answer() -> None:
    """So that it is read, and asked for again where it does not fit."""
    thrown = {"message": "Failed to validate JSON", "code": "json_validate_failed", "failed_generation": '{"b": 1}'}
    wire = Wire((reply(400, {"error": thrown}),))

    answer = send(wire, schema=SCHEMA)

    assert answer.value["choices"][0]["message"]["content"] == '{"b": 1}'
    assert answer.usage == {"input_tokens": 8, "output_tokens": 2, "estimated": True}
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, {"error": "the model is not loaded"}, "the model is not loaded"),
        (
            422,
            {"detail": [{"loc": ["body"], "msg": "field required"}, {"msg": "too long"}]},
            "field required; too long",
        ),
        (503, {"error": "loading, 35 s left"}, "loading, 35 s left"),
        (400, {"message": "no"}, "no"),
        (400, {"error": {"message": {"detail": "deep"}}}, "deep"),
        (400, {"why": "because"}, '{"why":"because"}'),
        (400, None, "it gave no reason"),
    ],
)
def test_the_servers_own_reason_is_told_whichever_field_it_is_in(status: int, body: Any, reason: str) -> None:
    odd = reply(status, body) if body is not None else reply(status, text=" ")

    assert str(failure(odd)) == f"{str(failure(odd)).split(': ')[0]}: {reason}"


@pytest.mark.parametrize(
    ("status", "body", "says", "hint"),
    [
        (429, {}, f"{URL} is rate limiting (429, model gpt-4o): ", None),
        (
            404,
            {"error": {"message": "no gpt-4o here"}},
            f"{URL} does not have the model (404, model gpt-4o): ",
            "models:",
        ),
    ],
)
def test_frequent_refusals_are_told_plainly(status: int, body: Any, says: str, hint: str | None) -> None:
    error = failure(reply(status, body))

    assert str(error).startswith(says)
    assert hint is None or hint in str(error.hint)


def test_an_address_without_its_path_is_noticed() -> None:
    error = failure(reply(404, {"detail": "Not Found"}), settings={"base_url": "http://model.test"})

    assert error.hint == "add /v1 to the end of --base-url if it is missing"


def test_a_timeout_bounds_a_try_as_a_whole_and_not_each_read() -> None:
    """The server keeps the line open with a byte now and then."""

    class Slowly(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                await asyncio.sleep(0.02)
                yield b"\n"

    started = time.monotonic()
    error = failure(lambda _: httpx2.Response(200, stream=Slowly()), timeout=0.3)

    assert "did not answer in time" in str(error)
    assert error.retryable
    assert time.monotonic() - started < 5


def test_libraries_are_loaded_beside_the_loop() -> None:
    """In a process of its own, where none of them is loaded yet: neither the price nor the reading imports any."""
    program = """
import asyncio, sys, threading
class Spy:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in HEAVY and threading.current_thread() is threading.main_thread():
            print(name)
HEAVY = {"genai_prices", "pydantic", "jsonschema", "json_repair"}
sys.meta_path.insert(0, Spy())
from aloma_cli import Workspace, Step, run
from aloma_cli.connectors.providers import openai as provider
from aloma_cli.connectors.settings import ModelSettings
import aloma_cli.connectors.table as table
async def content(data, connectors):
    try:
        await connectors.openai.chat(messages=[], shape={"a": str})
    except Exception as error:
        data["out"] = str(error)
task = run(Workspace(steps=[Step("s", {"go": True, "out": None}, content)], models=ModelSettings(
    base_url="http://127.0.0.1:9/v1", api_key="sk-test-12345678", max_retries=0)), "t", {"go": True})
assert "cannot connect" in task.data["out"], task.data
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, ""), done


def test_what_a_server_refused_is_told_once() -> None:
    assert "Error code" not in str(failure(reply(400, {"error": {"message": "no"}})))


@pytest.mark.parametrize(
    ("odd", "retryable", "says"),
    [
        (reply(text='{"choices": [{"mess'), True, "did not return JSON"),
        (reply(text="\n\n   \n"), True, "did not return JSON"),
        (reply(text="<html>Welcome</html>"), False, "returned a web page, not JSON"),
        (reply(text="<!doctype html><title> Login</title>"), False, 'returned a web page ("Login"), not JSON'),
        (reply(text='data: {"choices"'), True, "sent a stream without an answer"),
        (reply(text='{"a":' * 200_000), True, "did not return JSON (nested deeper than 128 levels)"),
        (reply(body={"detail": "no such route"}), False, "is not a chat completion"),
        (reply(body=[]), False, "is not a chat completion"),
        (reply(body={"choices": []}), False, "is not a chat completion"),
        (reply(body={"choices": None}), False, "is not a chat completion"),
        (reply(body={"error": {"message": "provider returned error"}}), True, "provider returned error"),
    ],
)
def test_a_good_status_with_a_bad_body_is_an_error(odd: Reply, retryable: bool, says: str) -> None:
    """The library lets these through, or raises errors that are none of its own."""
    error = failure(odd)

    assert error.retryable is retryable
    assert says in str(error)
    assert URL in str(error)


def test_a_web_page_says_that_the_address_is_wrong() -> None:
    assert "/v1" in str(failure(reply(text="<!doctype html>")).hint)


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (400, ConnectorError, False),
        (401, KeyRefusedError, False),
        (403, KeyRefusedError, False),
        (404, ConnectorError, False),
        (408, ConnectorError, True),
        (409, ConnectorError, True),
        (413, ConnectorError, False),
        (422, ConnectorError, False),
        (429, ConnectorError, True),
        (500, ConnectorError, True),
        (503, ConnectorError, True),
    ],
)
def test_each_status_becomes_its_error(status: int, kind: type[ConnectorError], retryable: bool) -> None:
    error = failure(reply(status, {"error": {"message": "the reason"}}))

    assert type(error) is kind
    assert (error.status, error.retryable) == (status, retryable)
    assert "the reason" in str(error)
    assert error.about == {"provider": "model.test", "model": "gpt-4o"}
    assert isinstance(error.__cause__, openai.APIStatusError)


def test_a_used_up_account_is_not_retryable() -> None:
    error = failure(reply(429, {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}))

    assert (error.retryable, error.hint) == (False, "the account has no credit left")


@pytest.mark.parametrize(
    ("status", "message"),
    [(404, "Not Found"), (400, "model 'gpt-4o' is not served here")],
)
def test_a_model_that_the_server_lacks_says_how_to_map_its_name(status: int, message: str) -> None:
    error = failure(
        reply(status, {"error": {"message": message}}), settings={"models": {"best": "gpt-4o"}}, model="best"
    )

    assert "models: {best: " in str(error.hint)


def test_a_refused_connection_names_the_address_and_the_reason() -> None:
    def refuse(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("All connection attempts failed", request=request)

    error = failure(refuse)

    assert str(error) == f"cannot connect to {URL} (model gpt-4o): All connection attempts failed"
    assert (error.retryable, error.status) == (True, None)
    assert error.hint == "check that the URL is right and the server is running"


def test_the_innermost_reason_of_a_refused_connection_is_told() -> None:
    def refuse(request: httpx2.Request) -> httpx2.Response:
        group = ExceptionGroup("two addresses", [ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 9)")])
        raise httpx2.ConnectError("All connection attempts failed", request=request) from group

    assert str(failure(refuse)).endswith(": connection refused")


def test_the_reason_is_not_the_error_that_the_step_handles() -> None:
    def fail(request: httpx2.Request) -> httpx2.Response:
        dead = httpx2.ConnectError("the line is dead", request=request)
        dead.__context__ = ValueError("an error of the step")
        raise dead

    assert str(failure(fail)).endswith(": the line is dead")


def test_a_timeout_is_retryable() -> None:
    def stall(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadTimeout("", request=request)

    error = failure(stall)

    assert error.retryable
    assert "did not answer in time" in str(error)


def test_without_a_key_openai_is_not_even_asked() -> None:
    wire = Wire((reply(),))

    with pytest.raises(CredentialsError) as caught:
        send(wire, settings={"base_url": None, "api_key": None})

    assert wire.requests == []
    assert "OPENAI_API_KEY" in str(caught.value.hint)


_NEVER_RAISED_HERE = {
    "LengthFinishReasonError": "raised by parse(), which is not used",
    "ContentFilterFinishReasonError": "raised by parse(), which is not used",
    "StreamAlreadyConsumed": "answers are not streamed",
    "APIRemovedInV1": "a call that does not exist any more",
    "MutuallyExclusiveAuthError": "Azure's client is not used",
    "SubjectTokenProviderError": "workload identity is not used",
    "WebSocketConnectionClosedError": "web sockets are not used",
    "WebSocketQueueFullError": "web sockets are not used",
    "_AmbiguousModuleClientUsageError": "the module-level client is not used",
}


def test_every_error_of_the_library_has_a_row_or_a_reason_for_none() -> None:
    """Fails when the library grows an error that nobody has thought about."""

    def below(kind: type[Exception]) -> Iterator[str]:
        yield kind.__name__
        for child in kind.__subclasses__():
            if child.__module__.startswith("openai"):
                yield from below(child)

    assert set(below(openai.OpenAIError)) - set(_NEVER_RAISED_HERE) == set(TABLE)
