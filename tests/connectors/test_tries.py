"""Tries of a request to a model server: when there is another one, after which wait, and what is reported."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx2
import openai
import pytest

from aloma_cli.connectors.base import Answer, Call
from aloma_cli.connectors.chat.tries import pause_after
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.errors import ConnectorError
from tests.connectors.support import completion, run
from tests.connectors.test_openai import URL, Wire, opened, reply

Told = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits between tries, none of which takes any time."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return waited


def send(wire: Wire) -> tuple[Answer | ConnectorError, Told]:
    """The end of one call, and what it told those who watch."""
    told: Told = []

    async def work() -> Answer:
        server = opened(ModelSettings(base_url=URL, api_key="sk-test-12345678"), wire)
        arguments = {"model": "gpt-4o", "messages": []}
        progress = lambda state, **details: told.append((state, details))  # noqa: E731
        return await server.send(Call("openai.chat", arguments, "k", "task", "step", 1, {}, progress))

    try:
        return run(work()), told
    except ConnectorError as error:
        return error, told


def limited(**headers: str) -> Callable[[httpx2.Request], httpx2.Response]:
    return lambda _: httpx2.Response(429, json={"error": {"message": "slow down"}}, headers=headers)


def test_a_rate_limited_call_waits_as_long_as_the_server_asks_and_says_so(pauses: list[float]) -> None:
    answer, told = send(Wire((limited(**{"Retry-After": "3"}), reply())))
    assert isinstance(answer, Answer)
    assert answer.value == completion("hello")
    assert pauses == [3]
    assert told == [
        ("waiting", {"seconds": 90.0, "attempt": 1, "tries": 3}),
        ("rate_limited", {"seconds": 3, "attempt": 2, "tries": 3, "text": "429"}),
        ("waiting", {"seconds": 90.0, "attempt": 2, "tries": 3}),
    ]


def test_there_are_three_tries_with_longer_and_longer_waits(pauses: list[float]) -> None:
    error, told = send(wire := Wire((reply(503, text="no"),)))
    assert isinstance(error, ConnectorError)
    assert (error.status, len(wire.requests)) == (503, 3)
    assert [state for state, _ in told] == ["waiting"] * 5
    assert [details.get("text") for _, details in told] == [None, "503", None, "503", None]
    assert 0.375 <= pauses[0] <= 0.5 < 0.75 <= pauses[1] <= 1


def broken(status: int, code: str | None = None, **headers: str) -> openai.APIStatusError:
    response = httpx2.Response(status, headers=headers, request=httpx2.Request("POST", URL))
    return openai.APIStatusError("no", response=response, body={"code": code})


@pytest.mark.parametrize(
    ("error", "pause"),
    [
        (broken(429, **{"retry-after-ms": "1500"}), 1.5),
        (broken(429, **{"retry-after": "1.5", "retry-after-ms": "soon"}), 1.5),
        (broken(503, **{"retry-after": "120"}), 120),
        (broken(429, **{"retry-after": "121"}), None),
        (broken(429, **{"retry-after": "inf"}), None),
        (broken(400, **{"x-should-retry": "true", "retry-after": "2"}), 2),
        (broken(503, **{"x-should-retry": "false"}), None),
        (broken(400), None),
        (broken(401), None),
        (broken(429, code="insufficient_quota"), None),
        (openai.OpenAIError("odd"), None),
        (ConnectorError("too large"), None),
    ],
)
def test_the_wait_before_another_try(error: openai.OpenAIError | ConnectorError, pause: float | None) -> None:
    assert pause_after(error, 1) == pause


@pytest.mark.parametrize(
    "error",
    [
        broken(408),
        broken(500),
        broken(429, **{"retry-after": "nan"}),
        broken(429, **{"retry-after": "-5"}),
        openai.APIConnectionError(request=httpx2.Request("POST", URL)),
        openai.APITimeoutError(request=httpx2.Request("POST", URL)),
        ConnectorError("broken off", retryable=True),
    ],
)
def test_without_a_word_from_the_server_the_usual_wait_is_short(error: openai.OpenAIError | ConnectorError) -> None:
    assert 0.375 <= (pause_after(error, 1) or 0) <= 0.5
    assert 6 <= (pause_after(error, 20) or 0) <= 8


def test_a_server_may_name_the_time_of_the_next_try() -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 27 < (pause_after(broken(503, **{"retry-after": at}), 1) or 0) <= 30
