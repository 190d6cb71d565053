"""Measure workers that share the trees of one PostgreSQL, and a worker with files: `python benchmarks/several.py`.

It starts a database of its own (fsync on) and two workers, 20 trees each. A tree has three firings and two calls.
`--write` also compares three queues in turn, and puts all figures into docs/scale.md. It takes about 6 minutes. The
queues are pgmq, a column of the tree's row (`several_due.sql`) and Procrastinate (`several_jobs.py`; it is left out
unless `pip install procrastinate` was run). The rest of the store is the same.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
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
from aloma_cli.record.events import Committed
from tests.servers.postgres import Postgres, installed

firsts: list[float] = []
ends: list[float] = []


class Api:
    """A system that answers at once."""

    async def first(self, created: float) -> int:
        if created:
            firsts.append(time.time() - created)
        return 1

    async def slow(self, seconds: float, idempotency_key: str) -> int:  # noqa: ARG002  (so it may be called again)
        await asyncio.sleep(seconds)
        return 1

    async def second(self, value: int) -> int:
        return value + 1


async def begin(data: Any, connectors: Any) -> None:
    if "seconds" in data:
        data["a"] = await connectors.api.slow(data["seconds"])
    else:
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


class Queue:
    """How trees get to the workers: `pgmq`, `due` or `procrastinate`."""

    def __init__(self, kind: str, server: Postgres) -> None:
        self.kind = kind
        plain = server.url().partition("?")[0]
        workspace(server.url()).store.roots()
        if kind != "pgmq":
            with psycopg.connect(plain, autocommit=True) as database:
                database.execute((HERE / "several_due.sql").read_bytes())
        if kind == "procrastinate":
            import several_jobs

            several_jobs.install(plain)
            self._send: Callable[[str], object] = several_jobs.sender(plain)
        else:
            self._send = lambda _root: None

    def put(self, home: Workspace, **data: Any) -> str:
        claim = home.create("A tree", {"created": time.time(), **data}).claim
        root = leave_to_worker(home, claim.root, starting(home.setup, {}), claim).id
        self._send(root)
        return root


def worker_of(kind: str, home: Workspace, url: str) -> Any:
    def tell(_task: Any) -> None:
        ends.append(time.time())

    if kind == "procrastinate":
        import several_jobs

        return several_jobs.Jobs(home, url.partition("?")[0], tell)
    return Worker(home, tell, lambda root, error: print(root, error, file=sys.stderr))


async def work(kind: str, url: str, most: float) -> None:
    """A worker, which prints what it measured once nothing has ended for `most` seconds."""
    home = workspace(url)
    working = asyncio.create_task(worker_of(kind, home, url).run())
    await asyncio.sleep(1)  # it connects
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
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    print(json.dumps({"firsts": firsts, "ends": ends, "cpu": cpu, "memory": _memory()}))


def _memory() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 1e6


def started(kind: str, url: str, count: int = 2, most: float = 5) -> list[subprocess.Popen[str]]:
    command = [sys.executable, __file__, "--queue", kind, "--work", url, "--most", str(most)]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(count)]
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.readline()
    return workers


def told(workers: list[subprocess.Popen[str]]) -> dict[str, Any]:
    parts = [json.loads(worker.communicate(timeout=600)[0].splitlines()[-1]) for worker in workers]
    merged = {key: sorted(one for part in parts for one in part[key]) for key in ("firsts", "ends")}
    return {**merged, "cpu": sum(part["cpu"] for part in parts), "memory": max(part["memory"] for part in parts)}


Figures = dict[str, str]
"""What was measured, by the first cell of its row in docs/scale.md."""

RATE, CPU = "trees of 3 firings and 2 calls", "CPU of the workers, a tree"
FIRST = "created → first call sent, median and 95th percentile"


def throughput(server: Postgres, queue: Queue, trees: int) -> Figures:
    url = server.url()
    home = workspace(url)
    began = time.monotonic()
    for _ in range(trees):
        queue.put(home)
    created = trees / (time.monotonic() - began)
    found = told(started(queue.kind, url))
    ends = found["ends"]
    assert len(ends) == trees, len(ends)
    rate, cpu = (trees - 1) / (ends[-1] - ends[0]), found["cpu"] / trees * 1000
    return {
        "created and queued, by one process": f"{created:.0f} a second",
        RATE: f"{rate:.0f} a second",
        CPU: f"{cpu:.1f} ms",
    }


def latency(server: Postgres, queue: Queue, trees: int = 100) -> Figures:
    url = server.url()
    workers = started(queue.kind, url, most=3)
    home = workspace(url)
    for number in range(trees + 8):
        queue.put(home, **({"created": 0.0} if number < 8 else {}))  # the first ones find no connections yet
        time.sleep(0.05)
    firsts = [one * 1000 for one in told(workers)["firsts"]]
    assert len(firsts) == trees, len(firsts)
    return {FIRST: f"{median(firsts):.0f} and {quantiles(firsts, n=20)[-1]:.0f} ms"}


def waiting(server: Postgres, queue: Queue, trees: int) -> Figures:
    url = server.url()
    home = workspace(url)
    first = queue.put(home, waits="person"), queue.put(home, waits="timer")
    told(started(queue.kind, url, 1))
    _multiply(server, first, trees // 2)
    before = time.monotonic()
    newest = (root for root, _ in zip(home.store.newest_first().ids, range(50), strict=False))
    assert len([*home.records(newest, unreadable=print)]) == 50
    listed = time.monotonic() - before
    workers = started(queue.kind, url, 1)
    took = [*_answered(home, 40)]
    found = told(workers)
    for _ in range(300):
        queue.put(home)
    ends = told(started(queue.kind, url))["ends"]
    beside = f"beside {trees:,} waiting trees"
    return {
        f"{beside}: the newest 50 listed": f"{listed * 1000:.0f} ms",
        f"{beside}: answer → done, median": f"{median(took):.0f} ms",
        f"{beside}: memory of a worker": f"{found['memory']:.0f} MB",
        f"{beside}: trees": f"{299 / (ends[-1] - ends[0]):.0f} a second",
    }


def _answered(home: Workspace, most: int) -> Iterator[float]:
    """Answer so many questions; how long each took until its tree was done (ms)."""
    asking = (root for root in home.store.roots()[5:] if home.task(root).data.get("waits") == "person")
    for root, _ in zip(asking, range(most), strict=False):
        began = time.monotonic()
        home.store.post(root, {"kind": "answer", "task": root, "value": 1})
        while home.task(root).state != "done":
            if time.monotonic() - began > 10:
                raise AssertionError(f"{root} is {home.task(root).state} 10 s after its answer")
            time.sleep(0.001)
        yield (time.monotonic() - began) * 1000
        time.sleep(0.05)


def killed(server: Postgres, queue: Queue, lease: int = 6, trees: int = 40) -> Figures:
    """Kill one of two workers that run 20 trees each."""
    url = server.url(lease=lease)
    home = workspace(url)
    roots = [queue.put(home, seconds=3) for _ in range(trees)]
    workers = started(queue.kind, url, most=2 * lease)
    while min(len(home.task(root).tree_journal) for root in roots) < 3:  # all have sent their first call
        time.sleep(0.05)
    workers[0].kill()
    began = time.monotonic()
    while any(home.task(root).state != "done" for root in roots):
        assert time.monotonic() - began < 10 * lease
        time.sleep(0.05)
    took = time.monotonic() - began
    steps = ("begin", "follow", "end")
    commits = [one.step for root in roots for one in home.task(root).tree_journal if isinstance(one, Committed)]
    assert [commits.count(step) for step in steps] == [trees] * 3
    workers[0].communicate()
    workers[1].kill()
    workers[1].communicate()
    return {f"all done after the `kill -9` of one of two workers, lease {lease} s": f"{took:.1f} s"}


def files(trees: int) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--files", folder, "--trees", str(trees)]
        found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    return {
        f"one worker with files, {trees:,} queued trees": f"{found['rate']:.0f} a second",
        "its CPU, a tree": f"{found['cpu']:.1f} ms",
        "its memory": f"{found['memory']:.0f} MB",
    }


def run_files(folder: str, trees: int) -> None:
    home = Workspace(STEPS, folder=folder, connectors={"api": Api()})
    for _ in range(trees):
        claim = home.create("A tree", {"created": time.time()}).claim
        leave_to_worker(home, claim.root, starting(home.setup, {}), claim)
    cpu = time.process_time()
    worker = worker_of("files", home, "")
    asyncio.run(worker.run("idle"))
    assert len(ends) == trees, len(ends)
    cpu = (time.process_time() - cpu) / trees * 1000
    print(json.dumps({"rate": (trees - 1) / (ends[-1] - ends[0]), "cpu": cpu, "memory": _memory()}))


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


def measured(kind: str, *measures: Callable[[Postgres, Queue], Figures]) -> Figures:
    """What these measure, each in a database of its own."""
    figures: Figures = {}
    for measure in measures:
        server = installed()
        try:
            server.start()
            found = measure(server, Queue(kind, server))
            server.stop("immediate")
        finally:
            shutil.rmtree(server.folder, ignore_errors=True)
        for name, value in found.items():
            print(f"{kind}: {name}: {value}", flush=True)
        figures |= found
    return figures


def compared(trees: int) -> dict[str, list[str]]:
    """The three queues, each measured twice in turn: the cells of the rows of the second table."""
    kinds = ["pgmq", "due", "procrastinate"] if find_spec("procrastinate") else ["pgmq", "due"]
    rounds = [{kind: measured(kind, partial(throughput, trees=trees), latency) for kind in kinds} for _ in range(2)]
    table = {}
    for name in (RATE, CPU, FIRST):
        pairs = [[one[kind][name] for one in rounds] for kind in kinds]
        table[f"{name}, by queue"] = ["; ".join(pair) for pair in pairs]
    return table


def write(rows: dict[str, list[str]]) -> None:
    """Put the cells of these rows into docs/scale.md."""
    page = HERE.parent / "docs" / "scale.md"
    text = page.read_text(encoding="utf-8")
    for name, cells in rows.items():
        found = re.search(rf"^\| {re.escape(name)} \|(.*)\|$", text, re.MULTILINE)
        if found is None:
            raise SystemExit(f"docs/scale.md has no row {name!r}")
        old = [cell.strip() for cell in found[1].split("|")]
        text = text.replace(found[0], f"| {' | '.join([name, *cells, *old[len(cells) :]])} |")
    page.write_text(text, encoding="utf-8")
    print(f"written: {page}")


def machine() -> str:
    with tempfile.TemporaryFile(dir=tempfile.gettempdir()) as file:
        began = time.monotonic()
        for _ in range(200):
            file.write(b"x" * 300)
            file.flush()
            os.fsync(file.fileno())
        sync = (time.monotonic() - began) / 200 * 1000
    return f"{os.cpu_count()} cores, {sync:.1f} ms for a sync, load {os.getloadavg()[0]:.1f} before"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--trees", type=int, default=1000)
    parser.add_argument("--waiting", type=int, default=40_000)
    parser.add_argument("--only", choices=("throughput", "latency", "waiting", "killed", "files"))
    parser.add_argument("--queue", choices=("pgmq", "due", "procrastinate"), default="pgmq")
    parser.add_argument("--write", action="store_true", help="measure everything, and write it into docs/scale.md")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--files", help=argparse.SUPPRESS)
    parser.add_argument("--most", type=float, default=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        asyncio.run(work(options.queue, options.work, options.most))
        return
    if options.files:
        run_files(options.files, options.trees)
        return
    rows = {"machine": [machine()]}
    measures: dict[str, Callable[[Postgres, Queue], Figures]] = {
        "throughput": partial(throughput, trees=options.trees),
        "latency": latency,
        "waiting": partial(waiting, trees=options.waiting),
        "killed": killed,
    }
    wanted = [measure for name, measure in measures.items() if options.only in (None, name)]
    rows |= {name: [value] for name, value in measured(options.queue, *wanted).items()}
    if options.only in (None, "files"):
        rows |= {name: [value] for name, value in files(options.trees).items()}
    print(*(f"{name}: {', '.join(cells)}" for name, cells in rows.items()), sep="\n")
    if options.write:
        write(rows | compared(options.trees))


if __name__ == "__main__":
    main()
