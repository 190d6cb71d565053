"""End to end with a server that fails as asked: each failure becomes the error that is documented for it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from aloma_cli.connectors.kinds import azure_url
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.connectors.table import open_connectors
from aloma_cli.errors import ConnectorError, CredentialsError
from tests.connectors.support import Recorder, run
from tests.servers import Aimock

pytestmark = pytest.mark.e2e

MESSAGES = [{"role": "user", "content": "Research the market"}]


def chat(aimock: Aimock, recorder: Recorder | None = None, *, key: str | None = None, **changes: Any) -> Any:
    """The answer to MESSAGES through the real client; `changes`: settings, and of the call."""
    call = {name: changes.pop(name) for name in ("shape", "model", "tools") if name in changes}
    given: dict[str, Any] = {"base_url": aimock.base_url, "max_retries": 0, **changes}
    settings = ModelSettings(api_key=key or aimock.key, **given)

    async def ask() -> Any:
        connectors = open_connectors(settings, {})
        try:
            return await (recorder or Recorder()).call(connectors["openai"]["chat"], messages=MESSAGES, **call)
        finally:
            await connectors.aclose()

    return run(ask())


def age(name: str) -> int:
    """The age of a person."""
    return {"Ada": 36, "Eve": 5}[name]


def failure(aimock: Aimock, **changes: Any) -> ConnectorError:
    with pytest.raises(ConnectorError) as caught:
        chat(aimock, **changes)
    return caught.value


def test_an_answer_with_a_shape_travels_through_a_server_of_somebody_elses(aimock: Aimock) -> None:
    """The request names the mapped model, carries the schema and the idempotency key; the answer comes back parsed."""
    aimock.answer({"insights": ["a", "b"]}, to="Research the market")

    answer = chat(aimock, models={"gpt-4": "what-we-have"}, model="gpt-4", shape={"insights": [str]})

    assert answer.data == {"insights": ["a", "b"]}
    [request] = aimock.journal()
    assert request["body"]["model"] == "what-we-have"
    assert request["body"]["response_format"]["json_schema"]["strict"] is True
    assert request["headers"]["idempotency-key"] == "key-1"


@pytest.mark.parametrize("streamed", [False, True])
def test_the_tools_that_it_calls_are_run_and_their_results_told(aimock: Aimock, streamed: bool) -> None:
    """Two calls in one turn, one that does not fit in the next, and an answer with a shape."""
    aimock.call(("age", {"name": "Ada"}), ("age", {"name": "Eve"}))
    aimock.call(("age", {"nam": "Bob"}), turn=1)
    aimock.answer({"oldest": "Ada"}, turn=2)
    recorder = Recorder(progress=lambda *_args, **_fields: None) if streamed else Recorder()

    assert chat(aimock, recorder, tools=[age], shape={"oldest": str}).data == {"oldest": "Ada"}

    assert [request["body"].get("stream", False) for request in aimock.journal()] == [streamed] * 3
    *_, last = [request["body"]["messages"] for request in aimock.journal()]
    told = {message["tool_call_id"]: message["content"] for message in last if message["role"] == "tool"}
    asked = [call for message in last for call in message.get("tool_calls", ())]
    assert [told[call["id"]] for call in asked[:2]] == ["36", "5"]
    assert "The arguments do not fit" in told[asked[2]["id"]]
    assert [request.get("name", "a turn") for request in recorder.sent] == ["a turn", "Ada", "Eve", "a turn", "a turn"]


def test_a_broken_first_answer_is_asked_for_again_with_its_errors(aimock: Aimock) -> None:
    """The second request holds the first answer and what was wrong with it."""
    aimock.answer({"insights": ["right"]}, to="cannot be used")
    aimock.answer({"insights": []}, to="Research the market")

    assert chat(aimock, shape={"insights": [str]}).data == {"insights": ["right"]}
    assert "insights" in aimock.journal()[1]["body"]["messages"][2]["content"]


def test_too_many_requests_are_retried_after_the_time_the_server_asks_for(aimock: Aimock) -> None:
    """With Retry-After: 1 the one retry waits a second before it fails for good, retryable."""
    aimock.fail(429, "slow down", retry_after=1)
    before = time.monotonic()

    error = failure(aimock, max_retries=1)

    assert time.monotonic() - before >= 0.9
    assert (error.status, error.retryable, len(aimock.journal())) == (429, True, 2)


def test_a_failure_that_passes_is_not_seen_by_the_step(aimock: Aimock) -> None:
    """After one 500 the retry is answered."""
    aimock.answer("fine")
    aimock.fail_once(500, "hiccup")

    assert chat(aimock, max_retries=1).choices[0].message.content == "fine"


def test_an_internal_error_is_retryable(aimock: Aimock) -> None:
    aimock.fail(500, "out of order")

    error = failure(aimock)

    assert (error.status, error.retryable) == (500, True)
    assert "out of order" in str(error)


def test_an_answer_that_is_not_json_is_retryable(aimock: Aimock) -> None:
    aimock.answer("fine")
    aimock.fault(malformedRate=1)

    error = failure(aimock)

    assert error.retryable
    assert "did not return JSON" in str(error)


def test_a_dropped_line_is_retryable_and_names_the_server(aimock: Aimock) -> None:
    aimock.answer("fine")
    aimock.fault(disconnectRate=1)

    error = failure(aimock)

    assert (error.status, error.retryable) == (None, True)
    assert aimock.base_url in str(error)


def test_a_slow_answer_is_a_retryable_timeout(aimock: Aimock) -> None:
    aimock.answer("fine")
    aimock.fault(latencyMs=500)

    error = failure(aimock, timeout=0.1)

    assert error.retryable
    assert "in time" in str(error)


def test_a_refused_key_is_a_credentials_error_that_says_what_to_set(aimock: Aimock) -> None:
    aimock.answer("fine")

    error = failure(aimock, key="wrong-key")

    assert isinstance(error, CredentialsError)
    assert (error.status, error.retryable) == (401, False)
    assert "OPENAI_API_KEY" in str(error.hint)


def test_an_unknown_model_says_where_to_map_its_name(aimock: Aimock) -> None:
    aimock.fail(404, "The model `gpt-4` does not exist", code="model_not_found")

    error = failure(aimock, model="gpt-4")

    assert (error.status, error.retryable) == (404, False)
    assert "models: {gpt-4: " in str(error.hint)


def test_a_server_that_refuses_response_format_is_asked_in_words(aimock: Aimock) -> None:
    """Both kinds of response_format are tried, then the schema goes into the prompt."""
    for _ in range(2):
        aimock.fail_once(400, "response_format is not supported by this model")
    aimock.answer({"insights": ["a"]}, to="Research the market")

    assert chat(aimock, shape={"insights": [str]}).data == {"insights": ["a"]}
    bodies = [request["body"] for request in aimock.journal()]
    assert [body.get("response_format", {}).get("type") for body in bodies] == ["json_schema", "json_object", None]
    assert "JSON Schema" in bodies[2]["messages"][-1]["content"]


@pytest.mark.parametrize("version", ["2024-10-21", None])
def test_azure_is_addressed_as_somebody_elses_server_expects_it(aimock: Aimock, version: str | None) -> None:
    """The address has the deployment and the version, and the key goes into a header of its own."""
    aimock.answer("from azure", to="Research the market")

    azure: dict[str, Any] = {"name": "azure", "kind": "azure", "api_version": version}
    answer = chat(aimock, base_url=azure_url(aimock.url, version), model="gpt-deployed", **azure)

    assert answer.data == "from azure"
    [request] = aimock.journal()
    path = "/openai/deployments/gpt-deployed/chat/completions?api-version=2024-10-21"
    assert request["path"] == (path if version else "/openai/v1/chat/completions")
