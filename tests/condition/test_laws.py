"""Laws that hold for every pattern and every document."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.condition import Condition, compile_condition
from aloma_cli.document.paths import MISSING
from aloma_cli.errors import ConditionError
from aloma_cli.jsontext import Path

KEYS = st.sampled_from(["a", "b", "c"])
SCALARS = st.sampled_from(
    [None, True, False, 0, 1, 1.0, 2.5, -3, 2**53 + 1, 2**64, 1e300, "", "a", "b", "ab", "\ud800", "ü", "$gt"]
)


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)


VALUES = st.recursive(SCALARS, nested, max_leaves=8)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=3)

VALUE_OPERATORS = st.one_of(
    st.fixed_dictionaries({"$exists": st.booleans()}),
    st.fixed_dictionaries({"$ne": VALUES}),
    st.fixed_dictionaries({"$size": st.integers(0, 3)}),
    st.fixed_dictionaries({"$regex": st.sampled_from("a^."), "$options": st.sampled_from(["", "i", "msx"])}),
    st.dictionaries(st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), st.integers(-2, 3) | KEYS, min_size=1),
    st.dictionaries(st.sampled_from(["$in", "$nin", "$all"]), st.lists(VALUES, max_size=3), min_size=1),
)
LEAVES = (
    SCALARS
    | st.sampled_from([str, bool, int, float, list, dict, re.compile("a"), re.compile("A", re.IGNORECASE)])
    | VALUE_OPERATORS
)


def combined(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    objects = st.dictionaries(KEYS, inner, max_size=3)
    branches = st.lists(inner, min_size=1, max_size=3)
    logic = st.dictionaries(st.sampled_from(["$or", "$and", "$nor"]), branches, min_size=1)
    negated = st.fixed_dictionaries({"$not": VALUE_OPERATORS | objects.filter(bool)})
    in_lists = st.dictionaries(st.sampled_from(["$each", "$some"]), inner, min_size=1)
    mixed = st.builds(lambda fields, words: fields | words, objects, logic | negated)
    return objects | branches | logic | negated | in_lists | mixed


PATTERNS = st.recursive(LEAVES, combined, max_leaves=8)
FIELDS = st.dictionaries(KEYS, PATTERNS, max_size=3)
CONDITIONS = FIELDS | st.builds(
    lambda fields, word, branches: fields | {word: branches},
    FIELDS,
    st.sampled_from(["$or", "$and", "$nor"]),
    st.lists(FIELDS, min_size=1, max_size=3),
)


def reversed_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reversed_keys(value[key]) for key in reversed(value)}
    return [reversed_keys(item) for item in value] if isinstance(value, list) else value


@given(CONDITIONS, DOCUMENTS)
def test_a_document_matches_if_and_only_if_nothing_is_wrong(pattern: Any, document: Any) -> None:
    condition = compile_condition(pattern)
    nearness = condition.nearness(document)
    assert condition.matches(document) == (not list(condition.mismatches(document))) == (nearness.share == 1)
    assert 0 <= nearness.met <= condition.specificity
    assert 0 <= nearness.share <= 1
    assert 0 <= nearness.reached <= 1


@given(PATTERNS, DOCUMENTS)
def test_not_is_the_opposite(pattern: Any, document: Any) -> None:
    holds = compile_condition({"a": pattern}).matches(document)
    assert compile_condition({"$not": {"a": pattern}}).matches(document) is not holds


@given(st.lists(PATTERNS, min_size=1, max_size=3), DOCUMENTS)
def test_nor_is_the_opposite_of_or_and_and_follows_from_both(patterns: list[Any], document: Any) -> None:
    each = [compile_condition({"a": pattern}).matches(document) for pattern in patterns]
    assert compile_condition({"a": {"$or": patterns}}).matches(document) is any(each)
    assert compile_condition({"a": {"$nor": patterns}}).matches(document) is not any(each)
    assert compile_condition({"a": {"$and": patterns}}).matches(document) is all(each)


@given(VALUES, VALUES)
def test_ne_and_nin_and_in_agree_on_what_is_equal(value: Any, other: Any) -> None:
    document = {"a": other}
    same = not compile_condition({"a": {"$ne": value}}).matches(document)
    within = compile_condition({"a": {"$in": [value]}}).matches(document)
    assert compile_condition({"a": {"$nin": [value]}}).matches(document) is not within
    assert within or not same
    assert same or not within or isinstance(other, list)


PATHS = [path for length in (1, 2) for path in itertools.product("abcd", repeat=length)]


@given(CONDITIONS, DOCUMENTS, VALUES | st.just(MISSING))
def test_a_change_away_from_the_paths_changes_no_verdict(pattern: Any, document: Any, value: Any) -> None:
    condition = compile_condition(pattern)
    verdict = condition.matches(document)
    for path in PATHS:
        if not any(path[: len(read)] == read[: len(path)] for read in condition.paths):
            assert condition.matches(changed(document, path, value)) is verdict


def changed(document: Any, path: tuple[str, ...], value: Any) -> Any:
    """A copy of `document` with `value` at `path`, or nothing there; unchanged where a parent is no object."""
    if document is not None and not isinstance(document, dict):
        return document
    copy = dict(document or {})
    key, *rest = path
    part = changed(copy.get(key), tuple(rest), value) if rest else value
    copy.pop(key, None)
    return copy if part is MISSING else copy | {key: part}


@given(CONDITIONS, DOCUMENTS)
def test_the_order_of_keys_means_nothing(pattern: Any, document: Any) -> None:
    condition, turned = compile_condition(pattern), compile_condition(reversed_keys(pattern))
    assert turned.fingerprint == condition.fingerprint
    assert turned.paths == condition.paths
    assert turned.specificity == condition.specificity
    assert turned.matches(reversed_keys(document)) is condition.matches(document)
    assert turned.nearness(reversed_keys(document)) == condition.nearness(document)
    assert places(turned, document) == places(condition, document)


def places(condition: Condition, document: Any) -> set[Path]:
    return {mismatch.path for mismatch in condition.mismatches(document)}


@given(CONDITIONS)
def test_a_description_is_json_that_means_the_same_but_for_the_types(pattern: Any) -> None:
    described = compile_condition(pattern).describe()
    assert json.loads(json.dumps(described)) == described
    compile_condition(described)


WORDS = st.sampled_from(
    ["a", "a.b", "", "$or", "$and", "$nor", "$not", "$exists", "$gt", "$in", "$nin", "$all", "$size", "$regex",
     "$options", "$each", "$some", "$ne", "$via", "$errors", "$stash", "$children", "$what", "$"]
)  # fmt: skip
JUNK = st.recursive(
    SCALARS | st.sampled_from([str, bytes, type(None), re.compile("x"), re.compile(b"x"), float("nan"), 1e308 * 10,
                               len, (), (1,), {1}, b"x", "(", "im", [], {}, -1, ...]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.sampled_from([1, None]), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip


@given(JUNK, VALUES)
def test_whatever_is_given_as_a_condition_is_either_refused_or_works(pattern: Any, document: Any) -> None:
    try:
        condition = compile_condition(pattern)
    except ConditionError:
        return
    assert condition.matches(document) == (not [str(mismatch) for mismatch in condition.mismatches(document)])
    condition.nearness(document)
    json.dumps(condition.describe())
