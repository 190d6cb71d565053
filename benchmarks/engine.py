"""What the engine itself costs: run `python benchmarks/engine.py`.

Each figure is the median of several runs; no step does anything, so nothing but the engine is measured.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from aloma_cli import events as ev
from aloma_cli.clock import SystemClock, to_iso
from aloma_cli.connectors.base import Connectors
from aloma_cli.engine.local import LocalRunner
from aloma_cli.engine.loop import LoopRecorder, drive
from aloma_cli.engine.offer import Toolbox
from aloma_cli.engine.plan import Plan
from aloma_cli.engine.run import Run
from aloma_cli.step import Step
from aloma_cli.store import FileStore, MemoryStore, Store

RUNS = 7
CHAIN = 200
CHILDREN = 1000
NOBODY = Toolbox(Connectors({}), None, lambda name: name)


# -- what is run -------------------------------------------------------------------------------------------------------


async def run(steps: list[Step], data: dict[str, Any], store: Store) -> ev.TaskCreated:
    """Run one task to its end."""
    clock = SystemClock()
    created = ev.TaskCreated(at=to_iso(clock.now()), task="1", name="benchmark", data=data)
    claim = store.create("1", [created])
    run = Run(claim, Plan(steps), clock=clock, emit=lambda _: None)
    runner = LocalRunner(NOBODY, LoopRecorder(run), clock)
    await drive(run, runner)
    await runner.close()
    claim.close()
    assert run.tree.root.state == "done"
    return created


def chain(length: int) -> list[Step]:
    """Steps that each make the next one's condition true."""

    def link(number: int) -> Step:
        async def content(data: dict[str, Any]) -> None:
            data[f"f{number + 1}"] = True

        return Step(f"link {number}", {f"f{number}": True}, content)

    return [link(number) for number in range(length)]


def fan(children: int) -> list[Step]:
    """One step that makes so many subtasks, one that each of them fires, and a join."""

    async def out(task: Any) -> None:
        for number in range(children):
            task.subtask(f"child {number}", {"n": number}, into=f"results.{number}")

    async def work(data: dict[str, Any]) -> None:
        data["square"] = data["n"] ** 2

    async def join(data: dict[str, Any]) -> None:
        data["joined"] = True

    return [
        Step("out", {"root": True}, out),
        Step("work", {"n": int}, work),
        Step("join", {"root": True, "$children": {"out": {"running": 0}}}, join),
    ]


def document(kilobytes: int) -> dict[str, Any]:
    """A document like those of research tasks: a few levels, texts of a few hundred characters."""
    item = {"title": "t" * 60, "text": "x" * 700, "scores": [1, 2.5, 3], "meta": {"source": "web", "seen": True}}
    size = len(json.dumps(item))
    return {"results": {f"r{n}": json.loads(json.dumps(item)) for n in range(kilobytes * 1000 // size)}}


# -- how it is measured ------------------------------------------------------------------------------------------------


def median(make: Callable[[Path], Coroutine[Any, Any, object]]) -> float:
    """Seconds for one run, the first of them not counted."""
    times = []
    for _ in range(RUNS + 1):
        with tempfile.TemporaryDirectory() as folder:
            work = make(Path(folder))
            started = time.perf_counter()
            asyncio.run(work)
            times.append(time.perf_counter() - started)
    return statistics.median(times[1:])


def seconds(steps: list[Step], data: dict[str, Any], store: Callable[[Path], Store]) -> float:
    """Seconds for one task."""
    return median(lambda folder: run(steps, data, store(folder)))


def firing(store: Callable[[Path], Store], data: dict[str, Any]) -> float:
    """Microseconds for one firing of a chain, over `data`."""
    return seconds(chain(CHAIN), {"f0": True, **data}, store) / CHAIN * 1e6


def in_memory(_: Path) -> Store:
    return MemoryStore()


def on_disk(folder: Path) -> Store:
    return FileStore(folder)


def unsynced(folder: Path) -> Store:
    return FileStore(folder, fsync=False)


def main() -> None:
    print(f"a firing in memory            {firing(in_memory, {}):8.0f} µs   (chain of {CHAIN})")
    print(f"a firing on disk, no fsync    {firing(unsynced, {}):8.0f} µs")
    print(f"a firing on disk, durable     {firing(on_disk, {}):8.0f} µs")
    print(f"a firing over 80 KB           {firing(in_memory, document(80)):8.0f} µs   (in memory)")
    for length in (50, 400):
        took = seconds(chain(length), {"f0": True}, in_memory)
        print(f"a chain of {length:<5}              {took * 1e3:8.1f} ms   ({took / length * 1e6:.0f} µs a step)")
    for name, store in (("in memory", in_memory), ("durable", on_disk)):
        took = seconds(fan(CHILDREN), {"root": True}, store)
        print(f"{CHILDREN} subtasks, {name:<12}     {took * 1e3:8.0f} ms   ({took / CHILDREN * 1e6:.0f} µs each)")


if __name__ == "__main__":
    main()
