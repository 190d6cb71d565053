"""The digest of a document follows its changes, and tells documents apart."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.document.changes import Change, apply
from aloma_cli.document.diff import diff, same
from aloma_cli.document.digest import Digest
from aloma_cli.document.volatile import Volatile
from tests.support.manual import EPOCH

LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "{", "1", "-1", 0.5, -0.5, 2.0])
KEYS = st.sampled_from(["a", "b", "", "0", "a.b"])
VALUES: st.SearchStrategy[Any] = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=4)


def follow(digest: Digest, before: Any, after: Any, now: float) -> None:
    """Show the digest how a document became another."""
    assert digest.follow(before, after, diff(before, after), now)


def digest_of(*documents: Any, now: float = EPOCH + 1) -> int:
    """The digest after the document went through these, one after the other."""
    digest = Digest(Volatile("1", EPOCH))
    for before, after in pairwise(documents):
        follow(digest, before, after, now)
    return digest.value


@given(DOCUMENTS, DOCUMENTS, DOCUMENTS)
def test_two_ways_to_one_document_give_one_digest(begin: Any, between: Any, end: Any) -> None:
    assert digest_of(begin, between, end) == digest_of(begin, end)


@given(DOCUMENTS, DOCUMENTS, DOCUMENTS)
def test_different_documents_have_different_digests(begin: Any, one: Any, other: Any) -> None:
    assert (digest_of(begin, one) == digest_of(begin, other)) is same(one, other)


@given(st.lists(st.integers(0, 4), max_size=8), st.data())
def test_the_order_of_a_list_counts(items: list[int], data: Any) -> None:
    shuffled = data.draw(st.permutations(items))
    assert (digest_of({"l": items}, {"l": shuffled}) == 0) is (items == shuffled)


@given(
    st.lists(st.tuples(st.sampled_from(["add", "remove", "append"]), st.integers(0, 5)), max_size=12),
    st.integers(1, 12),
)
def test_items_put_in_and_taken_out_anywhere_are_followed(edits: list[tuple[str, int]], together: int) -> None:
    begin: Any = {"l": [0, [1], {"k": 2}]}
    digest, here, begun = Digest(Volatile("1", EPOCH)), begin, begin
    made: list[Change] = []
    for number, (op, at) in enumerate(edits):
        length = len(here["l"])
        if op == "append":
            change = Change("append", ("l",), number)
        elif op == "remove" and length:
            change = Change("remove", ("l", at % length))
        else:
            change = Change("add", ("l", at % (length + 1)), {"n": number})
        made.append(change)
        here = apply(here, [change])
        if len(made) == together:
            digest.follow(begun, here, made, EPOCH)
            begun, made = here, []
    digest.follow(begun, here, made, EPOCH)
    assert digest.value == digest_of(begin, here)


def test_a_time_is_a_stamp_only_between_the_beginning_and_the_moment_it_was_written() -> None:
    def at(second: int) -> dict[str, Any]:
        return {"at": f"2023-11-14T22:13:{second:02}Z"}  # the task began at :20

    begin = {"at": None}
    assert digest_of(begin, at(25), now=EPOCH + 5) == digest_of(begin, at(24), now=EPOCH + 5)
    assert digest_of(begin, at(55), now=EPOCH + 5) != digest_of(begin, at(54), now=EPOCH + 5)
    assert digest_of(begin, at(10), now=EPOCH + 5) != digest_of(begin, at(11), now=EPOCH + 5)


def test_a_time_that_was_still_to_come_when_it_was_written_is_taken_away_as_what_it_was() -> None:
    digest = Digest(Volatile("1", EPOCH))
    soon = {"at": "2023-11-14T22:13:50Z"}
    follow(digest, {}, soon, EPOCH)
    follow(digest, soon, {}, EPOCH + 60)
    assert digest.value == 0


def test_the_ids_of_subtasks_made_by_different_firings_are_one_and_their_order_counts() -> None:
    assert digest_of({}, {"id": "1.5.1"}) == digest_of({}, {"id": "1.9.1"})
    assert digest_of({}, {"id": "1.5.1"}) != digest_of({}, {"id": "1.5.2"})


def test_what_touches_very_many_values_is_not_looked_at() -> None:
    digest = Digest(Volatile("1", EPOCH))
    follow(digest, {}, {"a": 1}, EPOCH)
    many = {"a": 1, "many": list(range(20_000))}
    assert not digest.follow({"a": 1}, many, diff({"a": 1}, many), EPOCH)
    follow(digest, many, {**many, "a": 2}, EPOCH)
    follow(digest, {**many, "a": 2}, many, EPOCH)
    assert digest.value == 0, "it counts from there on"
