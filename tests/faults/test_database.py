"""A database that restarts, dies, or cannot be reached for a while: workers continue, and nothing is lost."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aloma_cli.record.events import CallAnswered, Committed
from aloma_cli.store.open import open_store
from tests.cli.desk import Desk, ended, until
from tests.servers import Postgres, postgres
from tests.support.proxy import Network

__all__ = ["postgres"]

pytestmark = pytest.mark.e2e

TREES = 16


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    monkeypatch.chdir(tmp_path)
    desk = Desk(tmp_path, capsys)
    desk.write("connectors/shop.py", "async def buy(what):\n    return what\n")
    content = ("data['bought'] = await connectors.shop.buy(data['name'])", "await asyncio.sleep(0.2)")
    desk.step("buy", '{"greeting": str, "bought": None}', *content, asks="data, connectors")
    return desk


@contextmanager
def working(desk: Desk, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A worker has begun with some of the trees; in the end all of them are done, and nothing happened twice."""
    monkeypatch.setenv("ALOMA_STORE", url)
    for number in range(TREES):
        assert desk.run("task", "new", "T", "-d", f'{{"name": "n{number}"}}', "--queue", "-q").code == 0
    worker = desk.started("worker", "-c", "3")
    try:
        until(lambda: commits(url))
        yield
        until(lambda: len(commits(url)) == TREES, 30)
    finally:
        worker.terminate()
    assert ended(worker, 30).code == 0
    assert set(commits(url).values()) == {1}
    assert set(calls(url).values()) == {1}


def events(url: str, kind: type) -> Counter[str]:
    store = open_store(url)
    return Counter(
        event.task
        for root in store.roots()
        for batch in store.read(root)
        for event in batch.events
        if isinstance(event, kind) and getattr(event, "step", None) == "buy"
    )


def commits(url: str) -> Counter[str]:
    return events(url, Committed)


def calls(url: str) -> Counter[str]:
    return events(url, CallAnswered)


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_a_restart_of_the_database_loses_nothing(
    desk: Desk, postgres: Postgres, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    with working(desk, postgres.url(), monkeypatch):
        postgres.stop(how)
        time.sleep(0.5)
        postgres.start()


def test_a_network_that_is_cut_for_a_while_loses_nothing(
    desk: Desk, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = Network(postgres.port)
    url = postgres.url()
    with working(desk, url.replace(str(postgres.port), str(network.port_in)), monkeypatch):
        network.cut()
        time.sleep(3)
        network.join()
    network.close()


def test_a_database_that_is_away_is_told_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALOMA_STORE", "postgresql://aloma:hunter2@127.0.0.1:1/aloma")
    told = desk.run("task", "list")
    assert told.code == 1
    assert "cannot be reached" in told.err
    assert "hunter2" not in told.err


def test_a_worker_whose_database_is_away_says_so_and_does_not_stand_still(
    desk: Desk, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = Network(postgres.port)
    monkeypatch.setenv("ALOMA_STORE", postgres.url().replace(str(postgres.port), str(network.port_in)))
    beats = desk.root / "beats"
    content = ("while not data['greeting'].startswith('!'):", "    open('beats', 'a').write('.')")
    desk.step("beat", '{"greeting": str}', *content, "    await asyncio.sleep(0.05)")
    assert desk.run("task", "new", "T", "-d", '{"name": "Ada"}', "--queue", "-q").code == 0
    worker = desk.started("worker")
    said = worker.stderr
    assert said is not None
    try:
        until(beats.exists)
        network.cut()
        until(lambda: "cannot be reached" in said.readline(), 20)
        before = len(beats.read_text())
        until(lambda: len(beats.read_text()) > before + 20, 20)
        worker.terminate()
        until(lambda: "stopping" in said.readline(), 10)
    finally:
        worker.kill()
        worker.communicate()
        network.close()
