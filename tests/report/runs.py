"""Runs to be told about: an order with everything that a report can show, a ring of any length, and hostile texts."""

from __future__ import annotations

import asyncio
from typing import Any

from aloma_cli import Retry, Step, Workspace
from aloma_cli.api.explaining import question
from aloma_cli.explain.why import Inquiry
from tests.support.steps import connector, does, looks, step

HOSTILE = (
    "</script><script>document.title='caught'</script>",
    "<img src=x onerror=\"document.title='caught'\">",
    "]]>--><!--",
    "\u2028 \u2029 \x1b[31mred\x1b[0m \u202egnp.exe\u202c \u2066x\u2069 \ufeff",
    "' \" ` ${1} \\",
)
"""Texts that would do something on a page that took them for its own."""


async def _price(data: Any, log: Any) -> None:
    log("2 items")
    data["total"] = sum(item["price"] for item in data["items"])


async def _stock(data: Any, step: Any) -> None:
    if step.attempt < 3:
        raise OSError("the stock does not answer")
    data["stock"] = {"left": 3, "shelves": ["A 4", "B 1"]}


async def _letter(data: Any, connectors: Any) -> None:
    answer = await connectors.openai.chat(model="gpt-4", messages=f"Write a letter about {data['total']}")
    data["letter"] = answer.data


async def _pack(data: Any, task: Any) -> None:
    data["packed"] = True
    for item in data["items"]:
        task.subtask(f"Pack {item['name']}", {"parcel": item["name"]}, into=f"parcels.{item['name']}")


async def _wrap(data: Any, task: Any) -> None:
    await asyncio.sleep(0.02)
    task.complete({"parcel": data["parcel"].upper()})


async def _ask(data: Any, task: Any) -> None:
    data["asked"] = True
    task.ask("Send it?", into="ok")


async def _edit(data: Any) -> None:
    data["letter"] = data["letter"][:10] + " and more"
    data["note"] = "one\ntwo\nthree"


ORDER = [
    step("price", {"items": list, "total": None}, _price),
    step("stock", {"total": int, "stock": None}, _stock, retry=Retry(times=3, wait=0.05)),
    step("letter", {"total": int, "letter": None}, _letter),
    step("pack", {"stock": {"left": int}, "letter": str, "packed": None}, _pack),
    step("wrap", {"parcel": str}, _wrap),
    step("ask", {"$children": {"pack": {"running": 0}}, "asked": None}, _ask),
    step("edit", {"ok": True, "note": None}, _edit),
    step("look", {"ok": True}, looks),
    step("ship", {"note": str, "address": {"city": str}, "ok": True}, does(lambda data: data.update(shipped=True))),
]


def order() -> Inquiry:
    """An order: a step that fails twice, a model, subtasks, a person, and a step that lacks an address."""
    workspace = Workspace(ORDER)
    data = {"items": [{"name": "lamp", "price": 70}, {"name": "desk", "price": 50}], "$stash": {"card": "4111-1111"}}

    async def act() -> str:
        task = await workspace.run("Order <7>", data)
        answered = await workspace.answer(task.id, True)
        return answered.id

    return question(workspace, asyncio.run(act()))


def ring(firings: int, agents: int = 20) -> Inquiry:
    """A task in which agents take turns."""
    workspace = Workspace([_turn(at, agents, firings) for at in range(agents)])

    async def act() -> str:
        return (await workspace.run("Ring", {"turn": 0, "n": 0, "history": []})).id

    return question(workspace, asyncio.run(act()))


def _turn(at: int, agents: int, most: int) -> Step:
    async def content(data: Any) -> None:
        data["n"] += 1
        data["turn"] = (at + 1) % agents
        data["history"].append({"by": at, "n": data["n"]})

    return step(f"agent {at:02}", {"turn": at, "n": {"$lt": most}}, content)


