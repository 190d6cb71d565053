"""Only the views get what a call waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from aloma_cli.connectors.base import Answer, Ask, Call, Connectors, Effect, Function
from aloma_cli.content.progress import SILENCE
from aloma_cli.errors import ConnectorError, StoreError
from aloma_cli.jsontext import JsonObject
from aloma_cli.record import events as ev
from aloma_cli.redact import Redactor
from tests.support.play import play
from tests.support.record import of_kind
from tests.support.stage import AtOnce, Stage
from tests.support.steps import step


class Talks(Function):
    """A function that reports what `talk` says while its call is under way; its calls stay in `calls`."""

    def __init__(self, talk: Callable[[Call], Any]) -> None:
        self._talk = talk
        self.calls: list[Call] = []

    async def __call__(self, ask: Ask, /) -> Any:
        return await ask({})

    async def send(self, call: Call) -> Answer:
        self.calls.append(call)
        self._talk(call)
        return Answer("done")


async def content(data: dict[str, Any], connectors: Any) -> None:
    data["x"] = await connectors.slow.ask()


def staged(talk: Callable[[Call], Any], **options: Any) -> tuple[Stage, Talks]:
    function = Talks(talk)
    return Stage([step("a", {}, content)], {}, connectors=Connectors({"slow": {"ask": function}}), **options), function


def waits(stage: Stage) -> list[ev.CallProgress]:
    return of_kind(stage.events, ev.CallProgress)


def test_a_view_is_told_what_a_call_waits_for_and_the_journal_is_not() -> None:
    def talk(call: Call) -> None:
        call.progress("queued")
        call.progress("rate_limited", seconds=3, attempt=2, tries=3, text="429")

    stage, _ = staged(talk)
    stage.end("a")
    (sent,), (queued, limited) = of_kind(stage.events, ev.CallSent), waits(stage)
    assert (queued.state, queued.key, queued.call, queued.until) == ("queued", sent.key, "slow.ask", None)
    assert (limited.state, limited.attempt, limited.tries, limited.text) == ("rate_limited", 2, 3, "429")
    assert limited.until is not None
    assert limited.until > limited.at
    assert of_kind(stage.journal(), ev.CallProgress) == []


def test_a_call_that_has_ended_says_nothing_more() -> None:
    stage, function = staged(lambda _: None)
    stage.end("a")
    function.calls[0].progress("streaming", text="late")
    assert waits(stage) == []


def test_a_secret_is_hidden_in_what_is_streamed_and_only_the_last_part_is_shown() -> None:
    def talk(call: Call) -> None:
        call.progress("streaming", text="it is sk-live-01234")
        call.progress("streaming", text="it is sk-live-0123456789, " + "x" * 3000)

    stage, _ = staged(talk, scrubber=Redactor([("KEY", "sk-live-0123456789")]))
    stage.end("a")
    first, last = (event.text for event in waits(stage))
    assert first == "it is "
    assert last is not None
    assert set(last) == {"x"}
    assert len(last) <= 1000


def test_the_time_in_a_queue_is_not_counted_as_time_of_the_call() -> None:
    def talk(call: Call) -> None:
        call.progress("queued")
        stage.clock.moment += 5
        call.progress("waiting", seconds=90)
        stage.clock.moment += 2

    stage, _ = staged(talk)
    stage.end("a")
    (call,) = of_kind(stage.journal(), ev.CallAnswered)
    assert call.seconds == pytest.approx(2, abs=0.01)


def test_a_long_silence_is_told_once_until_something_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    timers: list[tuple[float, Callable[[], None]]] = []

    def later(_: AtOnce, seconds: float, action: Callable[[], None]) -> Callable[[], None]:
        timers.append((seconds, action))
        return lambda: None

    def ring() -> None:
        seconds, action = timers.pop()
        stage.clock.moment += seconds
        action()

    def talk(call: Call) -> None:
        call.progress("waiting", seconds=90, attempt=1, tries=3)
        ring()
        assert timers == []
        call.progress("streaming", text="Once")
        ring()

    monkeypatch.setattr(AtOnce, "later", later)
    stage, _ = staged(talk)
    stage.end("a")
    assert [(event.state, event.silent >= SILENCE) for event in waits(stage)] == [
        ("waiting", False),
        ("waiting", True),
        ("streaming", False),
        ("streaming", True),
    ]


class Queues(Function):
    """A function whose calls wait in a queue, and then take their time."""

    def effect(self, arguments: JsonObject) -> Effect:
        return "read"

    async def __call__(self, ask: Ask, /, queued: float, takes: float) -> Any:
        return await ask({"queued": queued, "takes": takes})

    async def send(self, call: Call) -> Answer:
        call.progress("queued")
        await asyncio.sleep(call.arguments["queued"])
        call.progress("waiting")
        await asyncio.sleep(call.arguments["takes"])
        return Answer("done")


@pytest.mark.parametrize(
    ("calls", "seconds", "error"),
    [
        ([(60, 4)], 64, None),
        ([(60, 6)], 65, "StepTimeout"),
        ([(20, 1), (30, 1), (40, 1)], 41, None),
        ([(0, 6), (3, 0)], 6, None),
        ([(0, 9), (3, 0)], 8, "StepTimeout"),
    ],
)
def test_the_time_in_a_queue_does_not_count_against_the_timeout_of_a_step(
    calls: list[tuple[float, float]], seconds: float, error: str | None
) -> None:
    async def content(data: dict[str, Any], connectors: Any) -> None:
        await asyncio.gather(*(connectors.slow.ask(queued, takes) for queued, takes in calls))
        data["x"] = 1

    ended = play([step("a", {"x": None}, content, timeout=5)], {}, connectors=Connectors({"slow": {"ask": Queues()}}))
    assert ended.seconds == pytest.approx(seconds, abs=0.2)
    assert (ended.data.get("$errors") or {"a": {"type": None}})["a"]["type"] == error


# -- tries that broke off -----------------------------------------------------------------------------------------


class Breaks(Function):
    """A function of which the first try breaks off with a part of its answer; `then` is what the next one does."""

    def __init__(self, then: Callable[[], Answer]) -> None:
        self._then = then
        self.sent: list[str] = []

    async def __call__(self, ask: Ask, /) -> Any:
        return await ask({"messages": []})

    async def send(self, call: Call) -> Answer:
        self.sent.append(call.key)
        broken = ConnectorError("it broke off", retryable=True)
        broken.answer, broken.usage, broken.about = {"half": 1}, {"input_tokens": 5, "output_tokens": 2}, {"model": "m"}
        await call.unfinished(broken)
        return self._then()


def broken_off(then: Callable[[], Answer], **options: Any) -> tuple[Stage, Breaks]:
    function = Breaks(then)
    data: dict[str, Any] | None = {} if "store" not in options else None
    return Stage(
        [step("a", {}, content)], data, connectors=Connectors({"slow": {"ask": function}}), **options
    ), function


def test_a_try_that_broke_off_is_on_record_and_counted_and_the_answer_is_that_of_the_next() -> None:
    stage, function = broken_off(lambda: Answer("whole", {"input_tokens": 5, "output_tokens": 9}))
    stage.end("a")
    broken, whole = of_kind(stage.journal(), ev.CallAnswered)
    assert broken.error is not None
    assert (broken.error["again"], broken.answer, broken.key) == (True, {"half": 1}, whole.key)
    assert (whole.answer, stage.data) == ("whole", {"x": "whole"})
    assert stage.tree.spent.tokens == 21
    assert len(function.sent) == 1


def test_after_a_crash_between_two_tries_the_call_is_made_again() -> None:
    def crash() -> Answer:
        raise StoreError("killed")

    stage, _ = broken_off(crash)
    stage.outcome(next(iter(stage.running.values())))  # nobody takes it in
    stage.close()
    again, function = broken_off(lambda: Answer("whole"), store=stage.store)
    again.end("a")
    assert (again.data, len(function.sent)) == ({"x": "whole"}, 1)
