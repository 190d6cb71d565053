"""How real servers refuse the schema of an answer, ignore it, and end their answers."""

from __future__ import annotations

import json
import time
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import httpx2
import pytest

from aloma_cli.connectors.chat.chat import Chat
from aloma_cli.connectors.chat.finish import broke_off, was_cut, was_refused
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.errors import AnswerError, ConnectorError, TruncatedAnswerError
from tests.connectors.support import Model, Recorder, completion, run
from tests.connectors.test_openai import SCHEMA, Wire, opened, reply, send

SCHEMA_OUT: dict[str, tuple[int, Any]] = {
    "OpenAI, an old model": (
        400,
        {
            "error": {
                "message": "Invalid parameter: 'response_format' of type 'json_schema' is not supported here.",
                "type": "invalid_request_error",
                "param": None,
                "code": None,
            }
        },
    ),
    "Azure": (
        400,
        {"error": {"code": "BadRequest", "message": "response_format value as json_schema is enabled only for api "}},
    ),
    "Azure, Claude": (400, {"error": {"message": "The compiled grammar is too large, which would cause latency"}}),
    "vLLM": (
        400,
        {
            "object": "error",
            "message": "The provided JSON schema contains features not supported by xgrammar.",
            "type": "BadRequestError",
            "param": None,
            "code": 400,
        },
    ),
    "vLLM, engine": (500, {"object": "error", "message": "Failed to compile the guided decoding backend", "code": 500}),
    "llama.cpp": (
        400,
        {
            "error": {
                "code": 400,
                "message": "Failed to initialize samplers: failed to parse grammar",
                "type": "invalid_request_error",
            }
        },
    ),
    "llama.cpp, old": (
        500,
        {"error": {"code": 500, "message": "JSON schema conversion failed", "type": "server_error"}},
    ),
    "Ollama": (500, {"error": {"message": "failed to load model vocabulary required for format", "type": "api_error"}}),
    "LM Studio": (400, {"error": "'response_format.type' must be 'text'"}),
    "DeepSeek": (400, {"error": {"message": "This response_format type is unavailable now", "param": None}}),
    "DeepSeek, old": (422, "Failed to deserialize: response_format.type `json_schema` is unavailable now at line 1"),
    "Gemini": (
        400,
        [
            {
                "error": {
                    "code": 400,
                    "message": "Invalid JSON payload received. Unknown name \"const\" at 'response_format'",
                    "status": "INVALID_ARGUMENT",
                }
            }
        ],
    ),
    "Anthropic": (400, {"error": {"type": "invalid_request_error", "message": "output_format: Extra inputs"}}),
    "OpenRouter": (
        404,
        {"error": {"message": "No endpoints found that can handle the requested parameters.", "code": 404}},
    ),
    "OpenRouter, behind": (
        400,
        {"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": "invalid schema"}}},
    ),
    "OpenRouter, with status 200": (
        200,
        {"error": {"message": "response_format json_schema is not supported by this provider", "code": 400}},
    ),
    "LiteLLM": (
        400,
        {"error": {"message": "litellm.UnsupportedParamsError: openai does not support: ['response_format']"}},
    ),
    "LiteLLM, behind": (500, {"error": {"message": "litellm.APIConnectionError: OllamaException - invalid format"}}),
    "a gateway": (502, {"error": {"message": 'Google API error 400: Unknown name "$schema" in the schema'}}),
    "TGI": (422, {"error": "Input validation error: grammar is not supported", "error_type": "validation"}),
}


@pytest.mark.parametrize("name", SCHEMA_OUT)
def test_a_server_that_refuses_schemas_is_told_in_words_whatever_its_words_are(name: str) -> None:
    """It knows neither json_schema nor json_object; what it accepts is remembered."""
    status, body = SCHEMA_OUT[name]

    def answer(request: httpx2.Request) -> httpx2.Response:
        refused = "response_format" in json.loads(request.content)
        return httpx2.Response(status, json=body) if refused else httpx2.Response(200, json=completion('{"a": "x"}'))

    wire = Wire((answer,))
    made = send(wire, times=2, schema=SCHEMA)

    assert made.value["choices"][0]["message"]["content"] == '{"a": "x"}'
    kinds = [body.get("response_format", {"type": "words"})["type"] for body in wire.bodies]
    assert [kind for kind, _ in groupby(kinds)] == ["json_schema", "json_object", "words"]
    assert kinds.count("json_schema") <= 2
    assert kinds[-2:] == ["words", "words"]


