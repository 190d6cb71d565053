"""Drafts, changes and merging."""

from __future__ import annotations

from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.document.changes import Change, apply, replay, to_wire
from aloma_cli.document.diff import diff, same
from aloma_cli.document.draft import Draft
from aloma_cli.document.merge import merge
from aloma_cli.document.paths import MISSING, get, make_room, parse_path, resolve
from aloma_cli.errors import DocumentError, InputError
from aloma_cli.jsontext import dumps, loads, show_path

KEYS = st.sampled_from(["a", "b", "c", "", "-", "0", "x/y", "~", "é"])
SCALARS = st.none() | st.booleans() | st.sampled_from([0, 1, 2, 2**70, 0.5, 1.0, "", "a", "b"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=4)


@given(OBJECTS, OBJECTS)
def test_a_diff_applied_gives_the_new_document_exactly(before: Any, after: Any) -> None:
    frozen = dumps(before)
    assert same(apply(before, diff(before, after)), after)
    assert dumps(before) == frozen, "the old version must stay as it was"


@given(OBJECTS, OBJECTS)
def test_changes_survive_being_written_and_read(before: Any, after: Any) -> None:
    wire = loads(dumps(list(to_wire(diff(before, after)))))
    document, changes = replay(before, wire)
    assert same(document, after)
    assert changes == diff(before, after)


@given(OBJECTS, OBJECTS)
def test_a_foreign_json_patch_library_reads_the_changes(before: Any, after: Any) -> None:
    patched = jsonpatch.apply_patch(before, list(to_wire(diff(before, after))))
    assert patched == after


@given(OBJECTS)
def test_an_untouched_draft_has_no_changes(document: Any) -> None:
    assert Draft(document).changes() == []


@given(OBJECTS, OBJECTS)
def test_a_draft_shares_nothing_with_the_document(document: Any, after: Any) -> None:
    wanted, text = loads(dumps(after)), dumps(document)
    draft = Draft(document)
    _scribble(draft.data)
    assert dumps(document) == text
    draft.data.clear()
    draft.data.update(after)
    changes = draft.changes()
    _scribble(draft.data)
    assert same(apply(document, changes), wanted)


def _scribble(value: Any) -> None:
    if isinstance(value, dict):
        for item in value.values():
            _scribble(item)
        value["scribbled"] = True
    elif isinstance(value, list):
        for item in value:
            _scribble(item)
        value.append("scribbled")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1}, {"a": True}, [Change("replace", ("a",), True)]),
        ({"a": 1}, {"a": 1.0}, [Change("replace", ("a",), 1.0)]),
        ({"a": [1, 2]}, {"a": [1, 2, 3]}, [Change("append", ("a",), 3)]),
        ({"a": [1, 2, 3]}, {"a": [2, 3]}, [Change("remove", ("a", 0))]),
        ({"a": [1, 3]}, {"a": [1, 2, 3]}, [Change("add", ("a", 1), 2)]),
        ({"a": [{"b": 1}, 2]}, {"a": [{"b": 5}, 2]}, [Change("replace", ("a", 0, "b"), 5)]),
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 2}}, [Change("remove", ("a", "b"))]),
        ({"a": {"b": 1}}, {"a": (1, 2)}, [Change("replace", ("a",), [1, 2])]),
    ],
)
def test_a_diff_says_no_more_than_changed(before: Any, after: Any, expected: list[Change]) -> None:
    assert diff(before, after) == expected


def _cycle() -> dict[str, Any]:
    data: dict[str, Any] = {}
    data["self"] = data
    return data


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({1, 2}, "x.0 is a set, which is not JSON"),
        (b"", "x.0 is a bytes, which is not JSON"),
        (float("nan"), "x.0 is nan, which JSON does not allow"),
        ({1: 2}, "x.0 has the key 1; keys must be strings"),
        (_cycle(), "nested deeper than 128 levels (does it contain itself?)"),
    ],
)
def test_what_is_not_json_is_named_by_path_and_type(value: Any, says: str) -> None:
    with pytest.raises(DocumentError) as caught:
        diff({"x": []}, {"x": [value]})
    assert says in str(caught.value)


