"""What each pattern matches: one row a claim, with documents for which it holds and documents for which it does not."""

from __future__ import annotations

import re
from typing import Any

import pytest

from aloma_cli.condition import compile_condition

BIG = 2**64
Row = tuple[str, dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]


def over(pattern: Any, yes: list[Any], no: list[Any], *, missing: bool) -> tuple[Any, list[Any], list[Any]]:
    """A row over the field `a`: values that match, values that do not, and whether a missing field matches."""
    matching = [{"a": value} for value in yes] + ([{}, {"b": 1}] if missing else [])
    others = [{"a": value} for value in no] + ([] if missing else [{}, {"b": 1}])
    return {"a": pattern}, matching, others


ROWS: list[Row] = [
    (
        "a string equals itself, case and all",
        *over("paid", ["paid"], ["Paid", "paid ", None, ["paid"], {"paid": 1}], missing=False),
    ),
    ("the empty string is a string", *over("", [""], [None, 0, [], {}], missing=False)),
    ("a number equals its float", *over(3, [3, 3.0], ["3", True, 4, [3], None], missing=False)),
    ("a float equals its integer", *over(3.0, [3, 3.0], ["3.0", 3.5], missing=False)),
    ("a string is never a number", *over("5", ["5"], [5, 5.0], missing=False)),
    ("1 is not true", *over(1, [1, 1.0], [True, "1"], missing=False)),
    ("0 is not false and not missing", *over(0, [0, 0.0, -0.0], [False, "", None, []], missing=False)),
    ("true is not 1", *over(True, [True], [1, 1.0, "true", False], missing=False)),
    ("false is not 0 and not missing", *over(False, [False], [0, None, "", True], missing=False)),
    ("large integers are exact", *over(BIG, [BIG], [BIG + 1, BIG - 1], missing=False)),
    ("a float past 2**53 is no neighbour", *over(2**53 + 1, [2**53 + 1], [float(2**53)], missing=False)),
    (
        "half a surrogate pair is a character like others",
        *over("\ud800", ["\ud800"], ["\ud801", "?"], missing=False),
    ),
    (
        "str is any text",
        *over(str, ["", "x", "\udfff"], [5, True, None, ["x"], {}], missing=False),
    ),
    ("bool is true or false", *over(bool, [True, False], [0, 1, "true", None], missing=False)),
    ("int is any number", *over(int, [0, -1, 2.5, BIG], [True, False, "1", None, [1]], missing=False)),
    ("float is any number", *over(float, [0, 3, 2.5], [True, "1", None], missing=False)),
    ("list is any list", *over(list, [[], [1], [[]]], [{}, "x", None], missing=False)),
    ("dict is any object", *over(dict, [{}, {"x": 1}], [[], [{}], "x", None], missing=False)),
    ("None is null or missing", *over(None, [None], [False, 0, "", [], {}], missing=True)),
    ("$exists true counts null", *over({"$exists": True}, [None, 0, {}, "x"], [], missing=False)),
    ("$exists false does not count null", *over({"$exists": False}, [], [None, 0, ""], missing=True)),
    (
        "an expression is searched for, in strings only",
        *over(re.compile("er+"), ["error", "her"], ["ERROR", 5, None, ["error"], {"er": 1}], missing=False),
    ),
    (
        "an expression keeps its flags",
        *over(re.compile("^b$", re.IGNORECASE | re.MULTILINE), ["a\nB", "b"], ["ab"], missing=False),
    ),
    (
        "$regex is an expression",
        *over({"$regex": "^a.c"}, ["abc", "a-cd"], ["xabc", "a\nc", "ABC", ["abc"]], missing=False),
    ),
    (
        "$options are its flags",
        *over({"$regex": "^a.c # hm", "$options": "isx"}, ["A\nc"], ["xabc"], missing=False),
    ),
    ("$options m is multiline", *over({"$regex": "^b", "$options": "m"}, ["a\nb"], ["ab"], missing=False)),
    ("$regex takes a compiled one", *over({"$regex": re.compile("x", re.IGNORECASE)}, ["X"], ["y"], missing=False)),
    (
        "an object pattern leaves other fields free",
        {"a": {"b": 1}, "c": 2},
        [{"a": {"b": 1, "x": 0}, "c": 2, "y": 0}],
        [{"a": {"b": 1}}, {"c": 2}, {"a": {"b": 2}, "c": 2}],
    ),
    (
        "a missing or null parent counts as an empty object",
        {"agent": {"deep": {"ready": None}}},
        [{}, {"agent": None}, {"agent": {}}, {"agent": {"deep": None}}, {"agent": {"deep": {"ready": None}}}],
        [{"agent": {"deep": {"ready": False}}}],
    ),
    (
        "a scalar or list parent never matches, not even for null",
        {"a": {"b": None}},
        [{}],
        [{"a": "text"}, {"a": 0}, {"a": False}, {"a": []}, {"a": [{}]}],
    ),
    ("$exists false holds under a missing parent", {"a": {"b": {"$exists": False}}}, [{}], [{"a": 1}]),
    ("$exists true fails under a missing parent", {"a": {"b": {"$exists": True}}}, [], [{}, {"a": None}]),
    ("an empty object pattern", *over({}, [None, {}, {"x": 1}], [[], "x", 0], missing=True)),
    (
        "a list pattern: order and extras are free",
        *over(["p", "q"], [["q", "x", "p"]], [["p"], ["q"], [], "p", None, {"p": "q"}], missing=False),
    ),
    ("an empty list pattern is any list", *over([], [[], [1]], [{}, "x", None], missing=False)),
    (
        "one element may serve two patterns",
        *over([int, 3], [[3], [1, 3]], [[1], ["3"]], missing=False),
    ),
    ("a type in a list pattern", *over([str], [["x"], [1, "x"]], [[1], []], missing=False)),
    (
        "an object in a list pattern",
        *over([{"x": int}], [[{"x": 1}, {"y": 2}], [{"x": 1, "z": 0}]], [[{"x": "1"}], {"x": 1}], missing=False),
    ),
    ("null in a list pattern", *over([None], [[None], [1, None]], [[], [0]], missing=False)),
    ("a list in a list pattern", *over([[1]], [[[1, 2]]], [[1], [[2]]], missing=False)),
    (
        "$each wants every element, and at least one",
        *over({"$each": {"x": int}}, [[{"x": 1}], [{"x": 1}, {"x": 2}]], [[], [{"x": 1}, {}], {"x": 1}], missing=False),
    ),
    ("$each with an operator", *over({"$each": {"$gt": 3}}, [[4, 5]], [[4, 3], [], 4], missing=False)),
    ("$some wants one element", *over({"$some": {"$gt": 3}}, [[1, 4]], [[], [1], 4], missing=False)),
    (
        "$some holds its object together",
        *over({"$some": {"x": 1, "y": 2}}, [[{"x": 1, "y": 2}]], [[{"x": 1}, {"y": 2}]], missing=False),
    ),
    ("$ne", *over({"$ne": 5}, [4, "5", None, True, [5]], [5, 5.0], missing=True)),
    ("$ne true", *over({"$ne": True}, [1, False, None], [True], missing=True)),
    ("$ne null is present and not null", *over({"$ne": None}, [0, "", False, {}], [None], missing=False)),
    ("$ne with a list", *over({"$ne": [1]}, [[1, 2], 1, [True]], [[1], [1.0]], missing=True)),
    ("$gt numbers", *over({"$gt": 3}, [4, 3.1, BIG], [3, 3.0, True, "4", None, [4]], missing=False)),
    ("$gt strings", *over({"$gt": "b"}, ["c", "ba"], ["b", "a", 5, ["c"]], missing=False)),
    ("$gte", *over({"$gte": 3}, [3, 3.0, 4], [2.9, "3", True], missing=False)),
    ("$lt", *over({"$lt": 3}, [2, -BIG], [3, False, None, "2"], missing=False)),
    ("$lt with a huge integer", *over({"$lt": 10**400}, [1.5, 1e308], [10**400], missing=False)),
    ("$lte strings", *over({"$lte": "2024-06"}, ["2024-06", "2023"], ["2025", 2023], missing=False)),
    ("operators side by side must all hold", *over({"$gt": 3, "$lt": 5}, [4], [3, 5], missing=False)),
    ("$in", *over({"$in": ["x", 2]}, ["x", 2, 2.0, ["y", "x"]], ["y", True, None, ["y"], []], missing=False)),
    ("$in keeps kinds apart", *over({"$in": [1, False]}, [1, False], [True, 0], missing=False)),
    ("$in null takes missing", *over({"$in": [None, 1]}, [None, 1, [None]], [0, []], missing=True)),
    (
        "$in compares lists and objects whole",
        *over(
            {"$in": [[1, 2], {"x": 1}]},
            [[1, 2], {"x": 1.0}, [[1, 2]]],
            [[1], [2, 1], {"x": 1, "y": 2}, {"x": True}],
            missing=False,
        ),
    ),
    ("$in may list expressions", *over({"$in": [re.compile("^a"), 1]}, ["ab", ["x", "ab"], 1], ["ba"], missing=False)),
    ("$in of nothing", *over({"$in": []}, [], [None, 1, []], missing=False)),
    ("$nin", *over({"$nin": ["x", 2]}, ["y", None, ["y"], []], ["x", 2.0, ["y", "x"]], missing=True)),
    ("$nin null", *over({"$nin": [None]}, [0, [], ["x"]], [None, [None]], missing=False)),
    ("$nin of nothing", *over({"$nin": []}, [None, 1, []], [], missing=True)),
    ("$all", *over({"$all": ["x", 2]}, [[2.0, "y", "x"]], [["x"], [], "x", True], missing=False)),
    ("$all takes whole objects", *over({"$all": [{"x": 1}]}, [[{"x": 1}]], [[{"x": 1, "y": 2}]], missing=False)),
    ("$all null", *over({"$all": [None]}, [[None]], [[], None], missing=False)),
    ("$all of nothing", *over({"$all": []}, [], [[], [1]], missing=False)),
    ("$size", *over({"$size": 2}, [[1, 2]], [[1], [], "ab", {"x": 1, "y": 2}], missing=False)),
    ("$size 0", *over({"$size": 0}, [[]], [[1], {}, "", None], missing=False)),
    ("$or of values", *over({"$or": ["x", int, {"$exists": False}]}, ["x", 3], ["y", None], missing=True)),
    (
        "$or at the top",
        {"$or": [{"a": 1}, {"b": 2}]},
        [{"a": 1}, {"b": 2}, {"a": 1, "b": 2}],
        [{}, {"a": 2, "b": 1}],
    ),
    (
        "$or beside fields: both must hold",
        {"status": "open", "$or": [{"a": 1}, {"b": 2}]},
        [{"status": "open", "b": 2}],
        [{"status": "open"}, {"b": 2}],
    ),
    ("$and", *over({"$and": [{"$gt": 3}, {"$lt": 5}]}, [4], [3, 5, "4"], missing=False)),
    ("$and of objects", {"$and": [{"a": 1}, {"b": None}]}, [{"a": 1}], [{"a": 1, "b": 1}, {}]),
    ("$nor", *over({"$nor": ["x", int]}, ["y", None, True], ["x", 3], missing=True)),
    ("$nor at the top", {"$nor": [{"a": 1}, {"b": 2}]}, [{}, {"a": 2}], [{"a": 1}, {"b": 2}]),
    ("$not with an operator", *over({"$not": {"$gt": 3}}, [3, "x", None], [4], missing=True)),
    ("$not with $in", *over({"$not": {"$in": [None]}}, [0, "x"], [None], missing=False)),
    ("$not with an expression", *over({"$not": re.compile("x")}, ["y", 1, None], ["x"], missing=True)),
    ("$not with an object", *over({"$not": {"b": 1}}, [{}, {"b": 2}, 5], [{"b": 1, "c": 2}], missing=True)),
    ("$not at the top", {"$not": {"a": 1, "b": 2}}, [{}, {"a": 1}], [{"a": 1, "b": 2}]),
    ("$not beside an operator", *over({"$gt": 3, "$not": {"$in": [5]}}, [4, 6], [5, 3], missing=False)),
    (
        "operators nest",
        {"a": {"b": {"$or": [{"$each": {"$or": [1, 2]}}, None]}}},
        [{}, {"a": {"b": [1, 2]}}],
        [{"a": {"b": [3]}}],
    ),
    (
        "operators and types do not look inside lists",
        *over({"$or": [str, {"$gt": 1}, {"$regex": "x"}]}, ["y"], [["y"], [2]], missing=False),
    ),
    ("{} is always true", {}, [{}, {"a": 1}], []),
    ("{} is always true as an alternative", {"$or": [{}, {"a": 1}]}, [{}, {"b": 1}], []),
    (
        "the engine's fields are fields",
        {"$via": {"name": "Form"}, "$children": {"group": {"done": {"$gte": 3}}}, "$errors": None},
        [{"$via": {"name": "Form"}, "$children": {"group": {"done": 3, "total": 4}}}],
        [{"$via": {"name": "Form"}}],
    ),
    (
        "the engine's fields in an alternative at the top",
        {"$or": [{"$errors": {"fetch": dict}}, {"$children": {"g": {"running": 0}}}]},
        [{"$errors": {"fetch": {}}}, {"$children": {"g": {"running": 0}}}],
        [{}],
    ),
    (
        "$stash is matched by type",
        {"$stash": {"token": str, "port": int, "old": None, "new": {"$exists": True}}},
        [{"$stash": {"token": "s3cret", "port": 1, "new": None}}],
        [{}, {"$stash": {"token": "s3cret", "port": "1", "new": None}}],
    ),
    ("the stash as a whole", {"$stash": dict}, [{"$stash": {}}], [{}]),
]

