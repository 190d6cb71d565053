"""The smallest document for a condition, and the proof that there is none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from aloma_cli.condition import compile_condition
from aloma_cli.condition.solve.smallest import always_holds, smallest
from aloma_cli.errors import ConditionError
from tests.condition.test_laws import CONDITIONS, DOCUMENTS


def compiled(pattern: Any) -> Any:
    """The condition, or None where the language refuses it."""
    try:
        return compile_condition(pattern)
    except ConditionError:
        return None


@settings(max_examples=4 * settings().max_examples)
@given(CONDITIONS, DOCUMENTS)
def test_a_condition_that_is_said_never_to_hold_does_not(pattern: Any, document: Any) -> None:
    condition = compiled(pattern)
    if condition is None:
        return
    answer = smallest(condition)
    assert answer.document is None or condition.matches(answer.document)
    if answer.proven:
        assert not condition.matches(document)
    if condition.matches({}):
        assert answer.document == {}


@settings(max_examples=4 * settings().max_examples)
@given(CONDITIONS, DOCUMENTS)
def test_a_condition_that_is_said_always_to_hold_does(pattern: Any, document: Any) -> None:
    condition = compiled(pattern)
    if condition is not None and always_holds(condition):
        assert condition.matches(document)


@pytest.mark.parametrize(
    ("pattern", "always"),
    [
        ({}, True),
        ({"a": {"$nin": []}}, True),
        ({"$or": [{"a": {"$exists": True}}, {"a": {"$exists": False}}]}, True),
        ({"a": None}, False),
        ({"a": {"$not": {"$size": 2}}}, False),
        ({"$nor": [{"a": 1}]}, False),
    ],
)
def test_a_condition_that_always_holds(pattern: dict[str, Any], always: bool) -> None:
    assert always_holds(compile_condition(pattern)) is always


@pytest.mark.parametrize(
    ("pattern", "document"),
    [
        ({"a": {"$gt": 3, "$lt": 5}}, {"a": 4}),
        ({"a": {"$gt": 3, "$lt": 4}}, {"a": 3.5}),
        ({"a": {"b": str}, "c": None}, {"a": {"b": "text"}}),
        ({"a": {"$in": ["x", "y"], "$ne": "x"}}, {"a": "y"}),
        ({"$or": [{"a": {"$gt": 5, "$lt": 3}}, {"b": True}]}, {"b": True}),
        ({"a": {"$some": {"b": 1}}}, {"a": [{"b": 1}]}),
        ({"a": {"$each": str, "$size": 2}}, {"a": ["text", "text"]}),
        ({"a": {"$regex": "^paid$"}}, {"a": "paid"}),
        ({"$children": {"x": {"running": 0, "done": {"$gte": 2}}}}, {"$children": {"x": {"running": 0, "done": 2}}}),
    ],
)
def test_the_smallest_document(pattern: dict[str, Any], document: dict[str, Any]) -> None:
    assert smallest(compile_condition(pattern)).document == document


@pytest.mark.parametrize(
    "pattern",
    [
        {"$or": [*({"a": {"$gt": n, "$lt": n - 1}} for n in range(70)), {"a": 1}]},
        {"a": {"$regex": "(?=x)y"}},
        {"a": {"$not": {"b": {"$nin": []}}, "$exists": True}, "b": {"$regex": "x(?!x)xx"}},
    ],
)
def test_nothing_is_claimed_about_what_cannot_be_decided(pattern: dict[str, Any]) -> None:
    answer = smallest(compile_condition(pattern))
    assert (answer.document, answer.proven) == (None, False)
