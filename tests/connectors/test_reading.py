"""Reading a model's text: plain JSON, JSON among words, broken JSON, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.connectors import List, Optional, to_schema
from aloma_cli.connectors.reading import Reading, complaints, read_object
from aloma_cli.jsontext import dumps

JSON_OBJECTS = st.dictionaries(
    st.text(max_size=5), st.one_of(st.text(max_size=9), st.integers(), st.booleans(), st.none()), max_size=4
)


@given(JSON_OBJECTS)
def test_json_is_read_as_it_is_and_in_a_fence_as_mended(value: dict[str, object]) -> None:
    text = dumps(value)

    assert read_object(text) == Reading(value)
    assert read_object(f"```json\n{text}\n```") == Reading(value, repaired=True)


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"a": 1}\n```',
        'Here you are:\n```\n{"a": 1}\n```\nAnything else?',
        'Sure! {"a": 1} Have fun.',
        '<think>maybe {"a": 2}?</think>\n{"a": 1}',
        "{'a': 1,}",
        '{"a": 1',
        '{"a": 1, // one\n}',
    ],
)
def test_an_object_that_can_be_had_is_had_and_marked(text: str) -> None:
    assert read_object(text) == Reading({"a": 1}, repaired=True)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "the answer is not JSON"),
        ("I cannot do that.", "the answer is not JSON"),
        ("[1, 2]", "the answer is a JSON list, not an object"),
        ("null", "the answer is a JSON null, not an object"),
        ('"text"', "the answer is a JSON string, not an object"),
    ],
)
def test_what_holds_no_object_is_a_complaint(text: str, complaint: str) -> None:
    reading = read_object(text)

    assert reading.complaint is not None
    assert reading.complaint.startswith(complaint)


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    reading = read_object(text)

    assert isinstance(reading.value, dict) is (reading.complaint is None)


def test_complaints_name_the_place() -> None:
    schema = to_schema({"items": List({"score": int}, max=2), "note": Optional(str)})

    assert complaints({"items": [{"score": 1}, {"score": "high"}], "note": None}, schema) == [
        "items.1.score: 'high' is not of type 'integer'"
    ]
    assert complaints({}, schema) == ["the answer: 'items' is a required property"]


def test_of_an_optional_key_the_complaint_is_about_the_value_not_about_the_alternative() -> None:
    [complaint] = complaints({"note": 3}, to_schema({"note": Optional(str)}))

    assert complaint.startswith("note: 3 is not of type")


def test_complaints_are_few_and_short() -> None:
    schema = to_schema({f"key{number}": str for number in range(50)})

    assert len(complaints({}, schema)) == 10
    [complaint] = complaints({"a": ["x" * 5000]}, to_schema({"a": str}))
    assert len(complaint) < 250