def hostile() -> Inquiry:
    """A run whose name, keys, values, logs and errors are hostile."""

    async def content(data: Any, log: Any) -> None:
        for number, text in enumerate(HOSTILE):
            data["found"][text] = {"text": text, "number": number}
            log(text)

    async def fails() -> None:
        raise ValueError(HOSTILE[0])

    steps = [
        step("take", {"found": {}}, content),
        step("fail", {"name": str}, fails),
        step("near", {"missing": HOSTILE[1]}, looks),
    ]
    workspace = Workspace(steps)

    async def act() -> str:
        return (await workspace.run(HOSTILE[0], {"found": {}, "name": HOSTILE[3]})).id

    return question(workspace, asyncio.run(act()))


def shelf() -> Inquiry:
    """A task whose lists are appended to, inserted into, sorted and cut, with parts of their items written later."""

    def fill(data: Any) -> None:
        data["shelf"] = [{"name": name, "left": 1} for name in "abc"]

    def insert(data: Any) -> None:
        data["shelf"].insert(1, {"name": "x", "left": 0})
        data["shelf"].append({"name": "y", "left": [1, 2]})

    def edit(data: Any) -> None:
        data["shelf"][2]["left"] = 5
        data["shelf"][4]["left"].insert(0, 0)
        data["odd/~ key.0"] = {"1": True, "__proto__": "x", "": []}

    def cut(data: Any) -> None:
        del data["shelf"][0]
        data["shelf"][0]["note"] = "two\nlines"
        del data["odd/~ key.0"]["1"]

    def again(data: Any) -> None:
        data["shelf"].reverse()
        data["odd/~ key.0"][""].append({"deep": None})
        data["other"] = data["shelf"].pop(0)

    changes = (fill, insert, edit, cut, again)
    return question(*_walked(changes))


def _walked(changes: Any) -> tuple[Workspace, str]:
    def step_of(at: int, change: Any) -> Step:
        async def content(data: Any) -> None:
            change(data)
            data["at"] = at + 1

        return step(f"step {at}", {"at": at}, content)

    workspace = Workspace([step_of(at, change) for at, change in enumerate(changes)])

    async def act() -> str:
        return (await workspace.run("Shelf", {"at": 0})).id

    return workspace, asyncio.run(act())


def gates() -> Inquiry:
    """A task with a call that a person allows, a parked time, a conflict, and a firing that has not ended."""

    async def send(to: str) -> dict[str, str]:
        return {"sent": to}

    async def mail(data: Any, connectors: Any) -> None:
        data["mail"] = await connectors.post.send("ada")

    async def park(data: Any, task: Any) -> None:
        data["parked"] = True
        task.park(0.02)

    async def slow(data: Any) -> None:
        await asyncio.sleep(0.05)
        data["n"] = data.get("n", 0) + 1
        data["slow"] = True

    async def fast(data: Any) -> None:
        await asyncio.sleep(0.02)
        data["n"] = data.get("n", 0) + 10
        data["fast"] = True

    steps = [
        step("slow", {"go": 1, "slow": None}, slow),
        step("fast", {"go": 1, "fast": None}, fast),
        step("park", {"slow": True, "fast": True, "parked": None}, park),
        step("mail", {"parked": True, "mail": None}, mail),
    ]
    workspace = Workspace(steps, connectors={"post": connector("post", send=send)})

    async def act() -> str:
        return (await workspace.run("Gates", {"go": 1})).id

    return question(workspace, asyncio.run(act()))


def fan(width: int) -> Inquiry:
    """A task with many subtasks of one group, and a step that wakes itself three times."""

    async def split(data: Any, task: Any) -> None:
        data["split"] = True
        for item in range(width):
            task.subtask(f"Item {item}", {"item": item}, into=f"results.r{item}", group="item")

    async def work(data: Any) -> None:
        await asyncio.sleep(0.01)
        data["done"] = True

    async def count(data: Any, step: Any) -> None:
        data["n"] += 1
        step.redo()

    steps = [
        step("split", {"split": None, "n": int}, split),
        step("work", {"item": int, "done": None}, work),
        step("count", {"n": {"$lt": 3}}, count),
    ]
    workspace = Workspace(steps)

    async def act() -> str:
        return (await workspace.run("Fan", {"n": 0})).id

    return question(workspace, asyncio.run(act()))
