"""The smallest change that makes a condition hold: laws for every pattern, and what it is where it is plain."""

from __future__ import annotations

import itertools
import re
import shlex
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from aloma_cli.cli.task.requests import assignment
from aloma_cli.condition import compile_condition
from aloma_cli.document.changes import Change, apply
from aloma_cli.document.paths import parse_path, resolve
from aloma_cli.engine.requests import assign
from aloma_cli.explain.remedy import Remedy, remedy_of
from tests.condition.test_laws import CONDITIONS, DOCUMENTS


def changed(document: Any, remedy: Remedy) -> Any:
    """The document after the command that a remedy proposes, as `aloma task set` carries it out."""
    words = iter(shlex.split(remedy.command("@last"))[4:])
    values = []
    for word in words:
        if word == "--unset":
            document = apply(document, [Change("remove", resolve(document, parse_path(next(words))))])
        else:
            values.append(assignment(word))
    return apply(document, assign(document, values))


@given(CONDITIONS, DOCUMENTS)
def test_a_condition_holds_if_and_only_if_all_its_clauses_do(pattern: Any, document: Any) -> None:
    condition = compile_condition(pattern)
    assert condition.matches(document) == all(clause.holds for clause in condition.clauses(document))


def drawn(number: int) -> tuple[list[Any], list[Any]]:
    """So many random conditions, and as many documents."""
    conditions, documents = [], []

    @settings(max_examples=number, phases=[Phase.generate], database=None)
    @given(CONDITIONS, DOCUMENTS)
    def draw(pattern: Any, document: Any) -> None:
        conditions.append(compile_condition(pattern))
        documents.append(document)

    draw()
    return conditions, documents


@pytest.mark.slow
def test_clauses_and_matcher_agree_on_a_hundred_thousand_pairs() -> None:
    conditions, documents = drawn(400)
    pairs = list(itertools.product(conditions, documents))
    assert len(pairs) >= 100_000
    for condition, document in pairs:
        assert condition.matches(document) == all(clause.holds for clause in condition.clauses(document))


@pytest.mark.slow
def test_a_change_is_found_for_many_conditions_that_some_document_meets() -> None:
    conditions, documents = drawn(400)
    for condition in conditions:
        if any(map(condition.matches, documents)):
            for document in documents[::20]:
                remedy = remedy_of(condition, document)
                assert remedy.edits is not None
                assert condition.matches(changed(document, remedy))


@settings(max_examples=2 * settings().max_examples)
@given(CONDITIONS, DOCUMENTS, st.lists(DOCUMENTS, max_size=5))
def test_the_proposed_change_makes_the_condition_hold(pattern: Any, document: Any, others: list[Any]) -> None:
    condition = compile_condition(pattern)
    remedy = remedy_of(condition, document)
    if remedy.edits is None:
        # Where it is sure that no change can, none of the documents of this test does it.
        assert not any(map(condition.matches, [document, *others])) or not remedy.is_sure
    else:
        assert condition.matches(changed(document, remedy))
        assert bool(remedy.edits) is not condition.matches(document)


@settings(max_examples=3 * settings().max_examples)
@given(CONDITIONS, DOCUMENTS, DOCUMENTS)
def test_a_change_is_found_wherever_one_is_possible(pattern: Any, document: Any, other: Any) -> None:
    condition = compile_condition(pattern)
    if condition.matches(other):
        assert remedy_of(condition, document).edits is not None


PLAIN: list[tuple[Any, Any, str]] = [
    ({"a": 1}, {}, "a=1"),
    ({"a": "paid"}, {"a": "open"}, "a=paid"),
    ({"a": "5"}, {}, "'a=\"5\"'"),
    ({"a": None}, {"a": 5}, "--unset a"),
    ({"a": {"b": str}}, {}, "a.b=text"),
    ({"a": {"b": str}}, {"a": 3}, '\'a={"b":"text"}\''),
    ({"a": dict}, {}, "'a={}'"),
    ({"a": {"$gte": 100}}, {"a": 7}, "a=100"),
    ({"a": {"$gt": 5, "$lt": 6}}, {"a": 9}, "a=5.5"),
    ({"a": {"$ne": "x"}}, {"a": "x"}, "--unset a"),
    ({"a": {"$in": ["x", "y"]}}, {"a": "z"}, "a=x"),
    ({"a": {"$nin": ["x", "y"]}}, {"a": "x"}, "--unset a"),
    ({"a": {"$exists": False}}, {"a": 1}, "--unset a"),
    ({"a": re.compile("^ord-[0-9]{4}$")}, {}, "a=ord-0000"),
    ({"a": {"$regex": "PAID", "$options": "i"}}, {"a": ""}, "a=PAID"),
    ({"a": [{"sku": "A", "qty": {"$gt": 0}}]}, {"a": [{"sku": "B"}, {"sku": "A", "qty": 0}]}, "a.1.qty=1"),
    ({"a": [1, 2]}, {"a": [2]}, "a.1=1"),
    ({"a": {"$each": {"done": True}}}, {"a": [{"done": True}, {"done": False}, {}]}, "a.1.done=true a.2.done=true"),
    ({"a": {"$some": {"done": True}}}, {}, "'a=[{\"done\":true}]'"),
    ({"a": {"$all": ["x", "y"]}}, {"a": ["x"]}, "a.1=y"),
    ({"a": {"$size": 2}}, {"a": [1, 2, 3]}, "'a=[1,2]'"),
    ({"$or": [{"a": 1, "b": 2}, {"c": {"d": [1]}}]}, {"a": 1}, "b=2"),
    ({"$nor": [{"a": 1}]}, {"a": 1}, "--unset a"),
    ({"a": {"$not": {"$gt": 5}}}, {"a": 7}, "--unset a"),
    ({"$errors": {"s": None}}, {"$errors": {"s": {"type": "Error"}}}, "--unset '$errors.s'"),
    ({"a": 1, "b": {"c": True}, "d": str}, {"d": "x"}, "a=1 b.c=true"),
]


@pytest.mark.parametrize(("pattern", "document", "command"), PLAIN)
def test_the_proposed_change_is_small(pattern: Any, document: Any, command: str) -> None:
    remedy = remedy_of(compile_condition(pattern), document)
    assert remedy.command("ID") == f"aloma task set ID {command}"
    assert compile_condition(pattern).matches(changed(document, remedy))


@pytest.mark.parametrize(
    "pattern",
    [
        {"a": {"$gt": 5, "$lt": 3}},
        {"a": {"$in": []}},
        {"a": {"$all": []}},
        {"a": {"$and": [str, int]}},
        {"a": {"$and": [{"$size": 1}, [1, 2]]}},
        {"a": {"$and": [{"$each": {"x": 1}}, {"$some": {"x": 2}}]}},
        {"a": 1, "$nor": [{"a": int}]},
        {"a": {"$exists": False, "$ne": None}},
        {"$children": {"fan": {"running": 0}}},
    ],
)
def test_where_no_change_can_it_says_so(pattern: Any) -> None:
    remedy = remedy_of(compile_condition(pattern), {"$children": {"fan": {"running": 2}}})
    assert remedy == Remedy(None, is_sure=True)
