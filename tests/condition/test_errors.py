"""Invalid conditions are refused, with their name and path."""

from __future__ import annotations

import datetime as dt
import decimal
import re
from typing import Any

import pytest

from aloma_cli.condition import compile_condition
from aloma_cli.errors import ConditionError

TEXTS: list[tuple[Any, tuple[str | int, ...], str]] = [
    (None, (), "condition: must be an object, not null"),
    (["paid"], (), "condition: must be an object, not a list"),
    ({"a": {1, 2}}, ("a",), "condition.a: a set is not a pattern"),
    ({"a": {"b": (1, 2)}}, ("a", "b"), "condition.a.b: a tuple is not a pattern"),
    ({"a": [str, len]}, ("a", 1), "condition.a.1: a builtin_function_or_method is not a pattern"),
    ({"a": bytes}, ("a",), "condition.a: the type bytes is not a pattern"),
    ({"a": float("nan")}, ("a",), "condition.a: nan is not a JSON number"),
    ({"a": -float("inf")}, ("a",), "condition.a: -inf is not a JSON number"),
    ({"a": 10**5000}, ("a",), "condition.a: an integer of over 4300 digits is not a JSON number"),
    ({"a": {3: 1}}, ("a",), "condition.a: keys must be strings, not 3"),
    (
        {"order.status": "paid"},
        ("order.status",),
        'condition."order.status": dotted keys are not supported; nest objects instead: {"order": {"status": …}}',
    ),
    ({"a": {"$ge": 1}}, ("a", "$ge"), "condition.a.$ge: unknown operator; did you mean `$gte`?"),
    ({"a": {"$GTE": 1}}, ("a", "$GTE"), "condition.a.$GTE: unknown operator; did you mean `$gte`?"),
    ({"$childern": {}}, ("$childern",), "condition.$childern: unknown operator; did you mean `$children`?"),
    ({"a": {"$eq": 1}}, ("a", "$eq"), "condition.a.$eq: unknown operator; write the value itself"),
    ({"a": {"$elemMatch": {}}}, ("a", "$elemMatch"), "condition.a.$elemMatch: unknown operator; write `$some`"),
    (
        {"a": {"$via": 1}},
        ("a", "$via"),
        "condition.a.$via: this reserved field exists only at the top of the document",
    ),
    ({"a": {"b": 1, "$gt": 2}}, ("a",), 'condition.a: mixes the operator `$gt` with the field "b"'),
    ({"$via": {}, "$in": []}, (), 'condition: mixes the operator `$in` with the field "$via"'),
    (
        {"$gt": 2},
        ("$gt",),
        "condition.$gt: applies to a value; put it under a field",
    ),
    ({"$or": []}, ("$or",), "condition.$or: needs a list of patterns, not an empty one"),
    ({"a": {"$and": []}}, ("a", "$and"), "condition.a.$and: needs a list of patterns, not an empty one"),
    ({"$nor": {"a": 1}}, ("$nor",), "condition.$nor: needs a list of patterns, not an object"),
    ({"$or": [{"a": 1}, "x"]}, ("$or", 1), 'condition.$or.1: must be an object, not "x"'),
    (
        {"a": {"$not": "x"}},
        ("a", "$not"),
        'condition.a.$not: needs an operator or an object pattern, not "x"',
    ),
    (
        {"$not": {}},
        ("$not",),
        "condition.$not: needs an operator or an object pattern, not an empty object",
    ),
    ({"a": {"$exists": 1}}, ("a", "$exists"), "condition.a.$exists: needs true or false, not 1"),
    ({"a": {"$in": "x"}}, ("a", "$in"), 'condition.a.$in: needs a list of values, not "x"'),
    ({"a": {"$in": [1, str]}}, ("a", "$in", 1), "condition.a.$in.1: needs a JSON value, not the type str"),
    (
        {"a": {"$nin": [{"$gt": 1}]}},
        ("a", "$nin", 0, "$gt"),
        "condition.a.$nin.0.$gt: a value cannot contain an operator",
    ),
    ({"a": {"$all": [{1: 2}]}}, ("a", "$all", 0), "condition.a.$all.0: keys must be strings, not 1"),
    ({"a": {"$ne": {"b": {2}}}}, ("a", "$ne", "b"), "condition.a.$ne.b: needs a JSON value, not a set"),
    (
        {"a": {"$ne": re.compile("x")}},
        ("a", "$ne"),
        "condition.a.$ne: needs a JSON value, not a regular expression",
    ),
    ({"a": {"$size": True}}, ("a", "$size"), "condition.a.$size: needs an integer of at least 0, not true"),
    ({"a": {"$size": -1}}, ("a", "$size"), "condition.a.$size: needs an integer of at least 0, not -1"),
    ({"a": {"$size": 1.5}}, ("a", "$size"), "condition.a.$size: needs an integer of at least 0, not 1.5"),
    ({"a": {"$each": {1, 2}}}, ("a", "$each"), "condition.a.$each: a set is not a pattern"),
    ({"a": {"$some": {1, 2}}}, ("a", "$some"), "condition.a.$some: a set is not a pattern"),
    ({"a": {"$gte": []}}, ("a", "$gte"), "condition.a.$gte: needs a number or a string, not a list"),
    ({"a": {"$gt": None}}, ("a", "$gt"), "condition.a.$gt: needs a number or a string, not null"),
    ({"a": {"$lte": True}}, ("a", "$lte"), "condition.a.$lte: needs a number or a string, not true"),
    ({"a": {"$lt": float("inf")}}, ("a", "$lt"), "condition.a.$lt: inf is not a JSON number"),
    (
        {"a": {"$regex": "("}},
        ("a", "$regex"),
        'condition.a.$regex: "(" is not a valid regular expression: missing ), unterminated subpattern at position 0',
    ),
    ({"a": {"$regex": 5}}, ("a", "$regex"), "condition.a.$regex: needs a string, not 5"),
    (
        {"a": {"$regex": "x", "$options": "ig"}},
        ("a", "$options"),
        'condition.a.$options: unknown letter "g"; known letters: i, m, s, x, a',
    ),
    (
        {"a": {"$regex": "x", "$options": 2}},
        ("a", "$options"),
        "condition.a.$options: needs a string of letters, not 2",
    ),
    (
        {"a": {"$regex": re.compile("x"), "$options": "i"}},
        ("a", "$regex"),
        "condition.a.$regex: needs a string, not a regular expression",
    ),
    ({"a": {"$options": "i"}}, ("a", "$options"), "condition.a.$options: `$options` needs `$regex` beside it"),
    (
        {"a": re.compile(b"x")},
        ("a",),
        "condition.a: a regular expression must match strings, not bytes",
    ),
    ({"$stash": {None: str}}, ("$stash",), "condition.$stash: keys must be strings, not null"),
    (
        {"$stash": {"token": "s3cret"}},
        ("$stash", "token"),
        "condition.$stash.token: values in `$stash` can only be tested by type, None or `$exists`",
    ),
    (
        {"$stash": {"token": {"$ne": "s3cret"}}},
        ("$stash", "token", "$ne"),
        "condition.$stash.token.$ne: values in `$stash` can only be tested by type, None or `$exists`",
    ),
]


