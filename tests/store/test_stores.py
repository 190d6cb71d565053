"""What every store promises, whatever it is made of."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aloma_cli.clock import from_iso
from aloma_cli.errors import NotFoundError, StoreError, TaskLockedError
from aloma_cli.record.events import CallAnswered, Committed, Event, Logged, TaskCreated
from aloma_cli.store.files.disk import FileStore
from aloma_cli.store.memory import MemoryStore
from aloma_cli.store.open import open_store
from aloma_cli.store.protocol import Store

AT = "2026-11-22T08:00:00.000Z"


def created(root: str = "1", **data: Any) -> TaskCreated:
    return TaskCreated(at=AT, task=root, name="a task", data=data)


def logged(text: str, root: str = "1") -> Logged:
    return Logged(at=AT, task=root, firing=1, step="a", level="info", text=text)


def texts(store: Store, root: str = "1", since: int = 0) -> list[list[str]]:
    """The texts that were logged, by batch."""
    return [[e.text for e in batch.events if isinstance(e, Logged)] for batch in store.read(root, since)]


@pytest.fixture(params=["memory", "file", "file, synced", pytest.param("postgres", marks=pytest.mark.e2e)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    kinds: dict[str, Callable[[], Store]] = {
        "memory": MemoryStore,
        "file": lambda: FileStore(tmp_path / ".aloma", fsync=False),
        "file, synced": lambda: FileStore(tmp_path / ".aloma"),
        "postgres": lambda: open_store(request.getfixturevalue("postgres").url()),
    }
    return kinds[request.param]()


def test_a_store_is_empty_at_first(store: Store) -> None:
    assert (store.roots(), list(store.newest_first().ids)) == ([], [])
    for ask in (store.claim, store.read, store.holder, store.size, lambda root: store.post(root, {})):
        with pytest.raises(NotFoundError, match="7"):
            ask("7")


def test_what_was_written_to_lately_is_found(store: Store) -> None:
    assert store.changed(0) == []
    for root in ("2", "1"):
        store.create(root, [created(root)])
    assert store.changed(time.time() - 3600) == ["1", "2"]


def test_a_note_is_what_was_last_written_under_its_name(store: Store) -> None:
    assert store.note("a.b-c_1") is None
    for number in (1, 2):
        store.write_note("a.b-c_1", {"number": number})
    store.write_note("other", {})
    assert (store.note("a.b-c_1"), store.note("other"), store.roots()) == ({"number": 2}, {}, [])


def test_what_was_committed_is_read_in_order_and_numbered(store: Store) -> None:
    claim = store.create("1", [created(x=1)])
    claim.commit([logged("a"), logged("b")])
    claim.commit([logged("c")], durable=False)
    assert [batch.seq for batch in store.read("1")] == [0, 1, 2]
    assert texts(store) == [[], ["a", "b"], ["c"]]
    assert next(iter(store.read("1"))).events == (created(x=1),)
    assert list(claim.batches()) == list(store.read("1"))


def test_a_claim_gives_all_that_was_committed_each_time_it_is_asked(store: Store) -> None:
    claim = store.create("1", [created(), logged("a")])
    assert [batch.events for batch in claim.batches()] == [(created(), logged("a"))]
    claim.commit([logged("b")])
    for _ in range(2):
        assert list(claim.batches()) == list(store.read("1"))
    claim.close()
    again = store.claim("1")
    for _ in range(2):
        assert list(again.batches()) == list(store.read("1"))


def test_the_lines_of_a_tree_make_the_same_tree_in_another_store(store: Store) -> None:
    claim = store.create("1", [created(x="é\ud800")])
    claim.commit([logged("a"), logged("b")])
    claim.close()
    lines = [*store.lines("1")]
    for other in (MemoryStore(), store):
        if other is store:
            store.claim("1").delete()
        restored = other.restore("1", lines)
        assert [*other.lines("1")] == lines
        restored.commit([logged("c")])
        restored.close()
        assert texts(other) == [[], ["a", "b"], ["c"]]


def test_a_tree_that_exists_is_not_restored(store: Store) -> None:
    store.create("1", [created(x=1)]).close()
    with pytest.raises(StoreError):
        store.restore("1", [*store.lines("1")])
    with pytest.raises(NotFoundError):
        [*store.lines("2")]


def test_reading_begins_where_it_is_asked_to(store: Store) -> None:
    claim = store.create("1", [created()])
    claim.commit([logged("a")])
    claim.commit([logged("b")])
    assert texts(store, since=2) == [["b"]]
    assert texts(store, since=3) == []


def test_events_come_back_as_they_were(store: Store) -> None:
    events: list[Event] = [
        TaskCreated(at=AT, task="1.2.1", name="é\ud800", data={"k": None}, parent="1", into=("l", 0), group="g"),
        Committed(
            at=AT,
            task="1",
            version=3,
            by="firing",
            changes=({"op": "add", "path": "/~0/-", "value": [0, 0.0, False, 2**70, ""]},),
            tags=(),
            completed={"result": None},
            redo=True,
        ),
    ]
    claim = store.create("1", [created()])
    claim.commit(events)
    claim.close()
    (_, batch) = store.read("1")
    assert list(batch.events) == events


def test_roots_are_listed_oldest_first(store: Store) -> None:
    for root in ("2", "1", "3"):
        store.create(root, [created(root)]).close()
    assert store.roots() == ["1", "2", "3"]
    assert list(store.newest_first().ids) == ["3", "2", "1"]


def test_roots_are_found_by_the_beginning_of_their_ids(store: Store) -> None:
    whole = "01m81fdj9tnavpv4"
    for root in ("12", "123", "3", whole):
        store.create(root, [created(root)]).close()
    assert store.roots("12") == ["12", "123"]
    assert store.roots("2") == []
    assert store.roots(whole[:-1]) == store.roots(whole) == [whole]
    assert store.roots(f"{whole[:-1]}z") == []


def test_a_root_is_created_once(store: Store) -> None:
    store.create("1", [created()]).close()
    with pytest.raises(StoreError, match="1"):
        store.create("1", [created(x="other")])
    assert next(iter(store.read("1"))).events == (created(),)


def test_of_two_claims_the_second_is_refused_until_the_first_is_closed(store: Store) -> None:
    first = store.create("1", [created()])
    assert store.holder("1")
    with pytest.raises(TaskLockedError, match="1"):
        store.claim("1")
    first.close()
    assert store.holder("1") is None
    second = store.claim("1")
    second.commit([logged("second")])
    assert texts(store) == [[], ["second"]]


def test_claims_of_different_tasks_do_not_meet(store: Store) -> None:
    claims = [store.create("1", [created()]), store.create("2", [created("2")])]
    assert store.holder("1")
    claims[0].close()
    assert (store.holder("1"), bool(store.holder("2"))) == (None, True)


def test_a_claim_that_was_closed_writes_nothing_more(store: Store) -> None:
    """Not to the task, and not to whatever else was opened since."""
    claim = store.create("1", [created()])
    claim.close()
    other = store.create("2", [created("2")])
    with pytest.raises(StoreError):
        claim.commit([logged("late")])
    other.commit([logged("in time", "2")])
    assert (texts(store), texts(store, "2")) == ([[]], [[], ["in time"]])


def test_a_claim_may_be_closed_on_another_thread_than_it_was_made_on(store: Store) -> None:
    claims: list[Any] = []
    thread = threading.Thread(target=lambda: claims.append(store.create("1", [created()])))
    thread.start()
    thread.join()
    claims[0].close()
    store.claim("1").close()


def test_reading_does_not_wait_for_the_claim(store: Store) -> None:
    claim = store.create("1", [created()])
    reader = store.read("1")
    assert next(iter(reader)).seq == 0
    claim.commit([logged("a")])
    assert texts(store) == [[], ["a"]]


def test_requests_wait_in_order_until_they_are_fulfilled(store: Store) -> None:
    claim = store.create("1", [created()])
    for n in range(3):
        store.post("1", {"kind": "stop", "n": n})
    assert [request.body["n"] for request in claim.requests()] == [0, 1, 2]
    claim.fulfilled(claim.requests()[1])
    assert [request.body["n"] for request in claim.requests()] == [0, 2]
    store.post("1", {"n": 3})
    assert [request.body["n"] for request in claim.requests()] == [0, 2, 3]
    assert len({request.id for request in claim.requests()}) == 3


def test_fulfilling_a_request_twice_does_no_harm(store: Store) -> None:
    claim = store.create("1", [created()])
    store.post("1", {"n": 1})
    (request,) = claim.requests()
    claim.fulfilled(request)
    claim.fulfilled(request)
    assert claim.requests() == []


def test_requests_outlive_the_claim(store: Store) -> None:
    store.create("1", [created()]).close()
    store.post("1", {"n": 1})
    assert [request.body for request in store.claim("1").requests()] == [{"n": 1}]


def test_a_summary_is_none_unless_it_is_of_the_newest(store: Store) -> None:
    claim = store.create("1", [created()])
    assert store.record("1") is None
    claim.publish({"state": "done"}, {"x": 1})
    published = store.published("1")
    if published is not None:  # a store may keep none at all
        assert (published[0]["state"], published[1]) == ("done", {"x": 1})
    claim.commit([logged("more")])
    assert store.record("1") is None


def test_the_size_grows_with_what_is_committed(store: Store) -> None:
    claim = store.create("1", [created()])
    before = store.size("1")
    claim.commit([logged("x" * 1000)])
    assert 1000 < store.size("1") - before < 1500


def test_what_is_deleted_is_not_there_any_more(store: Store) -> None:
    store.create("1", [created()]).close()
    store.create("2", [created("2")]).close()
    claim = store.claim("1")
    claim.delete()
    assert (store.roots(), list(store.newest_first().ids)) == (["2"], ["2"])
    for ask in (store.claim, store.read, store.holder, store.size, lambda root: store.post(root, {})):
        with pytest.raises(NotFoundError, match="1"):
            ask("1")
    claim.close()
    assert texts(store, "2") == [[]]


def test_a_deletion_ends_the_claim(store: Store) -> None:
    claim = store.create("1", [created()])
    claim.delete()
    with pytest.raises(StoreError):
        claim.commit([logged("late")])
    with pytest.raises(StoreError):
        claim.delete()
    assert store.roots() == []


def test_a_claim_that_was_closed_deletes_nothing(store: Store) -> None:
    claim = store.create("1", [created()])
    claim.close()
    other = store.claim("1")
    with pytest.raises(StoreError, match="closed"):
        claim.delete()
    other.commit([logged("a")])
    assert store.roots() == ["1"]


def test_a_reading_that_had_begun_goes_on_when_the_task_is_deleted(store: Store) -> None:
    claim = store.create("1", [created()])
    claim.commit([logged("a")])
    reader = iter(store.read("1"))
    next(reader)
    claim.delete()
    assert [batch.seq for batch in reader] == [1]


def test_a_reading_that_had_not_begun_says_that_the_task_is_deleted(store: Store) -> None:
    claim = store.create("1", [created()])
    reader = store.read("1")
    claim.delete()
    try:
        assert [batch.seq for batch in reader] == [0]  # a store may have it at hand
    except NotFoundError as error:
        assert "there is no task 1" in str(error)  # noqa: PT017  (either is fine)


def test_an_id_may_be_used_again_after_its_task_was_deleted(store: Store) -> None:
    store.create("1", [created(x="old")]).delete()
    store.create("1", [created(x="new")]).close()
    assert next(iter(store.read("1"))).events == (created(x="new"),)


def test_sweeping_takes_no_task_away(store: Store) -> None:
    store.sweep()
    store.create("1", [created()]).close()
    claim = store.create("2", [created("2")])
    store.sweep()
    claim.commit([logged("a", "2")])
    assert store.roots() == ["1", "2"]
    assert texts(store, "2") == [[], ["a"]]


def answered(number: int, at: str = AT, root: str = "1") -> CallAnswered:
    return CallAnswered(at=at, task=root, firing=1, step="a", call="c.f", key=str(number), arguments={})


def keys(store: Store, since: float = 0.0, seen: dict[str, int] | None = None) -> list[tuple[str, str]]:
    return sorted((root, call.key) for root, call in store.answered(since, seen))


def test_the_answered_calls_of_all_trees_are_found(store: Store) -> None:
    store.create("1", [created()]).commit([answered(1), logged('"event":"call_answered"'), answered(2)])
    store.create("2", [created("2")]).commit([answered(3, root="2")])

    assert keys(store) == [("1", "1"), ("1", "2"), ("2", "3")]


def test_calls_before_a_time_are_passed_over(store: Store) -> None:
    claim = store.create("1", [created()])
    claim.commit([answered(1), answered(2, "2026-11-23T08:00:00.000Z")])

    assert keys(store, from_iso("2026-11-22T12:00:00.000Z")) == [("1", "2")]


def test_what_was_seen_is_not_read_again(store: Store) -> None:
    seen: dict[str, int] = {}
    claim = store.create("1", [created()])
    claim.commit([answered(1)])
    assert keys(store, seen=seen) == [("1", "1")]

    claim.commit([answered(2)])
    store.create("2", [created("2")]).commit([answered(3, root="2")])

    assert keys(store, seen=seen) == [("1", "2"), ("2", "3")]
    assert keys(store, seen=seen) == []


def test_a_damaged_and_a_torn_line_hide_no_other_call(tmp_path: Path) -> None:
    store = FileStore(tmp_path / ".aloma", fsync=False)
    claim = store.create("1", [created()])
    for number in (1, 2, 3, 4):
        claim.commit([answered(number)])
    claim.close()
    journal = tmp_path / ".aloma/tasks/1/journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:2], lines[2].replace(b'"c.f"', b'"x.f"'), lines[3], lines[4][:-9]]))
    seen: dict[str, int] = {}

    assert keys(store, seen=seen) == [("1", "1"), ("1", "3")]
    with journal.open("ab") as file:
        file.write(lines[4][-9:])
    assert keys(store, seen=seen) == [("1", "4")]
