"""Shapes become JSON Schemas; what is not a shape is refused with its place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.connectors.chat.shape import Integer, List, Number, Optional, Text, to_schema
from aloma_cli.errors import ShapeError
from aloma_cli.jsontext import loads

DOCS = Path(__file__).parents[2] / "docs/shapes.md"

NAMES = st.text(st.characters(codec="ascii", categories=["L"]), min_size=1, max_size=8)
SCALARS = st.one_of(st.text(max_size=5), st.booleans(), st.integers(-9, 9), st.floats(-9, 9))


def bounded(marker: type[Integer | Number], numbers: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A number with no, one or two bounds."""
    pairs = st.tuples(numbers, numbers).map(sorted)
    return st.one_of(
        st.just(marker()),
        pairs.map(lambda pair: marker(*pair)),
        numbers.map(lambda low: marker(min=low)),
        numbers.map(lambda high: marker(max=high)),
    )


def around(shapes: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Lists and objects of shapes."""
    bounds = st.tuples(st.integers(0, 3), st.integers(1, 4)).filter(lambda pair: pair[0] <= pair[1])
    return st.one_of(
        shapes.map(lambda shape: [shape]),
        st.tuples(shapes, bounds).map(lambda made: List(made[0], *made[1])),
        objects(shapes),
    )


def objects(shapes: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(NAMES, st.one_of(shapes, shapes.map(Optional)), min_size=1, max_size=4)


SHAPES = objects(
    st.recursive(
        st.one_of(
            st.sampled_from([str, int, float, bool, list, dict]),
            st.integers(1, 500).map(Text),
            bounded(Integer, st.integers(-999, 999)),
            bounded(Number, st.floats(-999, 999)),
            st.lists(st.one_of(SCALARS, st.none()), min_size=1, max_size=4).map(lambda values: {"$in": values}),
            SCALARS,
        ),
        around,
        max_leaves=12,
    )
)


@given(SHAPES)
def test_every_shape_becomes_a_valid_schema_of_an_object(shape: dict[str, Any]) -> None:
    schema = to_schema(shape)

    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["type"] == "object"
    assert set(schema["required"]) == {key for key in shape if not isinstance(shape[key], Optional)}


def documented() -> list[tuple[str, str]]:
    """The rows of the table in docs/shapes.md: a shape in Python and its JSON Schema."""
    return re.findall(r"^\| `(.+?)` \| `(\{.+?\})` \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize(("shape", "schema"), documented())
def test_the_table_in_the_docs_is_true(shape: str, schema: str) -> None:
    names = {"List": List, "Optional": Optional, "Text": Text, "Integer": Integer, "Number": Number}
    made = to_schema({"x": eval(shape, names)})  # noqa: S307  (our own documentation)
    assert made["properties"]["x"] == loads(schema)
    assert made["required"] == ([] if shape.startswith("Optional") else ["x"])


def test_the_table_in_the_docs_is_found() -> None:
    assert len(documented()) > 12


@pytest.mark.parametrize(
    ("shape", "message", "hint"),
    [
        ([str], "the shape of an answer is an object, not", 'wrap it: {"items": ...}'),
        (str, "the shape of an answer is an object, not str", 'wrap it: {"items": ...}'),
        ({"$in": ["a"]}, "the shape of an answer is an object, not a choice", 'wrap it: {"choice": ...}'),
        ({}, "{} at the root is an empty shape", "use `dict` for any object"),
        ({"a": None}, "None at a is not a shape", "Optional(...)"),
        ({"a": [Optional(str)]}, "at a.0 is not a shape", "only a key of an object can be Optional"),
        ({"a": {"b": Text}}, "Text at a.b is not a shape", "Text(...)"),
        ({"a": {1, 2}}, "{1, 2} at a is not a shape", None),
        ({"a": tuple}, "tuple at a is not a shape", None),
        ({"a": {"$gte": 0}}, "$gte at a is not a shape", "Integer(min, max) or Number(min, max)"),
        ({"a": {"$inn": [1]}}, "$inn at a is not a shape", "did you mean `$in`?"),
        ({"a": {"$in": [1], "b": str}}, "b at a is not a shape", "$in must be the only key of its object"),
        ({"a": {"$in": []}}, "$in at a must be a list of values, got []", None),
        ({"a": {"$in": [{}]}}, "{} at a is not a value to choose from", None),
        ({"a": float("nan")}, "nan at a is not a value to choose from", None),
        ({"a": []}, "the list at a has 0 shapes", "[str] is a list of strings"),
        ({"a": [str, int]}, "the list at a has 2 shapes", "[str] is a list of strings"),
        ({"a": List(str, 3, 1)}, "the list at a cannot have 3 to 1 elements", None),
        ({"a": List(str, 0, 0)}, "the list at a cannot have 0 to 0 elements", None),
        ({"a": Text(0)}, "the string at a cannot have at most 0 characters", None),
        ({"a": Integer(0.5)}, "the number at a cannot be bounded by 0.5", None),  # type: ignore[arg-type]  # the point
        ({"a": Number(2, 1)}, "the number at a cannot be from 2 to 1", None),
        ({1: str}, "the key 1 at the root is not a string", None),
    ],
)
def test_what_is_no_shape_is_refused_with_its_place(shape: Any, message: str, hint: str | None) -> None:
    with pytest.raises(ShapeError) as caught:
        to_schema(shape)

    assert message in str(caught.value)
    assert (hint in str(caught.value.hint)) if hint else caught.value.hint is None


def test_the_path_of_a_bad_shape_leads_into_the_shape() -> None:
    with pytest.raises(ShapeError) as caught:
        to_schema({"a": [{"b": set()}]})

    assert caught.value.path == ("a", 0, "b")
