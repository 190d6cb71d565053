"""Shapes as JSON Schemas and as pydantic models: recognised, checked, sent, read, and filled without a model."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import jsonschema
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.connectors.base import Call
from aloma_cli.connectors.chat.chat import Chat
from aloma_cli.connectors.chat.dialect import Dialect
from aloma_cli.connectors.chat.shape import Optional, Text, to_schema
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.connectors.simulated.fill import Filler
from aloma_cli.connectors.simulated.offline import Offline
from aloma_cli.errors import AnswerError, ConnectorError, ShapeError
from tests.connectors.support import Model, Recorder, run

ORDER: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"items": {"type": "array", "items": {"$ref": "#/$defs/Item"}}, "note": {"type": "string"}},
    "required": ["items"],
    "$defs": {"Item": {"type": "object", "properties": {"sku": {"type": "string"}}, "required": ["sku"]}},
}


class Item(pydantic.BaseModel):
    sku: str
    count: int = pydantic.Field(ge=1)


class Order(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(strict=True)

    kind: Literal["new", "changed"]
    due: date
    items: list[Item]
    note: str | None = None

    @pydantic.field_validator("note")
    @classmethod
    def _polite(cls, note: str | None) -> str | None:
        if note and "!" in note:
            raise ValueError("do not shout")
        return note


class Part(pydantic.BaseModel):
    name: str
    parts: list[Part] = []


GOOD = '{"kind": "new", "due": "2026-12-31", "items": [{"sku": "a", "count": 2}]}'


def ask(*contents: str, shape: Any, **options: Any) -> tuple[Any, Recorder]:
    recorder = Recorder()
    chat = Chat(Model(*contents).send, concurrency=1)
    return run(recorder.call(chat, messages="Go", shape=shape, **options)), recorder


@pytest.mark.parametrize(
    "shape",
    [
        {"type": "object", "properties": {"a": {"type": "string"}}},
        {"type": "object"},
        {"$schema": "https://json-schema.org/draft/2020-12/schema#", "properties": {"a": {}}},
        {"$ref": "#/$defs/A", "$defs": {"A": {"type": "object"}}},
        {"type": "object", "properties": {"a": {"enum": ("x", "y")}}, "unknown-to-us": 1},
    ],
)
def test_a_json_schema_is_a_shape_as_it_is(shape: Any) -> None:
    schema = to_schema(shape)

    assert schema["type"] == "object"
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("shape", [{"type": str}, {"type": {"$in": ["object"]}}, {"type": "invoice"}])
def test_a_shape_may_have_a_key_that_is_called_type(shape: Any) -> None:
    assert to_schema(shape)["properties"].keys() == {"type"}


@pytest.mark.parametrize(
    ("shape", "message", "hint"),
    [
        ({"type": "array", "items": {}}, "has the type object at its root, not array", "wrap it"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "only draft 2020-12 is supported", "remove $schema"),
        ({"type": "object", "properties": {"a": {"type": "text"}}}, "invalid at properties.a.type", None),
        ({"type": "object", "properties": {"a": {"$ref": "https://x.test/s"}}}, "leads out of the schema", "#/$defs/"),
        ({"type": "object", "properties": {"a": {"$ref": "other.json#/A"}}}, "at properties.a.$ref leads out", "$defs"),
        ({"type": "object", "properties": {"a": {"$ref": "#/$defs/B"}}}, "leads nowhere", "$defs"),
        ({"$ref": "#"}, "leads in a cycle", None),
        ({"type": "object", "$defs": {"A": {"$ref": "#/$defs/A"}}}, "leads in a cycle", None),
        (
            {"type": "number", "value": float},
            "is a JSON Schema, and not JSON",
            'a literal `type` in a shape write {"$in"',
        ),
        (
            {"a": {"type": "string"}},
            "the dict at a is a JSON Schema, and only a whole shape can be one",
            '{"$in": […]}',
        ),
        ({"a": Item}, "Item at a is not a shape", "only a whole shape can be a pydantic model"),
        (pydantic.RootModel[list[int]], "has the type object at its root, not array", "wrap it"),
    ],
)
def test_what_cannot_be_the_schema_of_an_answer_is_refused(shape: Any, message: str, hint: str | None) -> None:
    with pytest.raises(ShapeError) as caught:
        to_schema(shape)

    assert message in str(caught.value)
    assert hint is None or hint in str(caught.value.hint)


def test_a_question_may_have_a_schema_of_any_type() -> None:
    assert to_schema({"type": "integer", "minimum": 1}, whole=False) == {"type": "integer", "minimum": 1}
    assert to_schema(Item, whole=False)["required"] == ["sku", "count"]


def test_an_answer_is_checked_against_a_json_schema() -> None:
    answer, recorder = ask('{"items": [{}]}', '{"items": [{"sku": "a"}]}', shape=ORDER)

    assert answer.data == {"items": [{"sku": "a"}]}
    assert 'items.0 lacks "sku"' in recorder.sent[1]["messages"][-1]["content"]
    assert recorder.sent[0]["schema"] == ORDER


def test_an_answer_to_a_model_is_an_instance_of_it() -> None:
    """Strict models read JSON as JSON: a date is a string there."""
    answer, recorder = ask(GOOD, shape=Order, check=lambda order: order.due.year == 2026)

    assert isinstance(answer.data, Order)
    assert answer.data.items[0].count == 2
    assert len(recorder.sent) == 1


def test_the_validators_of_a_model_are_told_to_the_model() -> None:
    shouted = GOOD[:-1] + ', "note": "Now!"}'

    answer, recorder = ask(shouted, GOOD, shape=Order)

    assert answer.data.note is None
    assert "note: Value error, do not shout" in recorder.sent[1]["messages"][-1]["content"]


def test_a_model_decides_what_it_converts() -> None:
    answer, recorder = ask('{"sku": "a", "count": "3"}', shape=Item)

    assert answer.data.count == 3
    assert len(recorder.sent) == 1


def test_what_never_fits_a_model_is_an_error_that_quotes_it() -> None:
    with pytest.raises(AnswerError, match="count: Input should be greater than or equal to 1"):
        ask('{"sku": "a", "count": 0}', shape=Item)


@pytest.mark.parametrize(
    ("shape", "strict"),
    [
        (Item, True),
        (ORDER, False),  # `note` may be missing, and not null
        (Part, False),
        ({"type": "object", "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}, True),
        ({"type": "object", "properties": {"a": {"type": ["string", "null"]}}}, True),
        (
            {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "string"}},
            False,
        ),
        ({"type": "object", "properties": {"a": {}}, "required": ["a"]}, False),
        ({"type": "object", "properties": {"a": {"oneOf": [{"type": "string"}]}}, "required": ["a"]}, False),
    ],
)
def test_a_schema_is_strict_only_where_that_changes_nothing(shape: Any, strict: bool) -> None:
    sent = Dialect().request([], to_schema(shape))["response_format"]["json_schema"]

    assert sent["strict"] is strict
    assert not strict or sent["schema"]["additionalProperties"] is False
    jsonschema.Draft202012Validator.check_schema(sent["schema"])


def test_a_refused_keyword_joins_the_description() -> None:
    shape = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^A", "description": "A name"}}}
    dialect = Dialect().after_refusal("Invalid schema: 'pattern' is not permitted")

    assert dialect is not None
    sent = dialect.request([], to_schema(shape))["response_format"]["json_schema"]["schema"]
    assert sent["properties"]["a"] == {"type": "string", "description": "A name; pattern ^A"}
    assert shape["properties"]["a"]["pattern"] == "^A"  # type: ignore[index]  # the shape is as before


LEAVES: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {"type": "string"},
        {"type": "string", "minLength": 90},
        {"type": "string", "minLength": 2, "maxLength": 2},
        {"type": "string", "format": "date-time"},
        {"type": "integer", "exclusiveMinimum": 3, "multipleOf": 5},
        {"type": "number", "exclusiveMaximum": -1},
        {"type": "integer", "minimum": 7, "maximum": 9},
        {"type": ["null", "integer"]},
        {"enum": [1, "a", None]},
        {"const": {"a": [1]}},
        {"type": "string", "pattern": "^A", "examples": ["A1"]},
        {"default": 5},
        {"$ref": "#/$defs/Leaf"},
        {"$ref": "#/$defs/Tree"},
        {"type": "object", "additionalProperties": {"type": "integer"}},
        {"type": "object", "required": ["a", "b"]},
        {"type": "object", "additionalProperties": False},
        {"type": "array", "items": {"type": "integer"}, "uniqueItems": True, "minItems": 3},
        {"type": "array", "items": {"type": "boolean"}, "uniqueItems": True},
        {"prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False},
        {},
    ]
)


def _objects(schemas: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    named = st.dictionaries(st.sampled_from("abcd"), schemas, min_size=1, max_size=3)
    return named.flatmap(
        lambda properties: st.lists(st.sampled_from(sorted(properties)), unique=True).map(
            lambda required: {"type": "object", "properties": properties, "required": required}
        )
    )


SCHEMAS = _objects(
    st.recursive(
        LEAVES,
        lambda inner: st.one_of(
            _objects(inner),
            inner.map(lambda one: {"type": "array", "items": one, "minItems": 1, "maxItems": 3}),
            st.lists(inner, min_size=1, max_size=2).map(lambda several: {"anyOf": [{"type": "null"}, *several]}),
            inner.map(lambda one: {"allOf": [one]}),
        ),
        max_leaves=8,
    )
).map(
    lambda schema: {
        **schema,
        "$defs": {
            "Leaf": {"type": "boolean"},
            "Tree": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "below": {"type": "array", "items": {"$ref": "#/$defs/Tree"}},
                },
                "required": ["name", "below"],
            },
        },
    }
)


@given(SCHEMAS, st.integers(0, 2**64 - 1))
def test_every_supported_schema_is_filled_validly_and_the_same_each_time(schema: dict[str, Any], seed: int) -> None:
    made = to_schema(schema)

    filled = Filler(seed).fill(made)

    jsonschema.validate(filled, made)
    assert Filler(seed).fill(made) == filled
    jsonschema.validate(Filler(seed).complete({}, made), made)


@given(SCHEMAS)
def test_what_is_sent_of_a_json_schema_refuses_nothing_that_it_allows(schema: dict[str, Any]) -> None:
    sent = Dialect().request([], to_schema(schema))["response_format"]["json_schema"]["schema"]

    jsonschema.validate(Filler(1).fill(to_schema(schema)), sent)


def fill(shape: Any) -> Any:
    arguments = {"model": "m", "messages": [{"role": "user", "content": "Go"}], "schema": to_schema(shape)}
    answer = run(Offline(ModelSettings(offline=True), {}).send(Call("openai.chat", arguments, "k", "t", "s", 1, {})))
    return answer.value["choices"][0]["message"]["content"]


def test_simulated_answers_become_instances_too() -> None:
    order = Order.model_validate_json(fill(Order))
    part = Part.model_validate_json(fill(Part))

    assert order.items[0].sku.startswith("(simulated)")
    assert part.parts == []


TYPES: list[Any] = [
    Decimal,
    dict[str, int],
    dict[str, Item],
    tuple[int, str],
    set[str],
    frozenset[int],
    datetime,
    time,
    timedelta,
]
TYPES += [
    UUID,
    IPv4Address,
    Path,
    pydantic.AnyUrl,
    pydantic.SecretStr,
    bytes,
    Any,
    dict,
    list,
    pydantic.Json,
    Part | Item,
]
TYPES += [Annotated[float, pydantic.Field(gt=0.5, lt=0.7)], Annotated[int, pydantic.Field(multiple_of=7, gt=3)]]
TYPES += [Annotated[set[int], pydantic.Field(min_length=3)], list[list[dict[str, list[int]]]], Literal[1, "a", True]]


@pytest.mark.parametrize("kind", TYPES, ids=str)
def test_a_model_with_any_usual_type_is_simulated_and_sent(kind: Any) -> None:
    model = pydantic.create_model("Holder", it=(kind, ...), perhaps=(kind | None, None))

    model.model_validate_json(fill(model))
    jsonschema.Draft202012Validator.check_schema(
        Dialect().request([], to_schema(model))["response_format"]["json_schema"]["schema"]
    )


@pytest.mark.parametrize(
    ("words", "message"), [({"pattern": "^A"}, "`pattern`"), ({"format": "iban"}, "the format 'iban'")]
)
def test_what_cannot_be_simulated_is_said_with_what_to_do(words: Any, message: str) -> None:
    with pytest.raises(ConnectorError) as caught:
        fill({"type": "object", "properties": {"sku": {"type": "string", **words}}})

    assert f"a simulated answer cannot have {message} (at sku)" in str(caught.value)
    assert "responses/" in str(caught.value.hint)


def test_pydantic_is_imported_only_by_those_who_use_it() -> None:
    program = (
        "import sys; from aloma_cli.connectors.chat import chat, shape; from aloma_cli import Text\n"
        "shape.to_schema({'a': Text(3)}); print('pydantic' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"


def test_an_own_shape_may_still_be_optional_and_strict() -> None:
    sent = Dialect().request([], to_schema({"a": Optional(Text(3))}))["response_format"]["json_schema"]

    assert sent["strict"] is True