@pytest.mark.parametrize(("pattern", "path", "text"), TEXTS, ids=[text for _, _, text in TEXTS])
def test_an_ill_formed_pattern_is_refused_by_name_and_path(
    pattern: Any, path: tuple[str | int, ...], text: str
) -> None:
    with pytest.raises(ConditionError) as refused:
        compile_condition(pattern)
    assert str(refused.value) == text
    assert refused.value.path == path


@pytest.mark.parametrize(
    "value",
    [b"x", decimal.Decimal(1), dt.date(2024, 1, 1), lambda: True, object(), list[int], frozenset(), ...],
)
def test_a_python_value_outside_the_language_is_refused_with_what_is_allowed(value: object) -> None:
    with pytest.raises(ConditionError, match="is not a pattern") as refused:
        compile_condition({"a": value})
    assert refused.value.hint is not None
    assert "re.compile" in refused.value.hint


@pytest.mark.parametrize("engine_field", ["$via", "$errors", "$children", "$stash"])
@pytest.mark.parametrize("wrap", ["field", "$each", "list"])
def test_engine_fields_below_the_top_are_refused(engine_field: str, wrap: str) -> None:
    inner = {engine_field: dict}
    pattern = {"field": inner, "$each": {"$each": inner}, "list": [inner]}[wrap]
    with pytest.raises(ConditionError, match="only at the top"):
        compile_condition({"a": pattern})


@pytest.mark.parametrize("value", ["text", 0, True, [], {"$or": [str]}, {"$not": {"a": str}}, {"a": {"$gt": 1}}])
def test_the_stash_is_asked_for_by_type_only(value: object) -> None:
    with pytest.raises(ConditionError, match="only be tested by type, None or `\\$exists`"):
        compile_condition({"$stash": {"key": value}})


def test_an_unknown_operator_far_from_all_lists_them() -> None:
    with pytest.raises(ConditionError, match=r"known operators: \$exists, .*\$not, \$options$"):
        compile_condition({"a": {"$xyzzy": 1}})


def test_messages_name_the_condition_as_the_caller_calls_it() -> None:
    with pytest.raises(ConditionError, match=r"^when\.a: a set is not a pattern$"):
        compile_condition({"a": {1}}, name="when")


def test_a_pattern_that_contains_itself_is_refused() -> None:
    endless: dict[str, Any] = {}
    endless["a"] = endless
    with pytest.raises(ConditionError, match=r"^condition is nested deeper than 128 levels$"):
        compile_condition(endless)


def test_a_stash_pattern_that_contains_itself_is_refused() -> None:
    endless: dict[str, Any] = {}
    endless["a"] = endless
    with pytest.raises(ConditionError, match="nested deeper"):
        compile_condition({"$stash": endless})


def test_a_value_that_contains_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ConditionError, match="nested deeper"):
        compile_condition({"a": {"$in": endless}})


def test_a_secret_in_a_refused_pattern_is_not_repeated() -> None:
    with pytest.raises(ConditionError) as refused:
        compile_condition({"$stash": {"token": "s3cret"}})
    assert "s3cret" not in str(refused.value)
