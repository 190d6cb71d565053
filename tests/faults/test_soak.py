"""Workers and a database that are killed at random, for a long time: nothing is lost, and nothing happens twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from aloma_cli import Workspace
from aloma_cli.api.once import create_once
from aloma_cli.api.orders import starting
from aloma_cli.api.queue import leave_to_worker
from aloma_cli.errors import StoreError, TaskLockedError
from aloma_cli.record.events import Committed
from tests.servers import Postgres, postgres
from tests.support.proxy import Network

__all__ = ["postgres"]

SECONDS = float(os.environ.get("SOAK_SECONDS", "1200"))
LEASE = 3
STEPS = {
    "ask": ("{'number': int, 'price': None}", "data['price'] = await connectors.shop.price(data['number'])"),
    "wait": ("{'price': int, 'waited': None}", "await asyncio.sleep(random.random() / 2); data['waited'] = True"),
    "buy": ("{'waited': True, 'bought': None}", "data['bought'] = await connectors.shop.buy(data['price'])"),
}

SHOP = """
import asyncio

from aloma_cli import effect


@effect("read")
async def price(number):
    await asyncio.sleep(0.05)
    return number


async def buy(price, idempotency_key):
    return price
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "steps").mkdir()
    (tmp_path / "connectors").mkdir()
    (tmp_path / "connectors" / "shop.py").write_text(SHOP)
    for name, (condition, content) in STEPS.items():
        head = f"import asyncio, random\n\ncondition = {condition}\n"
        text = f"{head}\n\nasync def content(data, connectors):\n    {content}\n"
        (tmp_path / "steps" / f"{name}.py").write_text(text)
    return tmp_path


class Soak:
    """Two workers whose network can be cut, a database, and the tasks that were asked for."""

    def __init__(self, folder: Path, server: Postgres, chance: random.Random) -> None:
        self.server = server
        self.chance = chance
        self.network = Network(server.port)
        self.url = server.url(lease=LEASE)
        self._environment = {
            **os.environ,
            "ALOMA_STORE": self.url.replace(f":{server.port}", f":{self.network.port_in}"),
        }
        self._folder = folder
        self.home = Workspace.open(folder, environ={"ALOMA_STORE": self.url, "HOME": str(folder)})
        self.workers = [self._started(), self._started()]
        self.done: Counter[str] = Counter()
        self.wanted = 0

    def _started(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "aloma_cli", "worker", "-q", "-c", "5"]
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(command, cwd=self._folder, env=self._environment, stdout=log, stderr=log)

    def ask(self) -> None:
        """Make one more task, whatever happens to the database meanwhile."""
        self.wanted += 1
        while True:
            with suppress(StoreError, TaskLockedError):
                made = create_once(self.home, f"task {self.wanted}", "T", {"number": self.wanted})
                if not isinstance(made, str):
                    leave_to_worker(self.home, made.claim.root, starting(self.home.setup, {}), made.claim)
                return
            time.sleep(0.2)

    def disturb(self) -> None:
        what = self.chance.choice(
            [self._kill, self._kill, self._freeze, self._end, self._restart, self._crash, self._cut]
        )
        self.done[what.__name__] += 1
        what()
        self.supervise()

    def supervise(self) -> None:
        """Start workers again that have ended, because they found no database when they began."""
        for number, worker in enumerate(self.workers):
            if worker.poll() is not None:
                self.workers[number] = self._started()

    def _kill(self) -> None:
        self._replace(lambda worker: worker.kill())

    def _end(self) -> None:
        self._replace(lambda worker: worker.terminate())

    def _replace(self, end: Callable[[subprocess.Popen[bytes]], object]) -> None:
        number = self.chance.randrange(len(self.workers))
        end(self.workers[number])
        self.workers[number].wait(60)
        self.workers[number] = self._started()

    def _freeze(self) -> None:
        worker = self.chance.choice(self.workers)
        worker.send_signal(signal.SIGSTOP)
        time.sleep(LEASE + 1)
        worker.send_signal(signal.SIGCONT)

    def _restart(self) -> None:
        self.server.stop(self.chance.choice(["fast", "immediate"]))
        time.sleep(self.chance.random() * 2)
        self.server.start()

    def _crash(self) -> None:
        self.server.kill()
        self.server.start()

    def _cut(self) -> None:
        self.network.cut()
        time.sleep(self.chance.random() * 2 * LEASE)
        self.network.join()

    def close(self) -> None:
        for worker in self.workers:
            worker.send_signal(signal.SIGCONT)
            worker.kill()
            worker.wait()
        self.network.close()


@pytest.mark.e2e
@pytest.mark.slow
def test_kills_of_workers_and_of_the_database_lose_and_double_nothing(folder: Path, postgres: Postgres) -> None:
    chance = random.Random(7)
    soak = Soak(folder, postgres, chance)
    try:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            for _ in range(chance.randrange(1, 20)):
                soak.ask()
            time.sleep(chance.random() * 2)
            soak.disturb()
        roots = soak.home.store.roots()
        deadline = time.monotonic() + 60
        while any(soak.home.task(root).state != "done" for root in roots) and time.monotonic() < deadline:
            soak.supervise()
            time.sleep(0.5)
        states = Counter(soak.home.task(root).state for root in roots)
        assert states == {"done": soak.wanted}, (soak.done, (folder / "log").read_text()[-2000:])
        commits = Counter(
            (event.task, event.step)
            for root in roots
            for event in soak.home.task(root).tree_journal
            if isinstance(event, Committed)
        )
        assert len(commits) == soak.wanted * len(STEPS)
        assert set(commits.values()) == {1}
        assert {soak.home.task(root).data["bought"] for root in roots} == set(range(1, soak.wanted + 1))
    finally:
        soak.close()
