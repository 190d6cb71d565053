"""Forms from JSON Schemas, and the answers that come of what people type."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aloma_cli import Integer, List, Number, Optional, Text
from aloma_cli.connectors.chat.parse import complaints
from aloma_cli.connectors.chat.shape import to_schema
from aloma_cli.errors import InputError
from aloma_cli.forms.form import form_of
from aloma_cli.forms.read import read_field, read_form, shown
from aloma_cli.jsontext import Json


def typed(shape: object, text: str) -> Json:
    """The answer that a text gives to a question with one field."""
    [field] = form_of(to_schema(shape, whole=False)).fields
    return read_field(field, text)


@pytest.mark.parametrize(
    ("shape", "text", "value"),
    [
        (bool, "Yes", True),
        (bool, " n ", False),
        (bool, "true", True),
        (int, " 12 ", 12),
        (int, "007", 7),
        (int, "+3", 3),
        (float, "-1.5e3", -1500.0),
        (Number(0, 1), "0.25", 0.25),
        (str, "yes", "yes"),
        (str, "12", "12"),
        (Text(max=9), "a\r\nb", "a\nb"),
        ({"$in": ["pay", "refuse"]}, "2", "refuse"),
        ({"$in": ["pay", "refuse"]}, "PAY", "pay"),
        ({"$in": ["Pay", "pay"]}, "pay", "pay"),
        ({"$in": [2, 1]}, "1", 1),
        ({"$in": [0.5, True]}, "yes", True),
        (List(int), "[1, 2]", [1, 2]),
        (dict, '{"a": [1]}', {"a": [1]}),
        ({"inner": {"a": int}}, '{"inner": {"a": 1}}', {"inner": {"a": 1}}),
    ],
)
def test_what_is_typed_becomes_a_value(shape: object, text: str, value: Json) -> None:
    found = typed(shape, text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("shape", "text", "reason"),
    [
        (bool, "perhaps", "'perhaps' is not yes or no"),
        (bool, "", "answer yes or no"),
        (int, "1.5", "1.5 is not of type 'integer'"),
        (int, "many", "'many' is not an integer"),
        (Integer(0, 9), "10", "10 is greater than the maximum of 9"),
        (float, "1,234", "'1,234' is not a number"),
        (Text(max=3), "four", "'four' is too long"),
        (str, "\udcff", "this is not UTF-8"),
        (str, "", "type an answer"),
        ({"$in": ["pay", "refuse"]}, "3", "'3' is not one of the choices"),
        (List(int), "[1", "this is not JSON: "),
        (List(int), '["a"]', "0: 'a' is not of type 'integer'"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(shape: object, text: str, reason: str) -> None:
    with pytest.raises(InputError) as refused:
        typed(shape, text)
    assert str(refused.value).startswith(reason)


@pytest.mark.parametrize(
    ("text", "value"), [("yes", "yes"), ("12", 12), ('"12"', "12"), ('{"a": 1}', {"a": 1}), ("next week", "next week")]
)
def test_without_a_schema_the_answer_is_json_or_text(text: str, value: Json) -> None:
    assert read_form(form_of(None), {"": text}) == (value, {})


def test_an_object_of_simple_values_has_a_field_for_each() -> None:
    shape = {"day": {"$in": ["Monday", "Friday"]}, "parcels": Integer(1, 9), "fragile": bool, "note": Optional(str)}
    form = form_of(to_schema(shape, whole=False))
    assert [(field.name, field.kind, field.required) for field in form.fields] == [
        ("day", "choice", True),
        ("parcels", "integer", True),
        ("fragile", "boolean", True),
        ("note", "text", False),
    ]
    filled = read_form(form, {"day": "2", "parcels": "3", "fragile": "no", "note": ""})
    assert filled == ({"day": "Friday", "parcels": 3, "fragile": False}, {})
    wrong = read_form(form, {"day": "Sunday", "parcels": "10"}).wrong
    assert wrong == {
        "day": "'Sunday' is not one of the choices",
        "parcels": "10 is greater than the maximum of 9",
        "fragile": "answer yes or no",
    }


def test_titles_descriptions_and_references_are_followed() -> None:
    schema = {
        "type": "object",
        "properties": {
            "colour": {"$ref": "#/$defs/Colour"},
            "size": {"anyOf": [{"$ref": "#/$defs/Size"}, {"type": "null"}], "title": "Size", "description": "in cm"},
        },
        "required": ["colour"],
        "$defs": {"Colour": {"enum": ["red", "blue"], "type": "string"}, "Size": {"type": "integer", "minimum": 1}},
    }
    colour, size = form_of(schema).fields
    assert (colour.kind, colour.choices) == ("choice", ("red", "blue"))
    assert (size.kind, size.required, size.title, size.about) == ("integer", False, "Size", "in cm")
    assert read_field(colour, "1") == "red"
    with pytest.raises(InputError):
        read_field(size, "0")


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"type": "array"}}, "required": ["a"]},
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a", "b"]},
        {"type": "object"},
        {"type": "object", "properties": {}},
        {"$ref": "#/$defs/X", "$defs": {"X": {"$ref": "#/$defs/X"}}},
        {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        {"type": ["string", "null"]},
    ],
)
def test_anything_else_is_one_field_of_json(schema: dict[str, Json]) -> None:
    [field] = form_of(schema).fields
    assert (field.name, field.kind) == ("", "json")


def test_what_the_whole_must_be_is_checked_as_well() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "minProperties": 1}
    assert read_form(form_of(schema), {}).wrong == {"": "the answer: {} should be non-empty"}


LEAVES = st.sampled_from([bool, int, float, str, {"$in": ["a", "b", 3]}, Integer(0, 5), Text(max=5)])
SHAPES = LEAVES | st.dictionaries(st.text(min_size=1, max_size=5), LEAVES, min_size=1, max_size=4)


@settings(max_examples=4 * settings().max_examples)
@given(shape=SHAPES, texts=st.lists(st.text(max_size=8) | st.sampled_from(["yes", "3", "a", "1.5", "-1"]), min_size=4))
def test_an_answer_always_fits_its_schema(shape: object, texts: list[str]) -> None:
    try:
        schema = to_schema(shape, whole=False)
    except Exception:  # noqa: BLE001  (a key that a shape does not take)
        return
    form = form_of(schema)
    filled = read_form(form, {field.name: text for field, text in zip(form.fields, texts, strict=False)})
    assert filled.wrong or not complaints(filled.value, schema)
    if not filled.wrong and not form.is_object:
        assert read_form(form, {"": shown(filled.value)}).value == filled.value
