"""`openai.chat` above its border: check, ask once more, give up; and what is recorded of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aloma_cli.connectors import Answer, Call, List
from aloma_cli.connectors.chat import Chat
from aloma_cli.errors import AnswerError, ConnectorError, PermanentError, TruncatedAnswerError
from aloma_cli.jsontext import dumps
from tests.connectors.support import Model, Recorder, completion, run

MESSAGES = [{"role": "user", "content": "How many?"}]
SHAPE = {"count": int}


def ask(border: Model, recorder: Recorder | None = None, /, **arguments: Any) -> Any:
    chat = Chat(border.send, concurrency=16)
    return run((recorder or Recorder()).call(chat, **{"messages": MESSAGES, **arguments}))


def test_an_answer_that_fits_is_asked_for_once() -> None:
    recorder = Recorder()

    answer = ask(Model('{"count": 3}'), recorder, model="gpt-4", shape=SHAPE, temperature=0.2)

    assert answer.data == {"count": 3}
    assert not answer.repaired
    assert recorder.sent == [
        {
            "model": "gpt-4",
            "messages": MESSAGES,
            "schema": {"type": "object", "properties": {"count": {"type": "integer"}}, "required": ["count"]},
            "temperature": 0.2,
        }
    ]


def test_without_a_shape_the_data_is_the_text() -> None:
    recorder = Recorder()

    answer = ask(Model("Three."), recorder)

    assert answer.data == answer.choices[0].message.content == "Three."
    assert recorder.sent == [{"model": "default", "messages": MESSAGES}]


def test_a_misfit_is_asked_for_once_more_with_what_was_wrong() -> None:
    """Both requests go through `ask`, so a repeated firing pays for neither."""
    recorder = Recorder()

    answer = ask(Model('{"count": "three"}', '{"count": 3}'), recorder, shape=SHAPE)

    assert answer.data == {"count": 3}
    assert len(recorder.sent) == 2
    first, said, objection = recorder.sent[1]["messages"]
    assert (first, said) == (MESSAGES[0], {"role": "assistant", "content": '{"count": "three"}'})
    assert "count: 'three' is not of type 'integer'" in objection["content"]


def test_an_empty_answer_is_not_sent_back() -> None:
    """Servers refuse an empty message of an assistant."""
    recorder = Recorder()

    ask(Model("", '{"count": 3}'), recorder, shape=SHAPE)

    assert [message["role"] for message in recorder.sent[1]["messages"]] == ["user", "user"]


def test_the_second_misfit_is_an_error_that_quotes_the_answer() -> None:
    model = Model("I would rather not.")

    with pytest.raises(AnswerError, match=r"gpt-4o-2024-08-06 answered twice .* 'I would rather not.'") as caught:
        ask(model, model="gpt-4", shape=SHAPE)

    assert len(model.calls) == 2
    assert caught.value.retryable


def test_a_mended_answer_is_marked_in_the_answer_and_in_the_record() -> None:
    recorder = Recorder()

    answer = ask(Model('```json\n{"count": 3}\n```'), recorder, shape=SHAPE)

    assert (answer.data, answer.repaired) == ({"count": 3}, True)
    assert [recorded.about for recorded in recorder.answers] == [{"repaired": True}]


def test_keys_that_nobody_asked_for_are_kept() -> None:
    assert ask(Model('{"count": 3, "why": "because"}'), shape=SHAPE).data == {"count": 3, "why": "because"}


def test_a_cut_answer_is_an_error_of_its_own_and_not_asked_for_again() -> None:
    model = Model(completion('{"count": ', finish_reason="length"))

    with pytest.raises(TruncatedAnswerError, match="limit of tokens") as caught:
        ask(model, shape=SHAPE)

    assert len(model.calls) == 1
    assert not caught.value.retryable


def test_a_cut_text_is_the_steps_own_affair() -> None:
    assert ask(Model(completion("Once upon", finish_reason="length"))).choices[0].finish_reason == "length"


@pytest.mark.parametrize(
    "refused",
    [
        completion(None, message={"role": "assistant", "content": None, "refusal": "I must not."}),
        completion("I must not.", finish_reason="content_filter"),
    ],
)
def test_a_refusal_is_quoted_and_not_asked_for_again(refused: dict[str, Any]) -> None:
    model = Model(refused)

    with pytest.raises(AnswerError, match=r"refused to answer: .*I must not"):
        ask(model, shape=SHAPE)

    assert len(model.calls) == 1


async def _slow_no(data: Any) -> bool:
    await asyncio.sleep(0)
    return bool(data["count"] != 1)


def _raises(data: Any) -> None:
    if data["count"] == 1:
        raise ValueError("one is too few")


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (lambda data: data["count"] > 1, "not good enough"),
        (lambda data: "one is too few" if data["count"] == 1 else None, "one is too few"),
        (_raises, "one is too few"),
        (_slow_no, "not good enough"),
    ],
)
def test_the_authors_check_sends_an_answer_back_with_its_reason(check: Any, said: str) -> None:
    recorder = Recorder()

    answer = ask(Model('{"count": 1}', '{"count": 2}'), recorder, shape=SHAPE, check=check)

    assert answer.data == {"count": 2}
    assert said in recorder.sent[1]["messages"][-1]["content"]


def test_a_check_works_on_a_text_too() -> None:
    assert ask(Model("no", "yes"), check=lambda text: text == "yes").data == "yes"


def test_an_error_inside_the_check_is_the_steps_own() -> None:
    with pytest.raises(KeyError):
        ask(Model('{"count": 1}'), shape=SHAPE, check=lambda data: data["missing"])


def test_an_answers_message_can_be_sent_back_as_it_is() -> None:
    """`messages=[..., answer.choices[0].message]`, as with the OpenAI library."""
    recorder = Recorder()
    first = ask(Model("Three."), recorder)

    ask(Model("Four."), recorder, messages=[*MESSAGES, first.choices[0].message])

    assert recorder.sent[1]["messages"][1] == {"role": "assistant", "content": "Three."}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"messages": [{"role": "user", "content": {1, 2}}]}, "the argument messages is not JSON"),
        ({"seed": object()}, "the argument seed is not JSON"),
        ({"stream": True}, "cannot stream"),
        ({"schema": {}}, "takes no schema"),
        ({"shape": SHAPE, "response_format": {"type": "json_object"}}, "a shape and a response_format"),
    ],
)
def test_arguments_that_cannot_be_kept_are_refused_before_anything_is_sent(
    arguments: dict[str, Any], message: str
) -> None:
    model = Model("x")

    with pytest.raises(PermanentError, match=message):
        ask(model, **arguments)

    assert model.calls == []


def test_what_the_border_raises_reaches_the_step() -> None:
    with pytest.raises(ConnectorError, match="gone"):
        ask(Model(ConnectorError("gone", retryable=True)), shape=SHAPE)


def test_what_is_recorded_is_json() -> None:
    recorder = Recorder()

    ask(Model('{"notes": []}', '{"notes": ["a"]}'), recorder, shape={"notes": List(str)}, stop=("a", "b"))

    assert dumps(recorder.sent)
    assert recorder.sent[0]["stop"] == ["a", "b"]


def test_no_more_calls_than_the_cap_are_at_the_server_at_one_time() -> None:
    inside: list[int] = [0]
    most: list[int] = [0]

    async def send(call: Call) -> Answer:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        await asyncio.sleep(0.001)
        inside[0] -= 1
        return Answer(completion("x"))

    async def ask_all() -> None:
        chat = Chat(send, concurrency=3)
        await asyncio.gather(*(Recorder().call(chat, messages=MESSAGES) for _ in range(12)))

    run(ask_all())

    assert most == [3]