@pytest.mark.parametrize(
    "told",
    [
        "Invalid schema for response_format 'answer'",
        "The compiled grammar is too large",
        "strict mode is not available for this deployment",
        "The provided JSON schema contains features not supported by xgrammar.",
    ],
)
def test_a_server_that_cannot_enforce_a_schema_gets_it_without_strict(told: str) -> None:
    schema = {"type": "object", "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent = json.loads(request.content)["response_format"]["json_schema"]
        refused = httpx2.Response(400, json={"error": {"message": told}})
        return refused if sent["strict"] else httpx2.Response(200, json=completion('{"a": "x"}'))

    wire = Wire((answer,))
    send(wire, times=2, schema=schema)

    sent = [body["response_format"]["json_schema"] for body in wire.bodies]
    assert [one["strict"] for one in sent] == [True, False, False]
    assert sent[1]["schema"] == schema
    assert wire.requests[1].headers["idempotency-key"] == "the-key.json_schema.loose"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"error": {"message": "bad key for response_format"}}),
        (404, {"error": {"message": "no such schema"}}),
        (429, {"error": {"message": "too many requests with json_schema"}}),
        (500, {"error": {"message": "out of memory"}}),
    ],
)
def test_other_failures_do_not_step_down(status: int, body: Any) -> None:
    wire = Wire((reply(status, body),))

    with pytest.raises(ConnectorError):
        send(wire, schema=SCHEMA)

    assert len(wire.bodies) == 1


@pytest.mark.parametrize("said", ["Of course! The a is x.", '```json\n{"a": "x"}\n```', '{"b": 1}'])
def test_a_server_that_ignores_the_schema_gets_it_in_words_from_then_on(said: str) -> None:
    wire = Wire((reply(body=completion(said)), reply(body=completion('{"a": "x"}'))))

    send(wire, times=3, schema=SCHEMA)

    prompts = [body["messages"][-1]["content"] for body in wire.bodies]
    assert prompts[0] == "Hi"
    assert all('must match this JSON Schema:\n{"type":"object"' in prompt for prompt in prompts[1:])
    assert all(body["response_format"]["type"] == "json_schema" for body in wire.bodies)
    keys = [request.headers["idempotency-key"] for request in wire.requests]
    assert keys == ["the-key", "the-key.json_schema.spoken", "the-key.json_schema.spoken"]


def test_what_a_server_honours_is_remembered_for_the_next_run(tmp_path: Path) -> None:
    settings = {"honours": tmp_path / "cache/honours.json"}
    refusing = Wire((reply(400, {"error": "'maxLength' is not permitted"}), reply(body=completion("Sure!"))))
    send(refusing, schema=SCHEMA, settings=settings)
    later = Wire((reply(body=completion('{"a": "x"}')),))

    send(later, schema=SCHEMA, settings=settings)
    send(later, schema=SCHEMA, settings=settings, model="another")

    first, other = later.bodies
    assert "maxLength" not in first["response_format"]["json_schema"]["schema"]["properties"]["a"]
    assert "must match this JSON Schema" in first["messages"][-1]["content"]
    assert other["messages"][-1]["content"] == "Hi"


@pytest.mark.parametrize("odd", ['{"form": 5, "without": [1], "spoken": "yes"}', '{"form": "yaml", "without": 3}', "5"])
def test_an_odd_memory_counts_as_none(tmp_path: Path, odd: str) -> None:
    file = tmp_path / "honours.json"
    finding = json.loads(odd)
    file.write_text(json.dumps({"http://model.test/v1 gpt-4o": finding and {**_as_dict(finding), "at": time.time()}}))
    wire = Wire((reply(body=completion('{"a": "x"}')),))

    send(wire, schema=SCHEMA, settings={"honours": file})

    assert wire.bodies[0]["response_format"]["type"] == "json_schema"
    assert wire.bodies[0]["messages"][-1]["content"] == "Hi"


def _as_dict(finding: Any) -> dict[str, Any]:
    return finding if isinstance(finding, dict) else {"form": finding}


@pytest.mark.parametrize("finish", ["length", "MAX_TOKENS", "content_filter", "error"])
def test_an_answer_that_was_cut_says_nothing_about_the_server(finish: str) -> None:
    wire = Wire((reply(body=completion('{"a": "x', finish_reason=finish)),))

    send(wire, times=2, schema=SCHEMA)

    assert wire.bodies[1]["messages"][-1]["content"] == "Hi"


def test_a_model_that_knows_the_limit_by_its_new_name_gets_it_so() -> None:
    told = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."

    def answer(request: httpx2.Request) -> httpx2.Response:
        refused = httpx2.Response(400, json={"error": {"message": told, "param": "max_tokens"}})
        return refused if "max_tokens" in json.loads(request.content) else httpx2.Response(200, json=completion("x"))

    wire = Wire((answer,))
    send(wire, times=2, max_tokens=9)

    assert [sorted({"max_tokens", "max_completion_tokens"} & set(body)) for body in wire.bodies] == [
        ["max_tokens"],
        ["max_completion_tokens"],
        ["max_completion_tokens"],
    ]
    assert wire.requests[1].headers["idempotency-key"] == "the-key.max_completion_tokens"


