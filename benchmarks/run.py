"""Measure everything and print one table: `python benchmarks/run.py [NAME …] [--rounds N] [--seconds S] [--no-peers]
[--write]`.

A row is one kind of work: ours, the floor (the least that Python can do it in, without any engine) and peers, each a
script of its own. All scripts of a row run in turn, round after round, so that a machine that grows slower slows all
of them; figures are the least of the rounds and ratios are ratios of those. Peers run in `benchmarks/.peers`, an
environment made at the first run. `--write` puts the table into `benchmarks/results.md` and keeps the remarks below it.
It renews what the README quotes of it.
"""

from __future__ import annotations

import argparse
import compileall
import datetime as dt
import json
import os
import platform
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from quote import quote

HERE = Path(__file__).parent
PEERS = HERE / ".peers"
PACKAGES = ("apache-burr", "clipspy", "dbos", "langgraph", "pydantic-graph")
LANGGRAPH, PYDANTIC, CLIPS, DBOS, BURR = "LangGraph", "pydantic-graph", "CLIPS", "DBOS", "Burr"


@dataclass(frozen=True)
class Row:
    """One kind of work. Scripts are given as paths and arguments; `goal` is what the ratio to the floor, or the figure
    itself where there is no floor, should not exceed."""

    name: str
    unit: str
    ours: str
    floor: str | None = None
    peers: dict[str, str] = field(default_factory=dict)
    goal: float | None = None


def waiting_peers(what: str) -> dict[str, str]:
    return {BURR: f"peers/burr_waiting.py {what}", LANGGRAPH: f"peers/langgraph_waiting.py {what}"}


ROWS = [
    Row("chain of 100", "µs a firing", "works/chain.py 100", "floors/chain.py 100", goal=4),
    Row(
        "chain of 1,000",
        "µs a firing",
        "works/chain.py 1000",
        "floors/chain.py 1000",
        {
            CLIPS: "peers/clips_chain.py 1000",
            PYDANTIC: "peers/pydantic_graph_chain.py 1000",
            LANGGRAPH: "peers/langgraph_chain.py 300",
        },
        goal=4,
    ),
    Row("chain of 10,000", "µs a firing", "works/chain.py 10000", "floors/chain.py 10000", goal=4),
    Row("chain of 1,000, on disk without fsync", "µs a firing", "works/chain.py 1000 unsynced", goal=30),
    Row(
        "chain of 300, on disk with fsync",
        "µs a firing",
        "works/chain.py 300 durable",
        "floors/chain.py 300 durable",
        {LANGGRAPH: "peers/langgraph_chain.py 100 durable", DBOS: "peers/dbos_chain.py 100"},
        goal=1.3,
    ),
    Row(
        "fan-out of 1,000, on disk",
        "s",
        "works/fan_out.py 1000",
        "floors/fan_out.py 1000",
        {PYDANTIC: "peers/pydantic_graph_fan_out.py 1000", LANGGRAPH: "peers/langgraph_fan_out.py 1000"},
        goal=4,
    ),
    Row("fan-out of 10,000, on disk", "s", "works/fan_out.py 10000", "floors/fan_out.py 10000"),
    Row("memory of a subtask", "KB", "works/fan_out.py 5000 kilobytes", goal=8),
    Row(
        "diamond",
        "s",
        "works/diamond.py",
        "floors/diamond.py",
        {LANGGRAPH: "peers/langgraph_diamond.py"},
        goal=1.01,
    ),
    *(
        Row(
            f"matching, {rules:,} conditions",
            "µs a change",
            f"works/matching.py {rules}",
            f"floors/matching.py {rules}",
            {CLIPS: f"peers/clips_matching.py {rules}"},
        )
        for rules in (100, 1000, 10_000)
    ),
    Row("matching, 10,000 values of one field", "µs a change", "works/matching.py 10000 states", goal=25),
    *(
        Row(f"one field of {size}, {where}", "µs a firing", f"works/document.py {kilobytes} {where}")
        for where in ("memory", "unsynced", "memory deep")
        for size, kilobytes in (("10 KB", 10), ("1 MB", 1000), ("20 MB", 20_000))
    ),
    *(
        Row(
            f"a waiting task: {name}",
            "ms",
            f"works/waiting.py {what}",
            f"floors/waiting.py {what}",
            waiting_peers(what),
            goal=2,
        )
        for name, what in (("create it", "park"), ("answer it", "resume"))
    ),
    Row("a waiting task: blocks on disk", "KB", "works/waiting.py blocks", goal=12),
    Row("a waiting task: bytes beyond its data", "B", "works/waiting.py bytes", peers=waiting_peers("bytes")),
    *(
        Row(f"first page of 100,000 tasks: {what or 'all'}", "ms of CPU", f"works/listing.py 100000 {what}", goal=100)
        for what in ("", "--state error", "--state done")
    ),
    *(
        Row(f"command: {what}", "ms of CPU", f"works/command.py {what}", "works/command.py nothing", goal=goal)
        for what, goal in (("show", 5), ("list", 5), ("completion", 5), ("help", 8))
    ),
    Row("command: new", "ms of CPU", "works/command.py new", goal=200),
    Row("100,000 commits: the end over the beginning", "×", "works/history.py 100000 flat", goal=1.1),
    *(
        Row(f"100,000 commits: {name}", unit, f"works/history.py 100000 {what}", goal=goal)
        for name, unit, what, goal in (
            ("resume", "s of CPU", "resume", 1),
            ("show", "s of CPU", "show", 0.15),
            ("last 50 entries", "s of CPU", "last", 0.3),
            ("the whole log", "s of CPU", "log", None),
            ("memory of the whole log", "MB", "memory", None),
        )
    ),
    Row("the live view of 50 agents", "% of a core", "works/live.py", goal=3),
    Row("a worker with 1,000 queued tasks", "ms a task", "works/worker.py time", goal=10),
    Row("a worker with 1,000 queued tasks: processor", "ms a task", "works/worker.py processor", goal=6),
    Row("a worker with 1,000 queued tasks: memory", "MB", "works/worker.py memory", goal=120),
    Row("one task from Python", "ms of CPU", "works/library.py", goal=1),
    Row("100 agents at a small model server: time", "× the shortest possible", "works/busy.py time", goal=1.2),
    Row("100 agents at a small model server: calls", "an answer", "works/busy.py calls"),
]


