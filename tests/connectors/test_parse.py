"""Reading a model's text: plain JSON, JSON among words, broken JSON, and what is none."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.connectors.chat.parse import Reading, complaints, read_object
from aloma_cli.connectors.chat.shape import List, Optional, to_schema
from aloma_cli.jsontext import dumps

JSON_OBJECTS = st.dictionaries(
    st.text(max_size=5), st.one_of(st.text(max_size=9), st.integers(), st.booleans(), st.none()), max_size=4
)


ANY: dict[str, Any] = {"type": "object"}
SCHEMA = to_schema({"a": int})


@given(JSON_OBJECTS)
def test_json_is_read_as_it_is_and_in_a_fence_as_mended(value: dict[str, object]) -> None:
    text = dumps(value)

    assert read_object(text, ANY) == Reading(value)
    assert read_object(f"```json\n{text}\n```", ANY) == Reading(value, repaired=True)


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"a": 1}\n```',
        'Here you are:\n```\n{"a": 1}\n```\nAnything else?',
        'Sure! {"a": 1} Have fun.',
        '<think>maybe {"a": 2}?</think>\n{"a": 1}',
        'Hm. <think>maybe {"a": 2}?</think>\n{"a": 1}',
        "{'a': 1,}",
        '{"a": 1, // one\n}',
        "{a: 1}",
        '{{"a": 1}}',
        'Draft:\n```json\n{"a": 2}\n```\nFinal:\n```json\n{"a": 1}\n```',
        '{"a": 1}\n\nLet me know if {you} need more!',
        '{"a": 1}\n\nMore: {you',
        '{"a": 1}\n\nIt replaces {"b": 2}.',
        'Given input {"q": 1}, the answer is {"a": 1}.',
        'A 5" pipe: {"a": 1}',
    ],
)
def test_the_last_object_that_fits_is_had_and_marked(text: str) -> None:
    assert read_object(text, SCHEMA) == Reading({"a": 1}, repaired=True)


@pytest.mark.parametrize("fence", ["", "```json\n"])
def test_a_tag_inside_of_a_value_stays(fence: str) -> None:
    text = fence + '{"a": "x <think>b</think> c"}'

    assert read_object(text, ANY).value == {"a": "x <think>b</think> c"}


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1',
        '{"a": 1, "b": {"a": 1}',
        '{"a": 1, "b": "{',
        'Draft: {"a": 2}. Final: {"a": 1, "b": [1, 2',
        '{"items": [{"a": 1}, {"a": 1}, {"a',
    ],
)
def test_an_object_that_does_not_end_is_not_made_up_and_no_part_of_it_is_taken(text: str) -> None:
    reading = read_object(text, SCHEMA)

    assert reading.value is None
    assert "is not closed" in reading.complaints[0]


@pytest.mark.parametrize("text", ['{"a": }', '{"a": , "b": 1}', '{"b": 1, "a" : }'])
def test_a_value_that_is_missing_is_not_made_up(text: str) -> None:
    assert read_object(text, ANY).complaints


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "the answer is not JSON"),
        ("I cannot do that.", "the answer is not JSON"),
        ('<think>it is {"a": 1}', "the answer is not JSON"),
        ("[1, 2]", "the answer is a JSON list, not an object"),
        ("null", "the answer is a JSON null, not an object"),
        ('"text"', "the answer is a JSON string, not an object"),
    ],
)
def test_what_holds_no_object_is_a_complaint(text: str, complaint: str) -> None:
    assert read_object(text, ANY).complaints[0].startswith(complaint)


@pytest.mark.parametrize(
    "text", ['{"a": 1, "d": ' + "[" * 5000, "{" * 3000, '{"a":' * 2000, '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}"]
)
def test_what_is_nested_too_deep_is_a_complaint(text: str) -> None:
    assert "not JSON: nested deeper than 128 levels" in read_object(text, ANY).complaints[0]


@given(st.text() | st.text(st.sampled_from("{}[]\"'\\:,/* a1\n"), max_size=60))
def test_any_text_is_read_without_an_error(text: str) -> None:
    reading = read_object(text, ANY)

    assert isinstance(reading.value, dict) is (reading.complaints == ())


MANY = 300_000
ENDLESS = {
    "spaces": '{"a": 1' + " " * MANY,
    "newlines in a fence": "```" + "\n" * MANY,
    "thoughts": "<think>" * (MANY // 7),
    "whole thoughts": "<think></think>" * (MANY // 15),
    "brackets": "[" * MANY,
    "braces": "{" * MANY,
    "braces with spaces": "{ " * (MANY // 2),
    "braces before words": "{w " * (MANY // 3),
    "braces in texts": '{"' * (MANY // 2),
    "empty objects": "{}" * (MANY // 2),
    "objects": 'x {"b":1} ' * (MANY // 10),
    "escaped quotes": '{"a":' + '\\"' * (MANY // 2),
    "a long list": 'x{"a":[' + "[]," * (MANY // 3) + "1]}",
    "colons": 'x{"a"' + ": " * (MANY // 2) + "}",
    "quotes": "x{" + "'" * (MANY - 3) + "}",
    "broken": "x{'a':[" + "[1,]" * (MANY // 4) + "]}",
    "words": "hello world " * (MANY // 12),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_reading_takes_time_by_the_length_and_not_by_its_square(kind: str) -> None:
    """In quadratic time each of these would take minutes. A broken answer is repaired only if it is short."""
    started = time.process_time()
    read_object(ENDLESS[kind], SCHEMA)

    assert time.process_time() - started < 2


def test_complaints_name_the_place() -> None:
    schema = to_schema({"items": List({"score": int}, max=2), "note": Optional(str)})

    assert complaints({"items": [{"score": 1}, {"score": "high"}], "note": None}, schema) == (
        "items.1.score: 'high' is not of type 'integer'",
    )
    assert complaints({}, schema) == ('the answer lacks "items" (it has: no keys)',)
    assert complaints({"items": [{"a": 1, "b": 2}]}, schema) == ('items.0 lacks "score" (it has: a, b)',)


def test_of_an_optional_key_the_complaint_is_about_the_value_not_about_the_alternative() -> None:
    [complaint] = complaints({"note": 3}, to_schema({"note": Optional(str)}))

    assert complaint.startswith("note: 3 is not of type")


def test_complaints_are_few_and_short() -> None:
    schema = to_schema({f"key{number}": str for number in range(50)})

    assert len(complaints({f"key{number}": 1 for number in range(50)}, schema)) == 10
    assert len(complaints({}, schema)[0]) < 250
    [complaint] = complaints({"a": ["x" * 5000]}, to_schema({"a": str}))
    assert len(complaint) < 250
