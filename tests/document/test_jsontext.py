"""JSON on one line: what the standard encoder writes, and nothing that is not JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from aloma_cli.jsontext import JsonError, dumps
from tests.document.test_document import VALUES

STANDARD = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


@given(VALUES)
def test_a_value_is_written_as_the_standard_encoder_writes_it(value: Any) -> None:
    text = STANDARD.encode(value)
    assert [dumps(value), dumps(value)] == [text, text]


def circle() -> list[Any]:
    inside: list[Any] = []
    inside.append({"again": inside})
    return inside


@pytest.mark.parametrize("value", [float("nan"), [float("inf")], {"a": object()}, {(1, 2): 3}, circle()])
def test_what_is_not_json_is_refused_and_the_next_value_is_written(value: Any) -> None:
    with pytest.raises(JsonError):
        dumps(value)
    assert dumps({"a": [1, "é\n"]}) == '{"a":[1,"é\\n"]}'


def test_a_lone_surrogate_is_escaped() -> None:
    assert dumps({"\ud800": "\udfff"}) == '{"\\ud800":"\\udfff"}'