def peers_python() -> Path:
    """The interpreter of the peers' environment, which is made where it is missing or lacks a peer."""
    python, wanted, installed = (
        PEERS / "bin" / "python",
        HERE / "peers" / "requirements.txt",
        PEERS / "requirements.txt",
    )
    if not installed.exists() or installed.read_bytes() != wanted.read_bytes():
        print("installing the peers …", file=sys.stderr)
        venv.create(PEERS, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "-r", wanted], check=True)
        installed.write_bytes(wanted.read_bytes())
    return python


def measured(script: str, python: str | Path) -> float | None:
    """The figure a script prints; None where it fails, which is told."""
    command = [str(python), *script.split()]
    # As a person has it who installed the package: with the compiled files.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONHASHSEED"] = "0"
    done = subprocess.run(command, cwd=HERE, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{script} failed: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    return float(done.stdout.split()[-1])


def least(row: Row, rounds: int, seconds: float, *, peers: bool) -> dict[str, float]:
    """The least figure of each script of a row, by who it is. No round begins after so many seconds."""
    until = time.monotonic() + seconds
    scripts = {"ours": row.ours} | ({"floor": row.floor} if row.floor else {}) | (row.peers if peers else {})
    found: dict[str, float] = {}
    for number in range(rounds):
        if number and time.monotonic() > until:
            break
        for who, script in scripts.items():
            python = peers_python() if who in row.peers else sys.executable
            figure = measured(script, python)
            if figure is not None:
                found[who] = min(figure, found.get(who, figure))
    return found


def cells(row: Row, found: dict[str, float]) -> Iterator[str]:
    ours, floor = found.get("ours"), found.get("floor")
    yield row.name
    yield row.unit
    yield shown(ours)
    yield shown(floor)
    yield shown(ours / floor if ours and floor else None)
    yield f"≤ {row.goal:g}{' ×' if row.floor else ''}" if row.goal else ""
    others = [
        f"{who} {shown(figure)} ({shown(ours / figure)} ×)"
        for who, figure in found.items()
        if who in row.peers and ours
    ]
    yield ", ".join(others)


def shown(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}" if value < 999.5 else f"{value:,.0f}"


def versions(*, peers: bool) -> str:
    told = [f"Python {platform.python_version()}", f"{os.cpu_count()} × {platform.machine()}", platform.system()]
    if peers:
        command = [peers_python(), "-m", "pip", "list", "--format", "json"]
        known = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        told += [f"{package['name']} {package['version']}" for package in known if package["name"] in PACKAGES]
    return ", ".join(told)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="rows whose name contains this; default: all")
    parser.add_argument("--rounds", type=int, default=7, help="at most; default: 7")
    parser.add_argument("--seconds", type=float, default=20, help="after which a row begins no round; default: 20")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--write", action="store_true", help="write benchmarks/results.md")
    options = parser.parse_args()
    if options.write and options.names:
        parser.error("--write needs all rows")
    head = ["Work", "Unit", "Ours", "Floor", "Ours / floor", "Goal", "Peers (ours / peer)"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    print("\n".join(lines), flush=True)
    compileall.compile_dir(HERE.parent / "aloma_cli", quiet=1)
    for row in ROWS:
        if not options.names or any(name in row.name for name in options.names):
            started = time.monotonic()
            found = least(row, options.rounds, options.seconds, peers=not options.no_peers)
            lines.append("| " + " | ".join(cells(row, found)) + " |")
            print(lines[-1], flush=True)
            print(f"{time.monotonic() - started:.0f} s", file=sys.stderr)
    if options.write:
        write(lines, options.rounds, peers=not options.no_peers)


def write(table: list[str], rounds: int, *, peers: bool) -> None:
    """Put the table into the page, in place of the present one, and keep the remarks below it."""
    page = HERE / "results.md"
    _, _, remarks = page.read_text(encoding="utf-8").partition("\n## ")
    day = dt.datetime.now(tz=dt.UTC).date()
    head = (
        f"# Results\n\nMade by `python benchmarks/run.py --write` on {day}: {versions(peers=peers)}.\n"
        f"Each figure is the least of at most {rounds} rounds; the scripts of a row run in turn.\n"
    )
    text = "\n".join([head, *table, "", f"## {remarks}"])
    page.write_text(text, encoding="utf-8")
    quote(text)


if __name__ == "__main__":
    main()
