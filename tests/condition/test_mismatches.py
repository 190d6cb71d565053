"""Why a condition does not hold: as data, as sentences, and which of several came nearest."""

from __future__ import annotations

import re
from typing import Any

import pytest

from aloma_cli.condition import Mismatch, compile_condition
from aloma_cli.document.paths import MISSING


def sentences(pattern: dict[str, Any], document: dict[str, Any]) -> list[str]:
    return [str(mismatch) for mismatch in compile_condition(pattern).mismatches(document)]


def test_a_mismatch_says_where_what_was_wanted_and_what_was_found() -> None:
    (mismatch,) = compile_condition({"order": {"status": "paid"}}).mismatches({"order": {"status": "new"}})
    assert mismatch == Mismatch(("order", "status"), wanted='"paid"', found="new")
    assert not mismatch.missing


def test_missing_is_not_null() -> None:
    condition = compile_condition({"a": str})
    (missing,) = condition.mismatches({})
    (null,) = condition.mismatches({"a": None})
    assert missing.found is MISSING
    assert missing.missing
    assert null.found is None
    assert not null.missing


@pytest.mark.parametrize(
    ("pattern", "value", "sentence"),
    [
        ("paid", "new", 'a is "new", wanted "paid"'),
        (str, None, "a is null, wanted a string"),
        (int, "5", 'a is "5", wanted a number'),
        (bool, 0, "a is 0, wanted a boolean"),
        (list, {}, "a is {}, wanted a list"),
        (dict, [1], "a is [1], wanted an object"),
        (None, False, "a is false, wanted missing or null"),
        ({"b": 1}, "x", 'a is "x", wanted an object'),
        ({"$gte": 3}, 2.5, "a is 2.5, wanted >= 3"),
        ({"$lt": "m"}, "z", 'a is "z", wanted < "m"'),
        ({"$ne": "x"}, "x", 'a is "x", wanted not "x"'),
        ({"$ne": None}, None, "a is null, wanted neither missing nor null"),
        ({"$exists": False}, None, "a is null, wanted missing"),
        ({"$in": ["x", 2]}, "y", 'a is "y", wanted one of "x", 2'),
        ({"$nin": ["x"]}, ["x"], 'a is ["x"], wanted none of "x"'),
        ({"$all": ["x", 1]}, ["x"], 'a is ["x"], wanted a list with all of "x", 1'),
        ({"$size": 2}, [1], "a is [1], wanted a list of length 2"),
        (re.compile("er+", re.IGNORECASE), "no", 'a is "no", wanted a string matching /er+/i'),
        (["x"], ["y"], 'a is ["y"], wanted a list with "x"'),
        ([{"x": int}], [{"x": "1"}], 'a is [{"x": "1"}], wanted a list with {x: a number}'),
        ({"$each": int}, [], "a is [], wanted a list in which every element is a number"),
        ({"$some": {"$gt": 3}}, [1], "a is [1], wanted a list with > 3"),
        ({"$or": ["x", {"$gt": 3, "$lt": 5}]}, "y", 'a is "y", wanted "x" or (> 3 and < 5)'),
        ({"$not": {"$gt": 3}}, 4, "a is 4, wanted not > 3"),
        ({"$not": {"$gt": 3, "$lt": 5}}, 4, "a is 4, wanted not (> 3 and < 5)"),
        ({"$nor": ["x", "y"]}, "y", 'a is "y", wanted not "y"'),
    ],
)
def test_a_mismatch_reads_as_a_sentence(pattern: Any, value: Any, sentence: str) -> None:
    assert sentences({"a": pattern}, {"a": value}) == [sentence]


def test_missing_fields_are_named_one_by_one_down_to_the_leaf() -> None:
    assert sentences({"order": {"status": str, "total": {"$gt": 3}}}, {}) == [
        "order.status is missing, wanted a string",
        "order.total is missing, wanted > 3",
    ]


def test_every_bad_element_of_an_each_is_named() -> None:
    document = {"items": [{"x": 1}, {}, 3]}
    assert sentences({"items": {"$each": {"x": int}}}, document) == [
        "items.1.x is missing, wanted a number",
        "items.2 is 3, wanted an object",
    ]


def test_long_values_are_cut() -> None:
    (sentence,) = sentences({"a": int}, {"a": "x" * 1000})
    assert sentence == f'a is "{"x" * 58}…, wanted a number'


def test_a_long_list_of_wanted_values_is_cut() -> None:
    (sentence,) = sentences({"a": {"$in": list(range(1000))}}, {})
    assert sentence.startswith("a is missing, wanted one of 0, 1, 2")
    assert len(sentence) < 150


def test_half_a_surrogate_pair_can_be_printed() -> None:
    (sentence,) = sentences({"a": "\ud800"}, {"a": "\udfff"})
    assert sentence.encode() == b'a is "\\udfff", wanted "\\ud800"'


