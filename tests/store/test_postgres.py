"""What the store in PostgreSQL promises besides what every store does: fences, repeated statements, lines."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from aloma_cli.errors import ClaimLostError, ConfigError, JournalDamagedError, StoreError, TaskLockedError
from aloma_cli.record.batch import Batch
from aloma_cli.record.codec import encode
from aloma_cli.record.events import CallAnswered
from aloma_cli.store.open import open_store
from aloma_cli.store.postgres import claim as claims
from aloma_cli.store.postgres.database import Address
from aloma_cli.store.postgres.keeper import Keeper
from aloma_cli.store.postgres.store import PostgresStore
from aloma_cli.store.protocol import Claim, Store
from tests.servers import Postgres
from tests.store.test_stores import AT, created, logged, texts
from tests.support.proxy import Network

pytestmark = pytest.mark.e2e


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.url()


@pytest.fixture
def store(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A store whose leases are not renewed."""
    monkeypatch.setattr(Keeper, "_start", lambda _: None)
    store: Store = PostgresStore(url)
    yield store
    store.close()  # type: ignore[attr-defined]


def expire(store: Any, root: str = "1") -> None:
    """Let the lease on a tree end."""
    store._database.rows(
        "select pgmq.set_vt(aloma.queue(space), message, now()) from aloma.tree where space = %s and root = %s",
        *(store._space, root),
    )


def test_who_lost_a_claim_writes_nothing_more(store: Any, url: str) -> None:
    lost = store.create("1", [created()])
    expire(store)
    other: Any = open_store(url)
    taken = other.claim("1")
    writes = [lambda: lost.commit([logged("late")]), lambda: lost.publish({"state": "done"}, {}), lost.delete]
    for write in writes:
        with pytest.raises(StoreError, match="1"):
            write()
    with pytest.raises(StoreError):
        lost.commit([logged("later")])
    lost.close()
    taken.commit([logged("in time")])
    assert texts(store) == [[], ["in time"]]
    assert store.record("1") is None
    taken.close()
    other.close()


def test_the_error_of_a_lost_claim_says_so(store: Any, url: str) -> None:
    lost = store.create("1", [created()])
    expire(store)
    open_store(url).claim("1").close()
    with pytest.raises(ClaimLostError, match="lost task 1"):
        lost.commit([logged("late")])


def test_a_lease_that_ended_is_still_held_while_nobody_has_taken_it(store: Any) -> None:
    claim = store.create("1", [created()])
    expire(store)
    claim.commit([logged("a")])
    assert texts(store) == [[], ["a"]]


def test_a_statement_that_is_sent_twice_is_carried_out_once(store: Any) -> None:
    claim = store.create("1", [created()])
    line = encode(Batch(1, (logged("a"),)))
    for _ in range(2):
        assert store._database.value("select aloma.commit(%s, %s, 1, %s, true)", claim.tree, claim.number, line)
        store._database.rows("select aloma.post(%s, '1', 'request', %s)", store._space, b"{}")
    other = encode(Batch(1, (logged("b"),)))
    assert not store._database.value("select aloma.commit(%s, %s, 1, %s, true)", claim.tree, claim.number, other)
    claim.look()
    assert (texts(store), len(claim.requests())) == ([[], ["a"]], 1)
    for _ in range(2):
        store._database.rows("select aloma.close(%s, %s, 0)", claim.tree, claim.number)
    queue = f"aloma_{store._space}"
    assert store._database.value("select queue_length from pgmq.metrics(%s)", queue) == 1


def test_a_tree_is_due_until_it_rests(store: Any) -> None:
    claim = store.create("1", [created()])
    claim.close()
    (waiting,) = store.waiting()
    assert (waiting.trees, waiting.release) == (1, None)
    (again,) = store.due(None, lambda: None).take((), 1)
    assert again.root == "1"
    with pytest.raises(TaskLockedError, match=r"at least until \d\d:\d\d:\d\d"):
        store.claim("1")
    again.publish({"state": "done", "tags": []}, {})
    again.close()
    assert (store.waiting(), store.upcoming(None, any_release=False)) == ([], None)
    assert store.due(None, lambda: None).take((), 1) == []


def test_a_timer_is_in_the_queue_and_a_request_makes_a_tree_due(store: Any) -> None:
    claim = store.create("1", [created()])
    claim.publish({"state": "waiting", "wake_at": "2099-01-01T00:00:00.000Z", "tags": []}, {})
    claim.close()
    assert store.due(None, lambda: None).take((), 1) == []
    assert f"{store.upcoming(None, any_release=False):%Y}" == "2099"
    store.post("1", {"kind": "stop"})
    (taken,) = store.due(None, lambda: None).take((), 1)
    assert [request.body for request in taken.requests()] == [{"kind": "stop"}]
    taken.close()
    assert len(store.waiting("1")) == 1


def test_a_worker_does_not_take_a_tree_from_itself(store: Any) -> None:
    claim = store.create("1", [created()])
    expire(store)
    assert store.due(None, lambda: None).take(("1",), 1) == []
    assert store.holder("1") is not None
    claim.commit([logged("a")])
    assert texts(store) == [[], ["a"]]


def test_a_tree_that_could_not_be_run_is_left_alone(store: Any) -> None:
    store.create("1", [created()]).close()
    due = store.due(None, lambda: None)
    due.take((), 1)[0].close()
    due.left("1", StoreError("cannot be run"))
    assert (due.take((), 1), due.upcoming() is not None, due.pause() > 10) == ([], True, True)
    due.close()