CASES = [
    pytest.param(pattern, document, expected, id=f"{claim}-{'yes' if expected else 'no'}{number}")
    for claim, pattern, yes, no in ROWS
    for expected, documents in ((True, yes), (False, no))
    for number, document in enumerate(documents)
]


@pytest.mark.parametrize(("pattern", "document", "expected"), CASES)
def test_a_pattern_matches_what_the_language_says(
    pattern: dict[str, Any], document: dict[str, Any], expected: bool
) -> None:
    condition = compile_condition(pattern)
    assert condition.matches(document) is expected
    assert (not list(condition.mismatches(document))) is expected


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ({}, {()}),
        ({"a": 1, "b": {"c": str, "d": None}}, {("a",), ("b", "c"), ("b", "d")}),
        ({"a": {}}, {("a",)}),
        ({"a": {"$gt": 1, "$lt": 5}}, {("a",)}),
        ({"a": [{"b": {"c": 1}}]}, {("a",)}),
        ({"a": {"b": {"$each": {"c": 1}}}}, {("a", "b")}),
        ({"a": {"$some": {"c": 1}}}, {("a",)}),
        ({"a": {"$all": [1]}}, {("a",)}),
        ({"s": 1, "$or": [{"a": 1}, {"b": {"c": 1}}]}, {("s",), ("a",), ("b", "c")}),
        ({"a": {"$nor": [{"x": 1}, 5]}}, {("a", "x"), ("a",)}),
        ({"$not": {"a": {"b": 1}}}, {("a", "b")}),
        ({"$children": {"g": {"running": 0}}}, {("$children", "g", "running")}),
    ],
)
def test_paths_name_what_the_condition_reads(pattern: dict[str, Any], paths: set[tuple[str, ...]]) -> None:
    assert compile_condition(pattern).paths == paths