def test_the_repair_turn_keeps_the_order_of_turns() -> None:
    """System first, then user and assistant by turns, also where the schema is said in words."""
    recorder, wire = Recorder(), Wire((reply(400, {"error": "no response_format"}), reply(body=completion("no"))))

    async def work() -> None:
        server = opened(ModelSettings(base_url="http://model.test/v1", api_key="x", max_retries=0), wire)
        messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Go"}]
        with pytest.raises(AnswerError):
            await recorder.call(Chat(server.send, concurrency=1), messages=messages, shape={"a": str})
        await server.aclose()

    run(work())

    roles = [[message["role"] for message in body["messages"]] for body in wire.bodies]
    assert roles == [["system", "user"], ["system", "user"], ["system", "user", "assistant", "user"]]


USER, SYSTEM = {"role": "user", "content": "Go"}, {"role": "system", "content": "Be brief."}
BEGUN = {"role": "assistant", "content": "{"}
CALLED: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": []}
TOOL = {"role": "tool", "tool_call_id": "1", "content": "3"}


@pytest.mark.parametrize(
    ("messages", "roles"),
    [
        ([USER], "user assistant user"),
        ([SYSTEM, USER], "system user assistant user"),
        ([SYSTEM, USER, BEGUN], "system user assistant user"),
        ([USER, CALLED, TOOL], "user assistant tool assistant user"),
        ([SYSTEM], "system user"),
        ([], "user"),
    ],
)
@pytest.mark.parametrize("said", ["no", ""])
def test_whatever_the_conversation_the_turns_alternate(messages: Any, roles: str, said: str) -> None:
    recorder = Recorder()
    with pytest.raises(AnswerError):
        run(recorder.call(Chat(Model(said).send, concurrency=1), messages=messages, shape={"a": str}))

    turns = [message["role"] for message in recorder.sent[1]["messages"]]
    assert said == "" or turns == roles.split()
    assert all(one != other or one == "tool" for one, other in pairwise(turns))
    assert turns[-1] == "user"


def test_an_answer_that_continues_a_turn_joins_it() -> None:
    recorder = Recorder()
    with pytest.raises(AnswerError):
        run(recorder.call(Chat(Model('"b": 1}').send, concurrency=1), messages=[USER, BEGUN], shape={"a": str}))

    assert recorder.sent[1]["messages"][1] == {"role": "assistant", "content": '{"b": 1}'}


CUT = "length LENGTH max_tokens MAX_TOKENS max_output_tokens maxOutputTokens max_new_tokens max_completion_tokens"
CUT += " model_length token_limit model_context_window_exceeded truncated incomplete"
REFUSED = "content_filter CONTENT_FILTER contentFilter content_filtered SAFETY RECITATION BLOCKLIST PROHIBITED_CONTENT"
REFUSED += " SPII refusal guardrail_intervened sensitive"
BROKEN = "error abort cancelled insufficient_system_resource MALFORMED_FUNCTION_CALL network_error"
WHOLE = "stop STOP end_turn eos_token eos stop_sequence tool_calls tool_use function_call COMPLETE FINISH_REASON_STOP"


@pytest.mark.parametrize(
    ("finish", "kinds"),
    [
        *((one, (True, False, False)) for one in CUT.split()),
        *((one, (False, True, False)) for one in REFUSED.split()),
        *((one, (False, False, True)) for one in BROKEN.split()),
        *((one, (False, False, False)) for one in [*WHOLE.split(), None, 5, ["length"], ""]),
    ],
)
def test_the_end_of_an_answer_is_read_in_every_spelling(finish: Any, kinds: tuple[bool, bool, bool]) -> None:
    choice = completion("x", finish_reason=finish)["choices"][0]

    assert (was_cut(choice), was_refused(choice), broke_off(choice)) == kinds


def test_the_reason_of_the_server_behind_a_gateway_counts() -> None:
    choice = completion("x", finish_reason="stop", native_finish_reason="MAX_TOKENS")["choices"][0]

    assert was_cut(choice)


@pytest.mark.parametrize(
    ("finish", "kind", "retryable"), [("MAX_TOKENS", TruncatedAnswerError, False), ("SAFETY", AnswerError, False)]
)
def test_an_answer_with_a_shape_that_did_not_end_by_itself_is_an_error(
    finish: str, kind: type[AnswerError], retryable: bool
) -> None:

    chat = Chat(Model(completion('{"a": "x"}', finish_reason=finish)).send, concurrency=1)
    with pytest.raises(kind) as caught:
        run(Recorder().call(chat, messages="Go", shape={"a": str}))

    assert caught.value.retryable is retryable


@pytest.mark.parametrize("shape", [None, {"a": str}])
def test_an_answer_that_broke_off_is_asked_for_again_by_the_step(shape: Any) -> None:

    chat = Chat(Model(completion("Once upon", finish_reason="error")).send, concurrency=1)
    with pytest.raises(AnswerError, match=r"broke off its answer \(error\): 'Once upon'") as caught:
        run(Recorder().call(chat, messages="Go", shape=shape))

    assert caught.value.retryable
