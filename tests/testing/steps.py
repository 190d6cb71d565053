"""The steps that the tests of this folder play."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

from aloma_cli import ConnectorError, Retry, Step


async def read(data: dict[str, Any], connectors: Any) -> None:
    answer = await connectors.openai.chat(messages=f"Read {data['text']}", shape={"vendor": str, "euros": float})
    data["invoice"] = answer.data


async def careless(data: dict[str, Any], connectors: Any) -> None:
    try:
        await connectors.openai.chat(messages="Hello")
    except ConnectorError as error:
        data["error"] = str(error)


async def fetch(data: dict[str, Any], connectors: Any) -> None:
    answer = await connectors.http.get(data["url"])
    data["rate"] = answer["json"]["rate"]


def book(data: dict[str, Any], connectors: Any, config: Any) -> None:
    data["entry"] = connectors.ledger.book(data["book"], shop=config("SHOP", "none"))


def ask(data: dict[str, Any], task: Any) -> None:
    task.ask(f"Pay {data['pay']}?", into="paid", schema=bool, default=False, timeout=86_400)


def paid(data: dict[str, Any], log: Any, now: Any) -> None:
    log("paid at", now.isoformat())
    data["done"] = data["paid"]


def poll(data: dict[str, Any], task: Any, step: Any) -> None:
    data["polls"] += 1
    if data["polls"] < 3:
        task.park(86_400)
        step.redo()


async def both(data: dict[str, Any], task: Any) -> None:
    await asyncio.sleep(3600)
    for name in data["children"]:
        task.subtask(name, {"child": name}, into=f"results.{name}")


def child(data: dict[str, Any], task: Any) -> None:
    task.complete(data["child"].upper())


def blocking(data: dict[str, Any]) -> None:
    time.sleep(0.1)
    data["blocked"] = True


async def forever() -> None:
    await asyncio.Event().wait()


STEPS = [
    Step("read", {"text": str, "invoice": None}, read, retry=Retry(times=3, wait=30)),
    Step("careless", {"careless": True, "error": None}, careless),
    Step("fetch", {"url": str, "rate": None}, fetch),
    Step("book", {"book": str, "entry": None}, book),
    Step("ask", {"pay": int, "paid": None}, ask),
    Step("paid", {"paid": bool, "done": None}, paid),
    Step("poll", {"polls": int}, poll),
    Step("both", {"children": list, "results": None}, both),
    Step("child", {"child": str}, child),
    Step("blocking", {"block": True, "blocked": None}, blocking, timeout=60),
    Step("forever", {"forever": True}, forever),
]

ledger = SimpleNamespace(book=lambda title, shop: 1 / 0)
"""A connector that must not be reached."""