def test_workspaces_in_one_database_do_not_see_each_other(postgres: Postgres, store: Any) -> None:
    store.create("1", [created()]).close()
    other = open_store(postgres.url())
    assert (other.roots(), other.due(None, lambda: None).take((), 1)) == ([], [])  # type: ignore[union-attr]
    other.create("1", [created(x=1)]).close()
    assert next(iter(store.read("1"))).events == (created(),)


def test_a_damaged_line_is_named_and_cut_off_when_told(store: Any) -> None:
    claim = store.create("1", [created()])
    for text in ("a", "b", "c"):
        claim.commit([logged(text)])
    claim.close()
    store._database.rows(
        "update aloma.batch set line = line || 'x' where tree = %s and seq = 2 returning 1", claim.tree
    )
    with pytest.raises(JournalDamagedError, match="line 3 of task 1 is damaged"):
        texts(store)
    assert [batch.seq for batch in store.read_back("1")] == [3]
    salvage = store.salvage("1", lambda _: None)
    assert (salvage.kept, salvage.lost, [event.text for event in salvage.readable]) == (2, 2, ["c"])
    assert texts(store) == [[], ["a"]]
    assert store.salvage("1", lambda _: None) is None


def talk(turns: int) -> CallAnswered:
    """A call with all messages of a conversation."""
    messages = [{"role": "user", "content": f"{turn} " + "word " * 60} for turn in range(turns)]
    arguments = {"messages": messages}
    return CallAnswered(at=AT, task="1", firing=1, step="a", call="c.f", key=str(turns), arguments=arguments)


def test_the_messages_of_a_conversation_are_written_once_and_read_whole_from_anywhere(
    store: Any, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "_LONG", 8)
    claim: Claim = store.create("1", [created()])
    written = [created()]
    for turn in range(1, 30):
        claim.commit([talk(turn)])
        written.append(talk(turn))  # type: ignore[arg-type]
        if claim.keeps:
            claim.keep({"turn": turn})
        if turn % 7 == 0:
            claim.close()
            claim = store.claim("1")
            kept = claim.kept()
            if kept is not None and turn % 2:
                assert [batch.events[0] for batch in kept.rest] == written[kept.state["turn"] + 1 :]
            else:
                assert [batch.events[0] for batch in claim.batches()] == written
    claim.close()
    for since in range(30):
        assert [event for batch in store.read("1", since) for event in batch.events] == written[since:]
    assert store.size("1") < 29 * 15 * 300 / 3
    kept = store.kept("1")
    assert kept is not None
    assert [batch.events[0] for batch in kept.rest] == written[kept.state["turn"] + 1 :]


def test_tables_of_a_newer_program_are_refused(store: Any, url: str) -> None:
    store.roots()
    number = store._database.value("update aloma.version set number = number + 1 returning number")
    try:
        with pytest.raises(StoreError, match=f"version {number}"):
            open_store(url).roots()
    finally:
        store._database.rows("update aloma.version set number = number - 1 returning 1")


def test_tables_of_the_first_version_are_brought_up_to_date(store: Any, url: str) -> None:
    store.create("1", [created()]).close()
    with psycopg.connect(url.partition("?")[0], autocommit=True) as database:
        database.execute("drop index aloma.tree_claim; drop function aloma.drop; update aloma.version set number = 1")
    (claim,) = open_store(url).due(None, lambda: None).take((), 5)  # type: ignore[union-attr]
    assert [batch.events for batch in claim.batches()] == [(created(),)]
    claim.close()


def test_a_store_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="mysql"):
        open_store("mysql://127.0.0.1/aloma")


@pytest.mark.parametrize(
    ("where", "url", "shown"),
    [
        ("postgresql:///x", "postgresql:///x", "this machine/x"),
        ("postgresql://", "postgresql://", "this machine"),
        ("postgresql://[::1]:5433/x", "postgresql://[::1]:5433/x", "[::1]/x"),
        ("postgresql://ada:p@s/s#w%20d@db:5433/x", "postgresql://ada:p%40s%2Fs%23w%20d@db:5433/x", "db/x"),
        ("postgresql:///x?host=/run/pg", "postgresql:///x", "/run/pg/x"),
    ],
)
def test_an_address_is_handed_on_as_it_was_meant(where: str, url: str, shown: str) -> None:
    address = Address(where)
    assert (address.url.partition("?")[0], address.shown) == (url, shown)
    assert conninfo_to_dict(address.url)["connect_timeout"] == "5"


def test_a_url_that_cannot_be_read_is_told_without_its_password() -> None:
    with pytest.raises(StoreError, match="cannot be reached") as refused:
        [*open_store("postgresql://ada:secret-word@[::1/x").roots()]
    assert "secret-word" not in str(refused.value)
    with pytest.raises(ConfigError, match="must be a number of seconds, not 'soon'"):
        open_store("postgresql://db/x?lease=soon")


def test_a_worker_does_not_wait_for_a_database_that_is_away_to_look_for_requests(postgres: Postgres) -> None:
    network = Network(postgres.port)
    store = PostgresStore(postgres.url().replace(str(postgres.port), str(network.port_in)))
    store.create("1", [created()]).close()
    [claim] = store.next(None, 1, any_release=True)
    claim.write_behind(lambda call: call())
    network.cut()
    began = time.monotonic()
    for _ in range(2):
        claim.look()
        assert claim.requests() == []
    assert time.monotonic() - began < 20  # without the bound of the claim it is a minute
    network.join()
    claim.close()
    store.close()
    network.close()