@pytest.mark.parametrize(
    ("pattern", "specificity"),
    [
        ({}, 0),
        ({"a": 1}, 1),
        ({"a": str, "b": {"c": None, "d": re.compile("x")}}, 3),
        ({"a": {"$gt": 1, "$lt": 5}}, 2),
        ({"a": {}}, 1),
        ({"a": []}, 1),
        ({"a": [1, {"b": 2, "c": 3}]}, 3),
        ({"a": {"$each": {"b": 2, "c": 3}}}, 2),
        ({"a": {"$in": [1, 2, 3]}}, 1),
        ({"$or": [{"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 2}]}, 2),
        ({"$or": [{}, {"a": 1}]}, 0),
        ({"$and": [{"a": 1}, {"b": 2}]}, 2),
        ({"$nor": [{"a": 1, "b": 2}, {"c": 3}]}, 2),
        ({"$not": {"a": 1, "b": 2}}, 1),
    ],
)
def test_specificity_counts_leaves(pattern: dict[str, Any], specificity: int) -> None:
    assert compile_condition(pattern).specificity == specificity


def test_a_fingerprint_stays_what_it_was() -> None:
    """It is in journals, so a change of it would arm every step again."""
    pattern = {"order": {"status": "paid", "total": {"$gte": 100}}, "id": str, "mail": re.compile("@", re.IGNORECASE)}
    assert compile_condition(pattern).fingerprint == "f4ebf64b85038f3a"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": str}, {"a": "str"}),
        ({"a": re.compile("x")}, {"a": re.compile("x", re.IGNORECASE)}),
        ({"a": 1}, {"a": True}),
        ({"a": None}, {"a": {"$exists": False}}),
        ({"a": {"b": 1}}, {"a": 1, "b": 1}),
        ({"a": "\ud800"}, {"a": "\ud801"}),
    ],
)
def test_fingerprints_tell_patterns_apart(one: dict[str, Any], other: dict[str, Any]) -> None:
    first, second = compile_condition(one), compile_condition(other)
    assert first.fingerprint != second.fingerprint
    assert first != second


def test_the_order_of_keys_makes_no_other_condition() -> None:
    first = compile_condition({"a": 1, "b": {"c": str, "d": 2}})
    second = compile_condition({"b": {"d": 2, "c": str}, "a": 1})
    assert first == second
    assert len({first, second}) == 1


def test_an_expression_and_its_json_form_are_one_condition() -> None:
    compiled = compile_condition({"a": re.compile("x", re.IGNORECASE | re.ASCII)})
    assert compiled == compile_condition({"a": {"$regex": "x", "$options": "ia"}})


def test_describe_gives_json_that_says_the_types() -> None:
    pattern = {"a": str, "b": [int, {"c": None}], "d": re.compile("x"), "e": {"$regex": re.compile("y", re.IGNORECASE)}}
    assert compile_condition(pattern).describe() == {
        "a": "str",
        "b": ["int", {"c": None}],
        "d": {"$regex": "x"},
        "e": {"$regex": "y", "$options": "i"},
    }


def test_a_pattern_changed_later_changes_no_condition() -> None:
    pattern: dict[str, Any] = {"a": {"$in": [{"b": 1}]}}
    condition = compile_condition(pattern)
    pattern["a"]["$in"][0]["b"] = 2
    assert condition.matches({"a": {"b": 1}})
    assert condition.pattern == {"a": {"$in": [{"b": 1}]}}
