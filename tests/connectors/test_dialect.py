"""How the schema is sent to a server, and what is tried when it refuses."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given

from aloma_cli.connectors.chat.dialect import Dialect
from aloma_cli.connectors.chat.shape import List, Optional, Text, to_schema
from tests.connectors.test_shape import SHAPES

MESSAGES = [{"role": "system", "content": "You research."}, {"role": "user", "content": "Go."}]
SCHEMA = to_schema({"notes": List({"text": Text(20), "why": Optional(str)}, max=2)})


def sent(dialect: Dialect, schema: dict[str, Any] = SCHEMA) -> dict[str, Any]:
    """The `json_schema` part of a request."""
    part: dict[str, Any] = dialect.request(MESSAGES, schema)["response_format"]["json_schema"]
    return part


def test_a_strict_schema_closes_each_object_and_requires_each_key() -> None:
    note = sent(Dialect())["schema"]["properties"]["notes"]["items"]

    assert note["additionalProperties"] is False
    assert note["required"] == ["text", "why"]
    assert note["properties"]["why"]["anyOf"][1] == {"type": "null"}


@pytest.mark.parametrize(
    ("shape", "strict"), [(str, True), ([{"a": int}], True), (dict, False), ([dict], False), (list, False)]
)
def test_only_a_shape_without_free_objects_and_lists_is_called_strict(shape: Any, strict: bool) -> None:
    assert sent(Dialect(), to_schema({"x": shape}))["strict"] is strict


@given(SHAPES)
def test_what_is_sent_is_a_valid_schema_in_every_dialect(shape: dict[str, Any]) -> None:
    schema = to_schema(shape)

    for dialect in (Dialect(), Dialect(without=frozenset({"maxLength", "minItems", "maxItems"}))):
        jsonschema.Draft202012Validator.check_schema(sent(dialect, schema)["schema"])


def test_a_refused_keyword_is_said_in_words_and_the_schema_is_kept() -> None:
    """OpenAI's strict mode refuses maxLength: the bound moves into the description."""
    dialect = Dialect().after_refusal("Invalid schema for response_format 'answer': 'maxLength' is not permitted.")

    assert dialect == Dialect(without=frozenset({"maxLength"}))
    text = sent(dialect)["schema"]["properties"]["notes"]["items"]["properties"]["text"]
    assert text == {"type": "string", "description": "maxLength 20"}


def test_the_ladder_ends_with_words() -> None:
    refusal = "Unsupported parameter: response_format"

    second = Dialect().after_refusal(refusal)
    assert second == Dialect("json_object")
    third = second.after_refusal(refusal)
    assert third == Dialect("words")
    assert third.after_refusal(refusal) is None


def test_a_keyword_refused_twice_steps_down_the_ladder() -> None:
    refusal = "response_format: 'maxLength' is not permitted"

    assert Dialect(without=frozenset({"maxLength"})).after_refusal(refusal) == Dialect("json_object")


@pytest.mark.parametrize(
    ("status", "told", "may"),
    [
        (400, "this model's context holds 8192 tokens", True),
        (422, "field required", True),
        (500, "Failed to initialize samplers: failed to parse grammar", True),
        (501, "guided decoding is not built in", True),
        (500, "out of memory", False),
        (404, "no such schema", False),
        (429, "response_format", False),
    ],
)
def test_a_refusal_may_be_about_the_schema_by_its_status_and_a_failure_by_its_words(
    status: int, told: str, may: bool
) -> None:
    assert Dialect().may_be_refused(status, told) is may


@pytest.mark.parametrize("form", ["json_object", "words"])
def test_without_a_schema_in_the_request_the_prompt_holds_it(form: Any) -> None:
    """The word JSON must be in the prompt, or servers refuse json_object."""
    request = Dialect(form).request(MESSAGES, SCHEMA)

    assert len(request["messages"]) == 2
    assert request["messages"][1]["content"].startswith("Go.")
    assert '"maxItems":2' in request["messages"][1]["content"]
    assert ("response_format" in request) is (form == "json_object")
    assert MESSAGES[1]["content"] == "Go."


def test_words_join_a_last_message_of_parts() -> None:
    parts = [{"type": "text", "text": "x"}]

    request = Dialect("words").request([{"role": "user", "content": parts}], SCHEMA)

    assert [part["type"] for part in request["messages"][0]["content"]] == ["text", "text"]
    assert len(parts) == 1


def test_words_get_a_message_of_their_own_where_the_last_one_is_not_the_users() -> None:
    request = Dialect("words").request([{"role": "system", "content": "x"}], SCHEMA)

    assert [message["role"] for message in request["messages"]] == ["system", "user"]
