"""One call as people read it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.jsontext import Json, loads
from aloma_cli.record.calls import RecordedCall, calls_of
from aloma_cli.record.events import CallAnswered
from aloma_cli.view.prompts import as_text, call_lines, first_line, parts, plain_call_lines, target
from aloma_cli.view.theme import ASCII, UNICODE
from tests.support.record import ROOT

AT = "2026-11-22T12:00:00.000Z"
ASKED = [{"role": "system", "content": "Be short.\nBe exact."}, {"role": "user", "content": "How many?"}]


def call(arguments: Json, answer: Json = None, *, function: str = "openai.chat", **fields: Any) -> RecordedCall:
    event = CallAnswered(
        at=AT, task=ROOT, firing=1, step="count", call=function, key="k", arguments=arguments, answer=answer, **fields
    )
    return next(calls_of([event]))


def said(content: Json, **message: Any) -> Json:
    return {
        "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content, **message}}
        ]
    }


def shown(one: RecordedCall, *before: RecordedCall) -> list[tuple[str, str]]:
    return [(part.title, part.text) for part in parts(one, before)]


def test_a_call_is_shown_role_by_role_with_its_shape_and_its_answer() -> None:
    schema = {"type": "object", "properties": {"count": {"type": "integer"}}, "required": ["count"]}
    one = call({"model": "m", "messages": ASKED, "schema": schema, "temperature": 0.5}, said('{"count":3}'))
    assert shown(one) == [
        ("system", "Be short.\nBe exact."),
        ("user", "How many?"),
        ("shape", '{"type": "object", "properties": {"count": {"type": "integer"}}, "required": ["count"]}'),
        ("options", "temperature: 0.5"),
        ("answer", '{"count": 3}'),
    ]


def test_a_repair_turn_shows_only_what_it_adds() -> None:
    first = call({"model": "m", "messages": ASKED}, said("many"))
    added = [{"role": "assistant", "content": "many"}, {"role": "user", "content": "That answer cannot be used"}]
    assert shown(call({"model": "m", "messages": [*ASKED, *added]}, said("3")), first) == [
        ("continues call 1", "(2 messages not shown again)"),
        ("assistant", "many"),
        ("user", "That answer cannot be used"),
        ("answer", "3"),
    ]


def test_a_turn_shows_tools_shape_and_options_only_if_they_are_others() -> None:
    given = {"model": "m", "schema": {"type": "object"}, "temperature": 0.5}
    first = call({**given, "messages": ASKED}, said("many"))
    later = [*ASKED, {"role": "assistant", "content": "many"}]
    assert [title for title, _ in shown(call({**given, "messages": later}, said("3")), first)] == [
        "continues call 1",
        "assistant",
        "answer",
    ]
    cooler = call({**given, "messages": later, "temperature": 0}, said("3"))
    assert ("options", "temperature: 0") in shown(cooler, first)


def test_a_result_stands_below_the_tool_of_its_turn_where_a_server_repeats_an_id() -> None:
    turns: list[Json] = []
    for name in ("find_parcle", "find_parcel"):
        asks = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": "{}"}}
        turns.append({"role": "assistant", "content": None, "tool_calls": [asks]})
        turns.append({"role": "tool", "tool_call_id": "call_1", "content": "none"})
    titles = [title for title, _ in shown(call({"model": "m", "messages": turns}, said("done")))]
    assert titles == ["assistant", "tool find_parcle", "assistant", "tool find_parcel", "answer"]


def test_tool_turns_are_shown() -> None:
    asks = {"id": "c1", "type": "function", "function": {"name": "look_up", "arguments": '{"city": "Oslo"}'}}
    turn = [
        {"role": "assistant", "content": None, "tool_calls": [asks]},
        {"role": "tool", "tool_call_id": "c1", "content": "-3"},
    ]
    tools = [{"type": "function", "function": {"name": "look_up", "description": "The weather.\nNow."}}]
    assert shown(call({"model": "m", "messages": turn, "tools": tools}, said(None, tool_calls=[asks]))) == [
        ("assistant", 'calls look_up {"city": "Oslo"}'),
        ("tool look_up", "-3"),
        ("tools", "look_up: The weather."),
        ("answer", 'calls look_up {"city": "Oslo"}'),
    ]


def test_a_picture_is_counted_and_not_shown() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 5000}}
    [(_, text)] = shown(
        call({"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "Look:"}, picture]}]})
    )
    assert text.startswith("Look:\n")
    assert text.endswith("more characters)")
    assert len(text) < 300


def test_vectors_are_counted_and_not_shown() -> None:
    vectors = [{"index": 0, "embedding": "AACAPwAAAEA="}, {"index": 1, "embedding": None}, 7]
    one = call({"model": "m", "input": ["a"]}, {"data": vectors, "usage": {}})
    [_, (_, text)] = shown(one)
    assert "AACAPw" not in text
    assert '"embedding": "2 numbers"' in text


def test_an_http_call_is_shown_with_method_status_and_both_bodies() -> None:
    asked = {"method": "POST", "url": "http://ann:secret@host/x?token=abc", "json": {"a": 1}, "timeout": 30.0}
    one = call(asked, {"status": 201, "headers": {"x-a": "b"}, "body": "made\nit"}, function="http.post")
    assert shown(one) == [
        ("request", "POST http://host/x?token=***\ntimeout: 30.0"),
        ("body", '{"a": 1}'),
        ("answer 201", "x-a: b"),
        ("body", "made\nit"),
    ]
    assert (first_line(one), target(one)) == ("made", "host/x?token=***")


def test_binary_data_is_counted_and_not_shown() -> None:
    asked = {"method": "GET", "url": "http://host/x"}
    picture = call(asked, {"status": 200, "headers": {}, "base64": "A" * 4000}, function="http.get")
    assert shown(picture)[-1] == ("body", "(3.0 kB of binary data)")
    assert first_line(picture) == "(3.0 kB of binary data)"


def test_an_error_is_shown_with_its_hint_and_with_what_came() -> None:
    error = {"type": "ConnectorError", "message": "not JSON", "retryable": True, "hint": "check it"}
    one = call({"model": "m", "messages": []}, "<html>", error=error)
    assert shown(one) == [("error", "ConnectorError: not JSON\n→ check it"), ("answer", "<html>")]
    assert first_line(one) == "ConnectorError: not JSON"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("\n  One.\nTwo.", "One."),
        ('{"a":\n 1}', '{"a": 1}'),
        ("{not json\nat all", "{not json at all"),
        (None, ""),
        ([{"type": "text", "text": "part"}], "part"),
        (7, "7"),
    ],
)
def test_the_first_line_of_an_answer(content: Json, line: str) -> None:
    assert first_line(call({"model": "m", "messages": []}, said(content))) == line


KEYS = (
    "role content choices message tool_calls function name arguments status body messages tools schema url text refusal"
)
KEYS += " reasoning json headers type"
ODD: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["\x1b[2J", "\u202e", "x" * 300]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS.split()), inner, max_size=4),
    max_leaves=12,
)


@given(
    ODD,
    ODD,
    st.sampled_from(["openai.chat", "http.get", "bank.pay"]),
    st.sampled_from([UNICODE, ASCII]),
    st.integers(20, 90),
)
def test_whatever_was_asked_and_answered_is_drawn_within_the_terminal_and_obeyed_by_none(
    asked: Json, answer: Json, function: str, glyphs: Any, room: int
) -> None:
    arguments = asked if isinstance(asked, dict) else {"messages": [asked], "model": "m"}
    one = call(arguments, answer, function=function)
    lines = [*call_lines(one, room, glyphs, before=[one])]
    assert all(line.cell_len <= room for line in lines)
    text = (
        "".join(str(line) for line in lines) + "".join(plain_call_lines(one)) + first_line(one) + "".join(target(one))
    )
    assert "\x1b" not in text
    assert "\u202e" not in text


@given(ODD, st.integers(1, 60))
def test_json_is_broken_into_lines_and_stays_what_it_was(value: Json, width: int) -> None:
    assert loads(as_text(value, width)) == value
