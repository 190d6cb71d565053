"""A draft that was kept equals one that is made again."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.document import draft as drafts
from aloma_cli.document import tracked
from aloma_cli.document.changes import InPlace, apply, apply_in_place
from aloma_cli.document.draft import Draft, Drafts
from aloma_cli.document.paths import get
from aloma_cli.document.tracked import TrackedDict
from aloma_cli.errors import ContentError

KEYS = st.sampled_from("abcdef")
VALUES = st.sampled_from([1, None, "x", {"a": 1, "b": {"c": 2}}, [1, {"b": 2}], []])
ACTS: list[Callable[[Any, str, Any], object]] = [
    lambda data, key, value: data.update({key: copy.deepcopy(value)}),
    lambda data, key, value: data.setdefault(key, copy.deepcopy(value)),
    lambda data, key, _: data.get(key),
    lambda data, key, _: data.pop(key, None),
    lambda data, key, _: data.update(z=data.get(key)),
    lambda data, key, value: data[key].update(n=value) if isinstance(data.get(key), dict) else None,
    lambda data, key, value: data[key].append(value) if isinstance(data.get(key), list) else None,
    lambda data, _key, _value: list(data.items()),
    lambda data, _key, _value: data.clear(),
]
PROGRAMS = st.lists(st.tuples(st.sampled_from(ACTS), KEYS, VALUES), max_size=4)


@pytest.fixture(autouse=True, params=[0, 256])
def any_size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "LARGE", 0)
    monkeypatch.setattr(tracked, "SMALL", request.param)


def run(draft: Draft, program: list[Any]) -> list[Any]:
    for act, key, value in program:
        act(draft.data, key, value)
    changes = draft.changes()
    draft.close()
    return changes


@given(st.dictionaries(KEYS, VALUES, max_size=4), st.lists(PROGRAMS, min_size=2, max_size=5))
def test_a_kept_draft_is_as_a_new_one(base: Any, programs: list[Any]) -> None:
    kept, document, twin = Drafts(), copy.deepcopy(base), copy.deepcopy(base)
    for number, program in enumerate(programs):
        draft, fresh = kept.begin(document, number - 1), Draft(twin)
        assert json.dumps(draft.data) == json.dumps(fresh.data)
        assert list(draft.data) == list(twin)
        assert draft.changes() == []
        changes = run(draft, program)
        assert changes == run(fresh, program)
        kept.keep(number, draft)
        del draft
        twin = apply(twin, changes)
        if apply_in_place(document, changes) is None:
            document = apply(document, changes)
        assert json.dumps(document) == json.dumps(twin)


def test_a_draft_is_kept_for_the_firing_that_follows_and_for_no_other() -> None:
    kept, document = Drafts(), {"a": {"b": 1}}
    draft = kept.begin(document, None)
    draft.data["a"]["b"] = 2
    changes = draft.changes()
    draft.close()
    first = id(draft.data)
    kept.keep(1, draft)
    again = kept.begin(apply(document, changes), 1)
    assert (id(again.data), type(again.data), again.data) == (first, TrackedDict, {"a": {"b": 2}})
    again.close()
    kept.keep(2, again)
    assert id(kept.begin(document, 1).data) != first


def test_a_draft_that_the_author_holds_is_not_kept() -> None:
    kept: Drafts = Drafts()
    draft = kept.begin({"a": 1}, None)
    held = draft.data
    draft.close()
    kept.keep(1, draft)
    assert kept.begin({"a": 1}, 1).data is not held
    with pytest.raises(ContentError, match="this firing has ended"):
        held["a"]


@given(st.dictionaries(KEYS, VALUES, max_size=4), PROGRAMS)
def test_a_document_that_is_altered_in_place_tells_what_was_there(base: Any, program: list[Any]) -> None:
    changes = run(Draft(base), program)
    old, new, after = copy.deepcopy(base), copy.deepcopy(base), apply(base, changes)
    before = apply_in_place(new, changes)
    touched = {change.path[0] for change in changes}
    if before is None:
        assert new == old
        assert any(change.op == "remove" for change in changes)
    else:
        assert before == {key: value for key, value in old.items() if key in touched}
        assert json.dumps(new) == json.dumps(after)


@given(st.dictionaries(KEYS, VALUES, max_size=4), st.lists(PROGRAMS, min_size=1, max_size=4))
def test_a_document_that_is_changed_in_place_again_and_again_tells_each_time_what_was_there(
    base: Any, programs: list[Any]
) -> None:
    first, twin = copy.deepcopy(base), base
    document = InPlace(base)
    for program in programs:
        changes = run(Draft(twin), program)
        before = document.apply(changes)
        if before is None:
            assert any(
                not change.path or change.op == "append" or _leads_into_a_list(twin, change) for change in changes
            )
            document = InPlace(apply(document.document, changes))
        else:
            assert [get(before, change.path) for change in changes] == [get(twin, change.path) for change in changes]
        twin = apply(twin, changes)
        assert json.dumps(document.document) == json.dumps(twin)
    assert base == first, "the document from which it began stays as it was"


def _leads_into_a_list(document: Any, change: Any) -> bool:
    return any(not isinstance(get(document, change.path[:end]), dict) for end in range(len(change.path)))
