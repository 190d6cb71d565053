"""Claims that write behind: writes return at once, and are reported once they are durable."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from aloma_cli.errors import AlomaError, ClaimLostError, StoreError
from aloma_cli.record.events import Event
from aloma_cli.store.behind import Behind
from aloma_cli.store.files.disk import FileStore
from aloma_cli.store.open import open_store
from aloma_cli.store.protocol import Claim, Store
from tests.servers import postgres
from tests.store.test_stores import created, logged, texts

__all__ = ["postgres"]


class Desk:
    """A thread on which a claim is used: it calls what is posted to it when it is told to."""

    def __init__(self) -> None:
        self._posted: SimpleQueue[Callable[[], object]] = SimpleQueue()
        self.told: list[AlomaError | None] = []

    def post(self, call: Callable[[], object]) -> None:
        self._posted.put(call)

    def lasting(self, claim: Claim) -> list[AlomaError | None]:
        """What `behind` says, once it says it."""
        assert claim.behind is not None
        claim.behind.then(self.told.append)
        while not self.told:
            self._posted.get(timeout=10)()
        told, self.told = self.told, []
        return told


def taken(store: Any, desk: Desk) -> Claim:
    """The only tree that is due, claimed to be written behind."""
    due = store.due(None, lambda: None)
    claim: Claim = store.claim("1") if due is None else due.take((), 9)[0]
    claim.write_behind(desk.post)
    return claim


@pytest.fixture(params=["file", pytest.param("postgres", marks=pytest.mark.e2e)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    where = str(tmp_path / ".aloma") if request.param == "file" else request.getfixturevalue("postgres").url()
    store = open_store(where)
    claim = store.create("1", [created()])
    claim.publish({"state": "created", "tags": []}, {})
    claim.close()
    return store


def test_what_is_written_behind_keeps_its_order_and_is_told_of(store: Store) -> None:
    desk = Desk()
    claim = taken(store, desk)
    heard: list[Event] = []
    assert claim.behind is not None
    emit = claim.behind.when_durable(heard.append)
    for number in range(20):
        claim.commit([logged(str(number))], durable=number % 3 > 0)
        emit(logged(str(number)))
    claim.publish({"state": "done", "tags": []}, {"n": 1})
    assert desk.lasting(claim) == [None]
    assert heard == [logged(str(number)) for number in range(20)]
    assert texts(store) == [[], *([str(number)] for number in range(20))]
    assert store.published("1") == ({"state": "done", "tags": []}, {"n": 1})
    claim.close()


def test_a_request_is_dropped_once_what_it_brought_lasts(store: Store) -> None:
    desk = Desk()
    name = store.post("1", {"kind": "stop"})
    claim = taken(store, desk)
    claim.commit([logged("a")])
    (request,) = claim.requests()
    claim.fulfilled(request)
    assert store.is_waiting("1", name)
    claim.commit([logged("b")])
    assert desk.lasting(claim) == [None]
    assert not store.is_waiting("1", name)
    claim.close()


def test_a_claim_that_is_closed_behind_is_free_when_the_worker_has_ended(store: Store) -> None:
    desk = Desk()
    claim = taken(store, desk)
    for number in range(20):
        claim.commit([logged(str(number))])
    claim.close()
    due = store.due(None, lambda: None)
    if due is not None:
        store.drain()  # type: ignore[attr-defined]
        due.close()
    assert store.holder("1") is None
    assert len(texts(store)) == 21
    assert due is None or store._writer._thread is None  # type: ignore[attr-defined]


@pytest.mark.e2e
def test_a_claim_that_is_lost_writes_nothing_more_behind(request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("postgres").url()
    store, desk = open_store(url), Desk()
    store.create("1", [created()]).close()
    claim = taken(store, desk)
    heard: list[Event] = []
    assert claim.behind is not None
    store._database.rows("update aloma.tree set claim = 1 returning 1")  # type: ignore[attr-defined]
    for number in range(3):
        claim.commit([logged(str(number))])
        claim.behind.when_durable(heard.append)(logged(str(number)))
    (error,) = desk.lasting(claim)
    assert isinstance(error, ClaimLostError)
    with pytest.raises(ClaimLostError):
        claim.commit([logged("again")])
    claim.close()
    assert (heard, texts(store)) == ([], [[]])


def test_a_sync_that_is_refused_loses_all_that_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, desk = FileStore(tmp_path / ".aloma"), Desk()
    store.create("1", [created()]).close()
    claim = taken(store, desk)
    syncing, may_sync = threading.Event(), threading.Event()

    def refuse(_file: int) -> None:
        syncing.set()
        may_sync.wait(10)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    claim.commit([logged("a")])
    assert syncing.wait(10)
    claim.commit([logged("b")])
    may_sync.set()
    (error,) = desk.lasting(claim)
    assert "No space left" in str(error)
    with pytest.raises(StoreError):
        claim.commit([logged("c")])
    claim.close()
    monkeypatch.undo()
    assert texts(store) == [[]], "what was refused is as if it had never been written"
    store.claim("1").commit([logged("d")])
    assert texts(store) == [[], ["d"]]


@pytest.mark.parametrize("refused_at", [1, 2])
def test_what_a_claim_cannot_sync_when_it_is_closed_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused_at: int
) -> None:
    store, desk, syncs = FileStore(tmp_path / ".aloma"), Desk(), []
    store.create("1", [created()]).close()
    claim = taken(store, desk)
    may_sync = threading.Event()

    def sync(_file: int) -> None:
        syncs.append(1)
        may_sync.wait(10)
        if len(syncs) == refused_at:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", sync)
    claim.commit([logged("a")])
    while not syncs:
        continue
    claim.commit([logged("b")])
    may_sync.set()
    claim.close()
    assert texts(store) == [[], *[["a"]] * (refused_at - 1)]


def test_who_asks_late_hears_at_once() -> None:
    behind = Behind()
    told: list[AlomaError | None] = []
    behind.then(told.append)
    number = behind.take()
    behind.then(told.append)
    assert told == [None]
    lost = StoreError("lost")
    behind.confirm(number, lost)
    behind.then(told.append)
    assert told == [None, lost, lost]
