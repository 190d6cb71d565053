"""Answers that are streamed: whatever a server does, the answer is whole, or what came of it is kept with an error."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from aloma_cli.connectors.base import Answer, Call, unwatched
from aloma_cli.connectors.chat.server import ChatServer
from aloma_cli.connectors.providers import openai as provider
from aloma_cli.connectors.providers.router import Router
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.errors import ConnectorError
from aloma_cli.jsontext import Json, JsonObject
from tests.connectors.support import completion, run
from tests.servers.streams import DONE, Reply, StreamServer, chunk, event, refusal, spoken, streams

__all__ = ["streams"]

HELLO = [*spoken("Hel", "lo ", "Wörld"), DONE]


class Asked:
    """The end of calls to a server, what they told those who watch, and the tries that were put on record before."""

    def __init__(self, server: StreamServer, *, times: int = 1, watched: bool = True, **settings: Any) -> None:
        self.told: list[tuple[str, str | None]] = []
        self.kept: list[ConnectorError] = []
        self.end: Answer | ConnectorError
        arguments = settings.pop("arguments", {})
        given = {"base_url": server.url, "api_key": "sk-test-12345678", "max_retries": 0, **settings}

        async def keep(error: ConnectorError) -> None:
            self.kept.append(error)

        async def work() -> Answer:
            server = ChatServer(ModelSettings(**given), url=provider.URL, key_variable=provider.KEY_VARIABLE)
            progress = self._progress if watched else unwatched
            sent = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **arguments}
            call = Call("openai.chat", sent, "key", "task", "step", 1, {}, progress, keep)
            try:
                for _ in range(times):
                    answer = await server.send(call)
                return answer
            finally:
                await server.aclose()

        try:
            self.end = run(work())
        except ConnectorError as error:
            self.end = error

    def _progress(self, state: str, *, text: str | None = None, **_: Any) -> None:
        self.told.append((state, text))

    @property
    def answer(self) -> Answer:
        assert isinstance(self.end, Answer), self.end
        return self.end

    @property
    def error(self) -> ConnectorError:
        assert isinstance(self.end, ConnectorError), self.end
        return self.end

    @property
    def message(self) -> JsonObject:
        message: JsonObject = self.answer.value["choices"][0]["message"]
        return message


def part_of(answer: Json) -> str:
    return str(answer["choices"][0]["message"]["content"])


def test_a_streamed_answer_is_recorded_as_one_that_came_in_one_piece(streams: StreamServer) -> None:
    streams.answers(Reply(HELLO))
    asked = Asked(streams)
    assert asked.answer.value == {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "m-1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello Wörld"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }
    assert asked.answer.usage == {"input_tokens": 10, "output_tokens": 5}
    assert streams.bodies[0]["stream"] is True
    assert streams.bodies[0]["stream_options"] == {"include_usage": True}


def test_those_who_watch_see_the_words_as_they_come(streams: StreamServer) -> None:
    streams.answers(Reply(HELLO, pause=0.12))
    told = [text for state, text in Asked(streams).told if state == "streaming"]
    assert told[0] == "Hel"
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(told) if earlier and later)


def test_without_anybody_who_watches_an_answer_is_asked_for_in_one_piece(streams: StreamServer) -> None:
    streams.answers(Reply([json.dumps(completion("hello")).encode()], kind="application/json"))
    assert Asked(streams, watched=False).message["content"] == "hello"
    assert "stream" not in streams.bodies[0]


JSON_ANSWER = Reply([json.dumps(completion("hello")).encode()], kind="application/json")
NO_USAGE = [event(chunk({"content": "Hello"})), event(chunk({}, "stop")), DONE]


@pytest.mark.parametrize(
    ("reply", "content"),
    [
        (JSON_ANSWER, "hello"),
        (Reply(JSON_ANSWER.parts, kind="text/event-stream"), "hello"),
        (Reply(HELLO, kind="application/json"), "Hello Wörld"),
        (Reply(spoken("Hel", "lo")), "Hello"),
        (Reply([*spoken("Hello", finish=None, usage=False), DONE]), "Hello"),
        (Reply([b": keep-alive\n\n", *HELLO[:2], b": keep-alive\n\n\n\n", *HELLO[2:]]), "Hello Wörld"),
        (Reply([b"\n \n", *HELLO]), "Hello Wörld"),
        (Reply([b"\xef\xbb\xbf" + HELLO[0], *HELLO[1:]]), "Hello Wörld"),
        (Reply([b"event: message\nid: 1\nretry: 5\n" + part for part in HELLO]), "Hello Wörld"),
        (Reply([part.replace(b"\n", b"\r\n") for part in HELLO]), "Hello Wörld"),
        (Reply([part.replace(b"\n", b"\r") for part in HELLO] + [b"\r"]), "Hello Wörld"),
        (Reply([part.replace(b"\n\n", b"\n").replace(b"data: ", b"data:") for part in HELLO]), "Hello Wörld"),
        (Reply([b"".join(HELLO)[at : at + 1] for at in range(len(b"".join(HELLO)))]), "Hello Wörld"),
        (Reply([*(event(chunk(delta)) for delta in ({}, {"content": None}, {"content": ""})), *HELLO]), "Hello Wörld"),
        (Reply(HELLO, end="hold"), "Hello Wörld"),
        (Reply([*HELLO, b"data: nonsense\n\n"]), "Hello Wörld"),
        (Reply([*HELLO[:-1], b"data: [DONE]"], end="cut"), "Hello Wörld"),
        (Reply([*HELLO[:-1], DONE], end="reset"), "Hello Wörld"),
        (Reply([event(chunk({"content": "x" * 3_000_000})), *NO_USAGE[1:]]), "x" * 3_000_000),
    ],
    ids=lambda value: "" if isinstance(value, Reply) else value[:12],
)
def test_an_answer_is_whole_however_it_is_sent(streams: StreamServer, reply: Reply, content: str) -> None:
    streams.answers(reply)
    assert Asked(streams).message["content"] == content


def test_usage_that_is_missing_is_estimated_and_marked(streams: StreamServer) -> None:
    streams.answers(Reply(NO_USAGE))
    usage = Asked(streams).answer.usage
    assert usage is not None
    assert usage["estimated"] is True
    assert usage["output_tokens"] == 1


def test_the_usage_of_the_last_chunk_counts(streams: StreamServer) -> None:
    growing = [{"prompt_tokens": 10, "completion_tokens": number} for number in (1, 2, 3)]
    streams.answers(
        Reply([*(event(chunk({"content": "a"}, usage=usage)) for usage in growing), event(chunk({}, "stop"))])
    )
    assert Asked(streams).answer.usage == {"input_tokens": 10, "output_tokens": 3}


def test_a_refusal_that_comes_in_parts_is_put_together(streams: StreamServer) -> None:
    streams.answers(Reply([event(chunk({"refusal": part})) for part in ("I ", "will not")] + NO_USAGE[1:]))
    assert Asked(streams).message == {"role": "assistant", "content": None, "refusal": "I will not"}


BROKEN = spoken("Once ", "upon ", "a time", finish=None, usage=False)


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply(BROKEN), "it ended without its last part"),
        (Reply(BROKEN, end="cut"), ""),
        (Reply(BROKEN, end="reset"), ""),
        (Reply([*BROKEN, b'data: {"choices": [{"del\n\n']), "a part of it is not JSON"),
        (Reply([*BROKEN, b'data: {"choices": [{"del'], end="cut"), ""),
        (Reply([*BROKEN, b"data: [1, 2]\n\n"]), "a part of it is not an object"),
        (
            Reply([*BROKEN, event({"error": {"message": "overloaded", "code": 529}})]),
            "the server reported an error: overloaded",
        ),
        (
            Reply([*BROKEN, b"event: error\n" + event({"error": "overloaded"})], end="hold"),
            "the server reported an error: overloaded",
        ),
        (
            Reply([*BROKEN, event(chunk({"content": ""}, "error", error={"message": "overloaded"}))]),
            "the server reported an error: overloaded",
        ),
    ],
)
def test_what_came_before_a_break_is_kept_with_the_error(streams: StreamServer, reply: Reply, says: str) -> None:
    streams.answers(reply)
    error = Asked(streams).error
    assert error.retryable
    assert str(error).startswith(f"the answer of {streams.url} broke off after 16 characters: {says}")
    assert part_of(error.answer) == "Once upon a time"
    assert error.usage is not None
    assert error.usage["estimated"] is True
    assert error.usage["output_tokens"] == 4


@pytest.mark.parametrize("setting", [{"timeout": 0.5}, {"arguments": {"timeout": 0.5}}])
def test_what_came_before_the_time_was_over_is_kept_too(streams: StreamServer, setting: dict[str, Any]) -> None:
    streams.answers(Reply(BROKEN, end="hold"))
    error = Asked(streams, **setting).error
    assert part_of(error.answer) == "Once upon a time"
    assert "0.5 s" in str(error)


@pytest.mark.parametrize(
    ("reply", "retryable"),
    [
        (Reply([event({"error": {"message": "overloaded"}})]), True),
        (Reply([], end="cut"), True),
        (Reply([b": waiting\n\n"]), True),
        (Reply([DONE]), True),
        (Reply([b"<html>Login</html>"], kind="text/html"), False),
    ],
)
def test_a_stream_without_any_answer_is_an_error_without_one(
    streams: StreamServer, reply: Reply, retryable: bool
) -> None:
    streams.answers(reply)
    error = Asked(streams).error
    assert error.retryable is retryable
    assert not (isinstance(error.answer, dict) and error.answer.get("choices"))


def test_the_try_after_a_break_is_another_one_and_the_part_is_on_record_before_it(streams: StreamServer) -> None:
    streams.answers(Reply(BROKEN, end="cut"), Reply(HELLO))
    asked = Asked(streams, max_retries=1)
    assert asked.message["content"] == "Hello Wörld"
    [kept] = asked.kept
    assert part_of(kept.answer) == "Once upon a time"
    assert kept.about == {"server": f"127.0.0.1:{streams.port}", "provider": f"127.0.0.1:{streams.port}", "model": "m"}
    assert kept.usage is not None
    assert ("waiting", "the answer broke off") in asked.told


def test_a_break_before_any_word_leaves_nothing_on_record(streams: StreamServer) -> None:
    streams.answers(Reply([], end="cut"), Reply(HELLO))
    asked = Asked(streams, max_retries=1)
    assert asked.message["content"] == "Hello Wörld"
    assert asked.kept == []


# -- servers that cannot --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "status", "bodies"),
    [
        ("Unknown parameter: stream_options", 400, [True, True]),
        ("body.stream_options: Extra inputs are not permitted", 422, [True, True]),
        ("streaming is not supported for this model", 400, [True, None]),
        ("Unsupported value: 'stream'", 404, [True, None]),
        ("so nicht", 400, [True, None]),
    ],
)
def test_a_server_that_refuses_is_asked_in_a_lower_form(
    streams: StreamServer, message: str, status: int, bodies: list[bool | None]
) -> None:
    streams.answers(refusal(message, status), Reply(HELLO) if bodies[1] else JSON_ANSWER)
    assert Asked(streams, times=2).message["content"].lower().startswith("hello")
    assert [body.get("stream") for body in streams.bodies] == [*bodies, bodies[1]]
    assert "stream_options" not in streams.bodies[1]
    assert len(set(streams.keys[:2])) == 2


@pytest.mark.parametrize("message", ["upstream failed", "no credit", "the model is unknown"])
def test_a_refusal_for_another_reason_is_told_as_it_is(streams: StreamServer, message: str) -> None:
    streams.answers(Reply(HELLO), refusal(message, 401), refusal(message, 400), refusal(message, 400))
    assert message in str(Asked(streams, times=2).error)
    assert len(streams.bodies) == 2
    streams.answers(Reply(HELLO), refusal(message, 400))
    streams.bodies.clear()
    assert message in str(Asked(streams, times=2).error)
    assert len(streams.bodies) == 2


def test_that_a_server_cannot_stream_is_remembered_beyond_the_run(streams: StreamServer, tmp_path: Path) -> None:
    streams.answers(refusal("no streaming here"), JSON_ANSWER)
    Asked(streams, honours=tmp_path / "honours.json")
    Asked(streams, honours=tmp_path / "honours.json")
    assert [body.get("stream") for body in streams.bodies] == [True, None, None]


def test_the_connection_of_a_stream_is_used_again(streams: StreamServer) -> None:
    streams.answers(Reply(HELLO))
    Asked(streams, times=3)
    assert len(set(streams.ports)) == 1


def test_a_schema_goes_with_the_stream(streams: StreamServer) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    streams.answers(Reply([*spoken('{"a"', ": 1}"), DONE]))
    assert Asked(streams, arguments={"schema": schema}).message["content"] == '{"a": 1}'
    assert streams.bodies[0]["stream"] is True
    assert streams.bodies[0]["response_format"]["type"] == "json_schema"


def test_an_answer_that_the_server_rejects_in_the_stream_is_an_answer(streams: StreamServer) -> None:
    failure = {"message": "no JSON", "code": "json_validate_failed", "failed_generation": "Sure!"}
    streams.answers(Reply([*BROKEN, event({"error": failure})]))
    assert Asked(streams).message["content"] == "Sure!"


def test_a_stream_is_bounded_as_any_answer(streams: StreamServer) -> None:
    streams.answers(Reply([event(chunk({"content": "x" * 100_000}))] * 20))
    assert "larger than 1 MB" in str(Asked(streams, max_answer=1_000_000).error)
    streams.answers(Reply([event(chunk({"content": "x"}))] * 2000 + [event(chunk({}, "stop"))]))
    assert Asked(streams, max_answer=10_000).message["content"] == "x" * 2000


def test_what_came_of_one_server_is_on_record_before_the_next_one_is_asked(streams: StreamServer) -> None:
    streams.answers(Reply(BROKEN, end="cut"), Reply(HELLO))
    kept: list[ConnectorError] = []

    async def keep(error: ConnectorError) -> None:
        kept.append(error)

    async def work() -> Answer:
        a, b = (
            ModelSettings(base_url=streams.url, api_key="sk-test-12345678", name=name, max_retries=0) for name in "ab"
        )
        router = Router(
            replace(a, servers={"a": a, "b": b}, fallbacks={"*": ("b/other",)}),
            partial(ChatServer, url=provider.URL, key_variable=provider.KEY_VARIABLE),
        )
        sent = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
        try:
            watched: Any = lambda state, **_: None  # noqa: E731
            return await router.send(Call("openai.chat", sent, "key", "task", "step", 1, {}, watched, keep))
        finally:
            await router.aclose()

    answer = run(work())
    [broken] = kept
    assert part_of(broken.answer) == "Once upon a time"
    assert broken.about is not None
    assert broken.about["server"] == "a"
    assert answer.usage == {"input_tokens": 10, "output_tokens": 5}, "what is on record by itself is not counted again"
