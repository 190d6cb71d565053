"""A small workflow with everything in it that a kill could break: `write_order` puts it into a folder.

Subtasks, a retry, connector calls (each leaves its idempotency key in `calls`), a conflict, a question that is
answered in time by its default, a parking, a request of another process.
"""

from __future__ import annotations

from pathlib import Path

NEW = ("task", "new", "An order", "-d", '{"order": "a cup"}', "--json", "--quiet")
RESUME = ("task", "resume", "@last", "--json", "--quiet")

_FILES = {
    "connectors/shop.py": """
import os

from aloma_cli import RetryableError


async def buy(item, idempotency_key):
    note(idempotency_key)
    return f"bought {item}"


async def make(half, attempt, idempotency_key):
    note(idempotency_key)
    if half == 2 and attempt == 1:
        raise RetryableError("the machine is cold")
    return f"made {half}"


def note(key):
    calls = os.open("calls", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(calls, f"{key}\\n".encode())
    os.close(calls)
""",
    "steps/start.py": """
condition = {"order": str, "plan": None}


async def content(data, task, connectors, log):
    log("it begins")
    data["plan"] = await connectors.shop.buy(item=data["order"])
    for half in (1, 2):
        task.subtask(f"half {half}", {"half": half}, into=f"halves.{half}")
    task.ask("Is it right?", into="answer", default="yes", timeout=0.005)
""",
    "steps/make.py": """
from aloma_cli import Retry

condition = {"half": int, "made": None}
retry = Retry(2, wait=0.005)


async def content(data, connectors, step):
    data["made"] = await connectors.shop.make(half=data["half"], attempt=step.attempt)
""",
    # Both add to one field while the other does: one of them is void, and done again from the record.
    "steps/left.py": """
import asyncio

condition = {"plan": str, "left": None}


async def content(data, connectors):
    data["left"] = await connectors.shop.buy(item="left")
    await asyncio.sleep(0.005)
    data["sum"] = data.get("sum", 0) + 1
""",
    "steps/right.py": """
import asyncio

condition = {"plan": str, "right": None}


async def content(data, connectors):
    data["right"] = await connectors.shop.buy(item="right")
    await asyncio.sleep(0.015)
    data["sum"] = data.get("sum", 0) + 10
""",
    "steps/ask_for_a_note.py": """
from pathlib import Path

from aloma_cli.store.files.disk import FileStore

condition = {"plan": str, "note": None}


async def content(task):
    FileStore(Path(".aloma")).post(task.id, {"kind": "set", "task": task.id, "set": [[["note"], "n"]], "unset": []})
""",
    "steps/park.py": """
condition = {"answer": str, "parked": None}


async def content(data, task):
    data["parked"] = True
    task.park(0.005)
""",
    "steps/end.py": """
condition = {"parked": True, "note": "n", "sum": 11, "$children": {"start": {"running": 0}}}


async def content(task):
    task.complete("sent")
""",
}


def write_order(root: Path) -> Path:
    """The workspace, in `root`."""
    for name, text in _FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root