def test_an_integer_too_long_for_text_can_be_explained() -> None:
    assert sentences({"a": str}, {"a": 10**5000}) == ["a is …, wanted a string"]


def test_control_characters_are_escaped() -> None:
    assert sentences({"a": int}, {"a": "\x1b[31m\n"}) == ['a is "\\u001b[31m\\n", wanted a number']


def test_an_or_is_explained_by_the_branch_that_came_nearest() -> None:
    condition = compile_condition({"$or": [{"a": 1}, {"b": {"c": 2, "d": 3}}]})
    (mismatch,) = condition.mismatches({"b": {"c": 2}})
    assert str(mismatch) == "b.d is missing, wanted 3 (the closest alternative)"
    assert mismatch.nearest == (Mismatch(("b", "d"), "3", MISSING),)
    assert mismatch.alternatives[1] == (Mismatch(("a",), "1", MISSING),)


def test_a_list_is_explained_by_the_element_that_came_nearest() -> None:
    condition = compile_condition({"items": [{"x": int, "y": 1, "z": 2}]})
    (mismatch,) = condition.mismatches({"items": [{"x": 1}, "text", {"x": 1, "z": 2}]})
    assert str(mismatch) == "items.2.y is missing, wanted 1 (the closest alternative)"
    assert [left.path for left in mismatch.nearest] == [("items", 2, "y")]
    assert len(mismatch.alternatives) == 2  # the text is no attempt at all


def test_the_values_of_the_stash_are_never_shown() -> None:
    document = {"$stash": {"token": "s3cret", "port": 5, "gone": None}, "a": 1}
    patterns: list[dict[str, Any]] = [
        {"$stash": {"token": int, "port": str, "gone": str, "none": str}},
        {"$stash": {"token": {"$exists": False}}},
        {"$stash": list},
        {"$stash": {"token": {"x": str}}},
        {"$not": {"a": 1}},
        {"$or": [{"a": 2}, {"$stash": {"token": None}}]},
        {"$nor": [{"$stash": {"token": str}}]},
    ]
    for pattern in patterns:
        assert "s3cret" not in repr(list(compile_condition(pattern).mismatches(document)))
    assert sentences(patterns[0], document) == [
        '$stash.token is "«hidden string»", wanted a number',
        '$stash.port is "«hidden number»", wanted a string',
        "$stash.gone is null, wanted a string",
        "$stash.none is missing, wanted a string",
    ]


def test_explaining_is_lazy() -> None:
    mismatches = compile_condition({"a": 1, "b": 2}).mismatches({})
    assert next(mismatches).path == ("a",)
    assert next(mismatches).path == ("b",)


def nearest_of(patterns: list[dict[str, Any]], document: dict[str, Any]) -> dict[str, Any]:
    condition = max(map(compile_condition, patterns), key=lambda condition: condition.nearness(document))
    return condition.pattern


@pytest.mark.parametrize(
    ("nearer", "farther", "document"),
    [
        pytest.param({"a": 1, "b": 2}, {"c": 1}, {"a": 1}, id="a greater share of leaves holds"),
        pytest.param(
            {"a": 1, "b": 2, "c": 3, "x": 0}, {"a": 1, "x": 0}, {"a": 1, "b": 2}, id="equal shares, more leaves"
        ),
        pytest.param({"o": {"x": 1}}, {"p": {"x": 1}}, {"o": {}}, id="one has the parent"),
        pytest.param({"o": {"x": 1}}, {"o": {"y": 1}}, {"o": {"x": 2}}, id="one has the field, with another value"),
        pytest.param({"$or": [{"o": {"x": 1}}, {"p": 1}]}, {"p": 1}, {"o": {}}, id="an alternative has the parent"),
        pytest.param({"a": 1, "b": 2}, {"a": {"x": 1, "y": 2}}, {"a": 1}, id="a scalar parent meets nothing"),
        pytest.param(
            {"l": {"$each": {"x": int, "y": int}}}, {"z": 1}, {"l": [{"x": 1}, {"x": 1}]}, id="part of every element"
        ),
    ],
)  # fmt: skip
def test_the_nearest_condition_wins_whatever_the_order(
    nearer: dict[str, Any], farther: dict[str, Any], document: dict[str, Any]
) -> None:
    assert nearest_of([nearer, farther], document) == nearer
    assert nearest_of([farther, nearer], document) == nearer


def test_a_match_is_as_near_as_can_be() -> None:
    assert compile_condition({"a": 1, "b": None}).nearness({"a": 1}) == (1.0, 2, 1.0)
    assert compile_condition({}).nearness({}) == (1.0, 0, 1.0)


def test_nearness_counts_what_holds() -> None:
    condition = compile_condition({"a": 1, "b": 2, "c": [1, 2]})
    assert condition.nearness({"a": 1, "c": [2]})[:2] == (0.5, 2)