def _both(base: Any, one: Any, other: Any) -> Any:
    """The document after `one` committed and `other`, from the same base, merged; None for a conflict."""
    theirs = diff(base, one)
    current = apply(base, theirs)
    merged, conflicts = merge(diff(base, other), theirs, current)
    return None if conflicts else apply(current, merged)


@pytest.mark.parametrize(
    ("base", "one", "other", "both"),
    [
        ({}, {"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"x": 0}, {"x": 1}, {"x": 2}, None),
        ({"x": 0}, {"x": 1}, {"x": 1}, None),
        ({"x": 0}, {}, {}, None),
        ({"x": 0}, {}, {"x": 1}, None),
        ({"x": 0}, {"x": 1}, {}, None),
        ({"x": {"y": 1, "z": 1}}, {"x": {"y": 2, "z": 1}}, {"x": {"y": 1, "z": 2}}, {"x": {"y": 2, "z": 2}}),
        ({"x": {"y": 1}}, {"x": 5}, {"x": {"y": 2}}, None),
        ({"x": {"y": 1}}, {}, {"x": {"y": 2}}, None),
        ({}, {"n": {"a": 1}}, {"n": {"b": 2}}, {"n": {"a": 1, "b": 2}}),
        ({}, {"n": {"a": 1}}, {"n": {"a": 2}}, None),
        ({}, {"n": [1]}, {"n": [2]}, None),
        ({"l": [1]}, {"l": [1, 2]}, {"l": [1, 3]}, {"l": [1, 2, 3]}),
        ({"l": [1, 2]}, {"l": [2]}, {"l": [1, 2, 3]}, {"l": [2, 3]}),
        ({"l": [1, 2]}, {"l": [1, 2, 3]}, {"l": [2]}, {"l": [2, 3]}),
        ({"l": [1, 2]}, {"l": [2]}, {"l": [2]}, None),
        ({"l": [{"a": 1}]}, {"l": [{"a": 1}, 9]}, {"l": [{"a": 2}]}, {"l": [{"a": 2}, 9]}),
        ({"l": [1, 2, 3]}, {"l": [2, 3]}, {"l": [1, 2, 4]}, None),
        ({"l": [1, 2, 3]}, {"l": [1, 9, 3]}, {"l": [8, 2, 3]}, {"l": [8, 9, 3]}),
        ({"l": [1]}, {"l": "text"}, {"l": [1, 2]}, None),
    ],
)
def test_edits_of_two_stand_or_conflict(base: Any, one: Any, other: Any, both: Any) -> None:
    assert _both(base, one, other) == both


@given(OBJECTS, OBJECTS, OBJECTS)
def test_a_merge_without_conflict_keeps_every_value_both_sides_set(base: Any, one: Any, other: Any) -> None:
    result = _both(base, one, other)
    if result is None:
        return
    for side in (one, other):
        for change in diff(base, side):
            if change.op in ("add", "replace") and not any(isinstance(key, int) for key in change.path):
                there = get(result, change.path)
                assert same(there, change.value) or isinstance(there, dict | list)


@given(OBJECTS, OBJECTS)
def test_a_bystander_causes_no_conflict(base: Any, one: Any) -> None:
    assert same(_both(base, base, one), one)
    assert same(_both(base, one, base), one)


@given(st.lists(st.text(max_size=5), min_size=1, max_size=4))
def test_a_path_reads_back_as_it_is_shown(keys: list[str]) -> None:
    assert parse_path(show_path(tuple(keys))) == tuple(keys)


@pytest.mark.parametrize("text", ["a.b.0.c", ".a.b[0].c", "a.b[0].c", '"a".b.0.c'])
def test_a_path_may_be_written_as_for_jq(text: str) -> None:
    assert parse_path(text) == ("a", "b", "0", "c")
    assert parse_path('"a[0]"') == ("a[0]",)
    assert parse_path("a[1][2]") == ("a", "1", "2")
    assert show_path(("a[0]",)) == '"a[0]"'


@pytest.mark.parametrize("text", ["", ".", "a.", "..a", "a..b", 'a"b', '"a"b', '"a', r'"\x"'])
def test_a_broken_path_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_path(text)


def test_numerals_become_positions_only_in_lists() -> None:
    document = {"0": [{"1": "deep"}]}
    assert resolve(document, ("0", "0", "1")) == ("0", 0, "1")


@pytest.mark.parametrize(
    ("document", "into", "place", "made"),
    [
        ({}, "a.b", ("a", "b"), {"a": {}}),
        ({"a": None}, "a.b", ("a", "b"), {"a": {}}),
        ({"f": {}}, "f.x", ("f", "x"), {"f": {}}),
        ({}, "orders.2024", ("orders", "2024"), {"orders": {}}),
        ({}, "results.0", ("results", "0"), {"results": {}}),
        ({}, "r.1.x", ("r", "1", "x"), {"r": {"1": {}}}),
        ({}, ("r", 0), ("r", 0), {"r": [None]}),
        ({}, ("r", 0, "x"), ("r", 0, "x"), {"r": [{}]}),
        ({}, ("r", 0, 0), ("r", 0, 0), {"r": [[None]]}),
        ({}, ("r", 0, "1"), ("r", 0, "1"), {"r": [{}]}),
        ({"r": [None]}, "r.1", ("r", 1), {"r": [None, None]}),
        ({"r": [None]}, ("r", 1), ("r", 1), {"r": [None, None]}),
        ({"r": [None]}, "r.1.x", ("r", 1, "x"), {"r": [None, {}]}),
        ({"c": [{}, {}]}, "c.1.response", ("c", 1, "response"), {"c": [{}, {}]}),
    ],
)
def test_room_is_made_for_a_result(document: Any, into: Any, place: Any, made: Any) -> None:
    path, changes = make_room(document, parse_path(into) if isinstance(into, str) else into)
    assert path == place
    assert apply(document, changes) == made


@pytest.mark.parametrize(
    ("document", "keys", "message"),
    [
        ({"r": [1]}, ("r", 2), "r.2 is beyond the end of the list at r, which has 1 items"),
        ({"r": [1]}, ("r", "1000000000000"), "r.1000000000000 is beyond the end of the list at r, which has 1 items"),
        ({"r": [{}]}, ("r", "7", "x"), "r.7.x is beyond the end of the list at r, which has 1 items"),
        ({}, ("r", 10**7), "r.10000000 is beyond the end of the list at r, which has 0 items"),
        ({"r": None}, ("r", 1), "r.1 is beyond the end of the list at r, which has 0 items"),
        ({"r": [1]}, ("r", "9" * 5000), f"r.{'9' * 5000} leads through a value that has no '{'9' * 5000}'"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_list_grows_by_one_item_at_a_time(document: Any, keys: Any, message: str) -> None:
    with pytest.raises(InputError) as refused:
        make_room(document, keys)
    assert str(refused.value) == message


WAYS = st.lists(st.sampled_from(["a", "0", "1", "2024"]) | st.integers(0, 3) | st.just(10**9), min_size=1, max_size=4)


@given(OBJECTS, WAYS)
def test_whatever_place_is_asked_for_little_is_made_and_nothing_else_is_changed(document: Any, keys: Any) -> None:
    try:
        place, changes = make_room(document, tuple(keys))
    except InputError:
        return
    made = apply(document, changes)
    assert len(changes) <= len(keys)
    assert [str(key) for key in place] == [str(key) for key in keys]
    assert get(made, place) is not MISSING or isinstance(get(made, place[:-1]), dict)
    undone = made
    for end in range(1, len(place) + 1):
        if get(document, place[:end]) is MISSING and get(undone, place[:end]) is not MISSING:
            undone = apply(undone, [Change("remove", place[:end])])
            break
        if get(document, place[:end]) is None:
            undone = apply(undone, [Change("replace", place[:end], None)])
            break
    assert same(undone, document)


@pytest.mark.parametrize("keys", [(), ("items", -1)])
def test_room_is_not_made_where_no_value_can_be(keys: Any) -> None:
    with pytest.raises(InputError):
        make_room({"items": [1]}, keys)


def test_room_is_not_made_through_a_value() -> None:
    with pytest.raises(InputError, match="leads through a value"):
        make_room({"a": "text"}, ("a", "b"))
