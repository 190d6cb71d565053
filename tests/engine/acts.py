"""What the state machine draws: conditions, options, what firings do, what people ask for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from aloma_cli.content.handles.step import StepHandle
from aloma_cli.content.handles.task import TaskHandle
from aloma_cli.content.retry import Retry
from aloma_cli.errors import ConnectorError
from tests.support.process import Cue

Object = dict[str, Any]

CONDITIONS: st.SearchStrategy[Object] = st.sampled_from(
    [
        {},
        {"a": int},
        {"a": int},
        {"b": {"$gte": 0}},
        {"l": list},
        {"a": None},
        {"c": None},
        {"c": int},
        {"c": {"$exists": True}, "a": int},
        {"d": {"x": None}},
        {"d": {"x": int}},
        {"out": None, "d": {}},
        {"out": {"status": "done"}},
        {"$or": [{"q": None}, {"a": None}]},
        {"q": int},
        {"$errors": None},
        {"$errors": {"s0": dict}},
        {"$errors": {"s1": None}},
        {"$children": {"s0": {"running": 0}}},
        {"$children": {"kids": {"done": {"$gte": 1}}}},
    ]
)
OPTIONS: st.SearchStrategy[Object] = st.fixed_dictionaries(
    {
        "rearm": st.sampled_from(["edge", "change"]),
        "withdraw": st.sampled_from([False, False, False, True]),
        "priority": st.sampled_from([0, 0, 1]),
        "retry": st.sampled_from([None, Retry(2, wait=0), Retry(3, wait=1), Retry(3, wait=4)]),
    }
)
SPECS = st.lists(st.tuples(CONDITIONS, OPTIONS), min_size=4, max_size=6)
DATA: st.SearchStrategy[Object] = st.sampled_from(
    [{"a": 0, "b": 0, "l": [], "d": {}}, {"a": 0, "b": 0, "l": [1, 2], "d": {"x": 0}}, {"a": 0, "c": 0, "l": []}, {}]
)

WRITES = ["set a", "set a", "set b", "set c", "set d", "set d.x", "drop a", "drop c", "drop d", "drop out"]
WRITES += ["append l", "pop l"]
ASKS = [
    "redo",
    "redo",
    "park",
    "park",
    "expire",
    "ask",
    "ask with default",
    "ask with default",
    "complete",
    "complete plainly",
    "cancel",
    "raise",
    "raise",
]
ASKS += ["spawn", "spawn", "spawn none", "spawn into", "spawn and wait", "spawn for a time", "stop a subtask"]
ASKS += ["forgive", "handle", "rename", "meddle"]
ENDINGS = st.one_of(
    st.lists(st.sampled_from(WRITES + WRITES + ASKS), min_size=2, max_size=4),
    st.lists(st.sampled_from(WRITES + ASKS), min_size=1, max_size=2),
    st.lists(st.sampled_from(ASKS), max_size=1),
    st.tuples(st.sampled_from(WRITES + ASKS), st.just("redo")).map(list),
)
PICK = st.integers(0, 20)
MOVES = st.one_of(
    st.tuples(st.just("end"), PICK, ENDINGS),
    st.tuples(st.just("end"), PICK, ENDINGS),
    st.tuples(st.just("end unseen"), PICK, ENDINGS),
    st.tuples(st.sampled_from(["call", "call", "try", "log"]), PICK, st.sampled_from(["rent", "food"])),
    st.tuples(st.just("pay"), PICK, st.sampled_from(["rent", "food"])),
    st.tuples(st.just("clash"), PICK, st.sampled_from(["set a", "set d", "append l"])),
    st.tuples(st.just("answer"), PICK, st.sampled_from(["ok", "ok", "busy", "closed"])),
)
"""What firings do, one after the other: end (to be taken in at once, or by a later turn), call, log, get an answer.

