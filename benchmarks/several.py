"""Measure workers that share the trees of one PostgreSQL: `python benchmarks/several.py [--due]`.

It starts a database of its own (fsync on) and two workers, 20 trees each. A tree has three firings and two calls. With
`--due` the queue is a column of the tree's row in place of pgmq (`several_due.sql`): the rest of the store is the same.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from zlib import crc32

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import psycopg

from aloma_cli import Step, Workspace
from aloma_cli.api.orders import starting
from aloma_cli.api.queue import leave_to_worker
from aloma_cli.api.worker import Worker
from tests.servers.postgres import Postgres, installed

firsts: list[float] = []
ends: list[float] = []


class Api:
    """A system that answers at once."""

    async def first(self, created: float) -> int:
        firsts.append(time.time() - created)
        return 1

    async def second(self, value: int) -> int:
        return value + 1


async def begin(data: Any, connectors: Any) -> None:
    data["a"] = await connectors.api.first(data["created"])


async def follow(data: Any, connectors: Any) -> None:
    data["b"] = await connectors.api.second(data["a"])


async def end(data: Any) -> None:
    data["c"] = data["a"] + data["b"]


async def ask(task: Any) -> None:
    task.ask("Go on?", "answer")


async def park(data: Any, task: Any, step: Any) -> None:
    if data.setdefault("parked", 0) == 0:
        data["parked"] = 1
        task.park(30 * 86400)
        step.redo()


STEPS = (
    Step("begin", {"created": float, "a": None, "waits": None}, begin),
    Step("follow", {"a": int, "b": None}, follow),
    Step("end", {"b": int, "c": None}, end),
    Step("ask", {"waits": "person", "answer": None}, ask),
    Step("park", {"waits": "timer"}, park),
)


def workspace(url: str) -> Workspace:
    return Workspace(STEPS, store=url, connectors={"api": Api()})


def queue(home: Workspace, **data: Any) -> str:
    claim, _ = home.create("A tree", {"created": time.time(), **data})
    return leave_to_worker(home, claim.root, starting({}), claim).id


async def work(url: str, most: float) -> None:
    """A worker, which prints what it measured once nothing has ended for `most` seconds."""
    home = workspace(url)
    worker = Worker(home, lambda _: ends.append(time.time()), lambda root, error: print(root, error, file=sys.stderr))
    working = asyncio.create_task(worker.run())
    await asyncio.sleep(0.3)
    print("ready", flush=True)
    cpu, quiet = time.process_time(), time.monotonic()
    while time.monotonic() - quiet < most:
        before = len(ends)
        await asyncio.sleep(0.1)
        if len(ends) != before or not ends:
            quiet = time.monotonic()
        if not ends:
            cpu = time.process_time()
    cpu = time.process_time() - cpu
    worker.leave()
    await working
    print(json.dumps({"firsts": firsts, "ends": ends, "cpu": cpu, "memory": _memory()}))


def _memory() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 1e6


def started(url: str, count: int = 2, most: float = 5) -> list[subprocess.Popen[str]]:
    command = [sys.executable, __file__, "--work", url, "--most", str(most)]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(count)]
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.readline()
    return workers


def told(workers: list[subprocess.Popen[str]]) -> dict[str, Any]:
    parts = [json.loads(worker.communicate(timeout=600)[0].splitlines()[-1]) for worker in workers]
    merged = {key: sorted(one for part in parts for one in part[key]) for key in ("firsts", "ends")}
    return {**merged, "cpu": sum(part["cpu"] for part in parts), "memory": max(part["memory"] for part in parts)}


def throughput(server: Postgres, trees: int) -> None:
    url = server.url("throughput")
    home = workspace(url)
    began = time.monotonic()
    for _ in range(trees):
        queue(home)
    print(f"created and queued: {trees / (time.monotonic() - began):.0f} trees a second")
    found = told(started(url))
    ends = found["ends"]
    assert len(ends) == trees, len(ends)
    print(f"throughput: {(trees - 1) / (ends[-1] - ends[0]):.0f} trees a second", end=", ")
    print(f"{found['cpu'] / trees * 1000:.1f} ms of worker CPU a tree")


def latency(server: Postgres, trees: int = 60) -> None:
    url = server.url("latency")
    workers = started(url, most=3)
    home = workspace(url)
    for _ in range(trees):
        queue(home)
        time.sleep(0.05)
    found = told(workers)
    firsts = [one * 1000 for one in found["firsts"]]
    assert len(firsts) == trees, len(firsts)
    print(f"created → first call sent: p50 {median(firsts):.0f} ms, p95 {quantiles(firsts, n=20)[-1]:.0f} ms")


def waiting(server: Postgres, trees: int) -> None:
    url = server.url("waiting")
    home = workspace(url)
    first = queue(home, waits="person"), queue(home, waits="timer")
    told(started(url, 1))
    _multiply(server, first, trees // 2)
    before = time.monotonic()
    listed = [
        *home.records(
            (root for root, _ in zip(home.store.newest_first().ids, range(50), strict=False)), unreadable=print
        )
    ]
    print(f"{trees} waiting trees: the newest {len(listed)} listed in {(time.monotonic() - before) * 1000:.0f} ms")
    workers = started(url, 1)
    took = []
    for root in home.store.roots()[5:65]:
        began = time.monotonic()
        if home.task(root).data.get("waits") != "person":
            continue
        home.store.post(root, {"kind": "answer", "task": root, "value": 1})
        while home.task(root).state != "done":
            if time.monotonic() - began > 10:
                raise AssertionError(f"{root} is {home.task(root).state} 10 s after its answer")
            time.sleep(0.001)
        took.append((time.monotonic() - began) * 1000)
        time.sleep(0.05)
    found = told(workers)
    print(f"answer → done: p50 {median(took):.0f} ms; memory of the worker {found['memory']:.0f} MB")
    throughput_beside = told_beside(server, url, home)
    print(f"throughput beside them: {throughput_beside:.0f} trees a second")


def told_beside(server: Postgres, url: str, home: Workspace, trees: int = 300) -> float:
    for _ in range(trees):
        queue(home)
    ends = told(started(url))["ends"]
    return (trees - 1) / (ends[-1] - ends[0])


def _multiply(server: Postgres, roots: tuple[str, str], times: int) -> None:
    """Copy two trees, with their messages, many times."""
    with psycopg.connect(server.url().partition("?")[0]) as database:
        for root in roots:
            _copy(database, root, times)
        database.execute("update aloma.tree t set message = aloma.send(t, due) where message is null and due > now()")
    with psycopg.connect(server.url().partition("?")[0], autocommit=True) as database:
        database.execute("analyze")


def _copy(database: psycopg.Connection[Any], root: str, times: int) -> None:
    (tree,) = database.execute("select id from aloma.tree where root = %s", (root,)).fetchone() or ()
    lines = database.execute("select seq, line from aloma.batch where tree = %s", (tree,)).fetchall()
    record, data = (
        database.execute("select record, data from aloma.published where tree = %s", (tree,)).fetchone() or ()
    )
    first = database.execute("select max(id) from aloma.tree").fetchone()[0] + 1  # type: ignore[index]
    names = [f"{number:x}".zfill(10) + root[-6:] for number in range(times)]
    database.execute("select setval('aloma.tree_id_seq', %s)", (first + times,))
    database.execute(
        "insert into aloma.tree select %s + n, space, '', release, seq, size, null, null, null, tags, changed, "
        "published, due from aloma.tree, generate_series(0, %s - 1) n where id = %s".replace("''", "n::text"),
        (first, times, tree),
    )
    with database.cursor().copy("copy aloma.batch from stdin (format binary)") as copy:
        copy.set_types(["int8", "int4", "bytea"])
        for n, name in enumerate(names):
            for seq, line in lines:
                copy.write_row((first + n, seq, _renamed(line, root, name)))
    with database.cursor().copy("copy aloma.published from stdin (format binary)") as copy:
        copy.set_types(["int8", "bytea", "bytea"])
        for n, name in enumerate(names):
            copy.write_row((first + n, record.replace(root.encode(), name.encode()), data))
    database.execute(
        "update aloma.tree set root = x.name from unnest(%s::text[]) with ordinality x (name, n) where id = %s + n - 1",
        (names, first),
    )


def _renamed(line: bytes, root: str, name: str) -> bytes:
    body = line[: -len(b',"sum":"00000000"}\n')].replace(root.encode(), name.encode())
    return body + b',"sum":"%08x"}\n' % crc32(body)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--trees", type=int, default=600)
    parser.add_argument("--waiting", type=int, default=40_000)
    parser.add_argument("--only", choices=("throughput", "latency", "waiting"))
    parser.add_argument("--due", action="store_true", help="a due column in place of pgmq")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--most", type=float, default=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        asyncio.run(work(options.work, options.most))
        return
    server = installed()
    try:
        server.start()
        workspace(server.url()).store.roots()
        if options.due:
            with psycopg.connect(server.url().partition("?")[0], autocommit=True) as database:
                database.execute((HERE / "several_due.sql").read_bytes())
        if options.only in (None, "throughput"):
            throughput(server, options.trees)
        if options.only in (None, "latency"):
            latency(server)
        if options.only in (None, "waiting"):
            waiting(server, options.waiting)
        server.stop("immediate")
    finally:
        shutil.rmtree(server.folder, ignore_errors=True)


if __name__ == "__main__":
    main()
