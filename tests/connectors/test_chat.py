"""`openai.chat` above its model: check, ask once more, give up; and what is recorded of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aloma_cli.connectors.base import Answer, Call
from aloma_cli.connectors.chat.chat import Chat
from aloma_cli.connectors.chat.shape import List
from aloma_cli.errors import AnswerError, ConnectorError, PermanentError, TruncatedAnswerError
from aloma_cli.jsontext import dumps
from tests.connectors.support import Model, Recorder, completion, run

MESSAGES = [{"role": "user", "content": "How many?"}]
SHAPE = {"count": int}


def ask(model: Model, recorder: Recorder | None = None, /, **arguments: Any) -> Any:
    chat = Chat(model.send, concurrency=16)
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


def test_an_empty_answer_is_not_sent_back_and_the_turns_keep_their_order() -> None:
    """Servers refuse an empty message of an assistant, and some refuse two of the user in a row."""
    recorder = Recorder()

    ask(Model("", '{"count": 3}'), recorder, shape=SHAPE)

    [message] = recorder.sent[1]["messages"]
    assert message["role"] == "user"
    assert message["content"].startswith("How many?\n\nThat answer cannot be used:")


def test_the_second_misfit_is_an_error_that_quotes_the_answer() -> None:
    model = Model("I would rather not.")

    with pytest.raises(AnswerError) as caught:
        ask(model, model="gpt-4", shape=SHAPE)

    assert str(caught.value) == (
        "gpt-4o-2024-08-06 gave no valid answer in two tries: expected JSON, got: 'I would rather not.'"
    )
    assert len(model.calls) == 2
    assert caught.value.retryable


def test_a_missing_key_is_told_with_the_keys_that_came() -> None:
    with pytest.raises(AnswerError, match=r'two tries: the answer lacks "count" \(it has: number\), got: '):
        ask(Model('{"number": 3}'), shape=SHAPE)


def test_a_mended_answer_is_marked() -> None:
    answer = ask(Model('```json\n{"count": 3}\n```'), shape=SHAPE)

    assert (answer.data, answer.repaired) == ({"count": 3}, True)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "yes"}], "yes"),
        ([{"type": "text", "text": "y"}, "es", {"type": "image_url", "text": 3}, {"type": "output_text"}], "yes"),
        ([], ""),
        (None, ""),
    ],
)
def test_the_text_parts_of_a_content_are_joined(content: Any, text: str) -> None:
    assert ask(Model(completion(content))).data == text


@pytest.mark.parametrize(
    ("content", "kind"),
    [({"text": "x"}, "an object"), (3, "a number"), (False, "a boolean"), ([1, "x"], "a list of number")],
)
@pytest.mark.parametrize("shape", [None, SHAPE])
def test_a_content_of_another_kind_is_an_error_that_names_it(content: Any, kind: str, shape: Any) -> None:
    with pytest.raises(AnswerError, match=f"answered with {kind} as its content"):
        ask(Model(completion(content)), shape=shape)


def test_an_object_that_does_not_end_is_asked_for_again_whatever_the_server_says() -> None:
    model = Model(completion('{"count": 3'), '{"count": 4}')

    assert ask(model, shape=SHAPE).data == {"count": 4}
    assert len(model.calls) == 2


def test_a_long_answer_is_read_beside_the_loop() -> None:
    """Another agent continues while a long answer is read."""
    ticks: list[int] = []

    async def tick() -> None:
        while True:
            ticks.append(1)
            await asyncio.sleep(0.005)

    async def work() -> Any:
        beside = asyncio.create_task(tick())
        chat = Chat(Model('{"count": 3, "x": [' + "[]," * 700_000 + "1]} !").send, concurrency=16)
        answer = await Recorder().call(chat, messages=MESSAGES, shape=SHAPE)
        beside.cancel()
        return answer

    assert run(work()).data["count"] == 3
    assert len(ticks) > 5


def test_keys_that_were_not_asked_for_are_kept() -> None:
    assert ask(Model('{"count": 3, "why": "because"}'), shape=SHAPE).data == {"count": 3, "why": "because"}


@pytest.mark.parametrize("reason", ["length", "max_tokens", "MAX_TOKENS", "model_length", "max_output_tokens"])
def test_a_cut_answer_is_an_error_of_its_own_and_not_asked_for_again(reason: str) -> None:
    model = Model(completion('{"count": ', finish_reason=reason))

    with pytest.raises(TruncatedAnswerError, match="token limit") as caught:
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


def test_what_send_raises_reaches_the_step() -> None:
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
