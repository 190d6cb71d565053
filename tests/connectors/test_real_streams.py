"""End to end with real servers: a streamed answer is the one that comes in one piece."""

from __future__ import annotations

from typing import Any

import pytest

from aloma_cli.connectors.chat.shape import Integer, Text
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.connectors.table import open_connectors
from aloma_cli.errors import ConnectorError
from aloma_cli.jsontext import JsonObject
from tests.connectors.support import Recorder, run
from tests.servers import Aimock, Llama

pytestmark = pytest.mark.e2e

SAME = {"temperature": 0, "seed": 7, "max_tokens": 60}
TOOL = {
    "type": "function",
    "function": {
        "name": "look_up",
        "description": "Look something up.",
        "parameters": {"type": "object", "properties": {"city": {"enum": ["Oslo", "Rome"]}}, "required": ["city"]},
    },
}


def ask(settings: ModelSettings, *, watched: bool, **call: Any) -> tuple[JsonObject, list[str]]:
    """The recorded completion, and what was told of it while it came."""
    told: list[str] = []

    def progress(state: str, *, text: str | None = None, **_: Any) -> None:
        if state == "streaming":
            told.append(text or "")

    recorder = Recorder(progress=progress) if watched else Recorder()

    async def work() -> None:
        connectors = open_connectors(settings, {})
        try:
            await recorder.call(connectors["openai"]["chat"], **call)
        finally:
            await connectors.aclose()

    run(work())
    answer: JsonObject = recorder.answers[-1].value
    return answer, told


@pytest.mark.parametrize(
    "call",
    [
        {"messages": "Tell me a story"},
        {"messages": "Tell me a story", "shape": {"title": Text(max=20), "pages": Integer(0, 9)}, "max_tokens": 400},
        {"messages": "What is the weather?", "tools": [TOOL], "tool_choice": "required", "max_tokens": 400},
        {"messages": "Tell me two stories", "n": 2},
    ],
    ids=["text", "shape", "tool", "two"],
)
def test_llama_streams_the_answer_that_it_gives_in_one_piece(llama: Llama, call: JsonObject) -> None:
    settings = ModelSettings(base_url=llama.base_url, api_key="anything")
    streamed, told = ask(settings, watched=True, **{**SAME, **call})
    whole, silent = ask(settings, watched=False, **{**SAME, **call})
    assert told
    assert silent == []
    assert [_without_ids(choice) for choice in streamed["choices"]] == [_without_ids(one) for one in whole["choices"]]
    assert {name: streamed["usage"][name] for name in ("prompt_tokens", "completion_tokens")} == {
        name: whole["usage"][name] for name in ("prompt_tokens", "completion_tokens")
    }


def _without_ids(choice: JsonObject) -> JsonObject:
    """A choice without what differs from call to call."""
    message = {**choice["message"]}
    calls = message.pop("tool_calls", None) or []
    return {
        "finish_reason": choice["finish_reason"],
        "message": {name: value for name, value in message.items() if value},
        "calls": [call["function"] for call in calls],
    }


def test_aimock_streams_words_and_their_count(aimock: Aimock) -> None:
    aimock.answer("Once upon a time there was a server", to="story")
    settings = ModelSettings(base_url=aimock.base_url, api_key=aimock.key)
    answer, told = ask(settings, watched=True, messages="Tell me a story")
    assert answer["choices"][0]["message"]["content"] == "Once upon a time there was a server"
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert told
    [request] = aimock.journal()
    assert request["body"]["stream"] is True


@pytest.mark.parametrize("fault", ["dropRate", "malformedRate", "disconnectRate"])
def test_a_stream_that_aimock_breaks_is_an_error_that_may_pass(aimock: Aimock, fault: str) -> None:
    aimock.answer("Once upon a time there was a server", to="story")
    aimock.fault(**{fault: 1.0})
    settings = ModelSettings(base_url=aimock.base_url, api_key=aimock.key, max_retries=0)
    with pytest.raises(ConnectorError) as caught:
        ask(settings, watched=True, messages="Tell me a story")
    assert caught.value.retryable