"pay": a call that is answered. "clash": all that run in one tree write at the same place, several times in a row.
"""

NONSENSE: list[Object] = [
    {},
    {"kind": "unknown"},
    {"kind": "set", "set": [[[], 1]]},
    {"kind": "set", "set": [[["$children"], 1]]},
    {"kind": "set", "set": [[["$children", "s0"], 1]]},
    {"kind": "set", "set": 5},
    {"kind": "set", "set": [[["a", "b", "c"]]]},
    {"kind": "set", "set": [[["a", None], 1]]},
    {"kind": "set", "unset": ["nowhere"]},
    {"kind": "set", "unset": ["..", 5]},
    {"kind": "set", "unset": ["$children"]},
    {"kind": "answer"},
    {"kind": "answer", "value": 1, "into": ["a"]},
    {"kind": "redo", "step": "nobody"},
    {"kind": "redo", "step": 5},
    {"kind": "stop"},
    {"kind": "stop", "reason": "there is no such task", "task": "1.99.1"},
    {"kind": "stop", "reason": "that names no task", "task": [1]},
    {"kind": "stop", "reason": {"no": "text"}},
]
ASKED = ["set", "set", "set", "unset", "answer", "answer", "redo", "stop", "forgive", *NONSENSE]


def request(what: str | Object, task: str, number: int) -> Object:
    """What a person asks of a task; nonsense is given as it is."""
    if not isinstance(what, str):
        return {"task": task, **what}
    bodies: dict[str, Object] = {
        "set": {"kind": "set", "set": [[["c" if number % 2 else "a"], number]]},
        "unset": {"kind": "set", "unset": ["c"], "set": [[["b"], number]]},
        "forgive": {"kind": "set", "unset": ["$errors"]},
        "answer": {"kind": "answer", "value": number},
        "redo": {"kind": "redo", "step": f"s{number % 4}"},
        "stop": {"kind": "stop", "reason": "a person stopped it"},
    }
    return {"task": task, **bodies[what]}


async def obey(data: Object, task: TaskHandle, step: StepHandle, connectors: Any, log: Any, act: Act) -> None:
    """The content of every step: it does what it is told, one thing after the other, until it is told to end."""
    while True:
        what, how = await Cue("act")
        if what == "end":
            for one in how:
                act(one, data, task, step)
            return
        if what == "log":
            log(how)
        elif what == "call":
            await connectors.bank.pay(how)
        else:
            with contextlib.suppress(ConnectorError):
                await connectors.bank.pay(how)


Act = Callable[[str, Object, TaskHandle, StepHandle], None]


def write(how: str, what: str, data: Object, number: int) -> None:
    """One change of the document; `number` is a value that nobody has written before."""
    key, _, below = what.partition(".")
    match how:
        case "set" if below:
            data[key] = {**(data[key] if isinstance(data.get(key), dict) else {}), below: number}
        case "set":
            data[key] = number
        case "drop":
            data.pop(key, None)
        case "append":
            data[key] = [*data.get(key, []), number] if isinstance(data.get(key, []), list) else [number]
        case "pop" if data.get(key) and isinstance(data[key], list):
            data[key].pop(0)


def ask(what: str, data: Object, task: TaskHandle, step: StepHandle, number: int) -> None:
    """One thing a firing can ask for."""
    match what:
        case "redo":
            step.redo()
        case "raise":
            raise ValueError("as told")
        case "park":
            task.park(2)
        case "expire":
            task.timeout(4)
        case "ask":
            task.ask("How many?", "q", schema=int)
        case "ask with default":
            task.ask("How many more?", "d.q", default=number, timeout=2)
        case "complete plainly":
            task.complete()
        case "complete" | "cancel":
            task.complete(number, cancel=what == "cancel")
        case "rename":
            task.name, task.tags = f"task {number}", (f"tag {number}",)
        case _:
            mend(what, data)


def mend(what: str, data: Object) -> None:
    """What a firing may do to the fields that the engine keeps."""
    match what:
        case "forgive":
            data.pop("$errors", None)
        case "handle":
            for entry in data.get("$errors", {}).values():
                entry["handled"] = True
        case "meddle":
            data["$children"] = {}


def spawn(how: str, task: TaskHandle, number: int) -> None:
    """Make a subtask."""
    data: Object = {"a": number, "l": [], "d": {}} if number % 3 else {"c": number}
    match how:
        case "spawn none":
            task.group("kids")
        case "spawn":
            task.subtask("a", data)
        case "spawn into":
            task.subtask("b", data, into="out", group="kids")
        case "spawn and wait":
            task.subtask("c", data, into="d.child", wait_for=True, group="kids")
        case "spawn for a time":
            task.subtask("for a time", data, group="kids", timeout=3)
