"""What a step hands over must be JSON, wherever it does; what is not fails that step alone, by path and kind."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import enum
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aloma_cli.api.task import read_task, read_tree
from aloma_cli.document.diff import same
from aloma_cli.jsontext import LONGEST_INTEGER, MAX_DEPTH
from aloma_cli.store.files.disk import FileStore
from tests.support.play import Played, play
from tests.support.record import ROOT
from tests.support.steps import connector, connectors, does, puts, step


class Colour(enum.Enum):
    RED = True


class Size(enum.IntEnum):
    BIG = 3


class Word(enum.StrEnum):
    YES = "yes"


class Real(float):
    """As numpy's float64 is."""


class Thing:
    pass


def nested(levels: int) -> Any:
    """Lists in lists, so many levels of them."""
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    return value


def cycle() -> Any:
    value: dict[str, Any] = {}
    value["again"] = [value]
    return value


FOREIGN = [
    ({1}, "a set, which is not JSON"),
    (float("nan"), "nan, which JSON does not allow"),
    (Real("-inf"), "-inf, which JSON does not allow"),
    (b"x", "a bytes, which is not JSON"),
    (dt.date(2026, 1, 1), "a date, which is not JSON"),
    (decimal.Decimal("1.5"), "a Decimal, which is not JSON"),
    (Thing(), "a Thing, which is not JSON"),
    (Colour.RED, "a Colour, which is not JSON"),
    (collections.deque([1]), "a deque, which is not JSON"),
    ({1: 2}, "has the key 1; keys must be strings"),
    ({None: 2}, "has the key None; keys must be strings"),
    ({True: 2}, "has the key True; keys must be strings"),
    (10**LONGEST_INTEGER, "an integer of over 4300 digits"),
    (-(10**LONGEST_INTEGER), "an integer of over 4300 digits"),
    (nested(MAX_DEPTH + 1), "is nested deeper than 128 levels"),
    (nested(50_000), "is nested deeper than 128 levels"),
    (cycle(), "is nested deeper than 128 levels (does it contain itself?)"),
]

PLAIN = [
    (collections.OrderedDict(a=1), {"a": 1}),
    (collections.defaultdict(list, a=[1]), {"a": [1]}),
    ((1, (2,)), [1, [2]]),
    (Size.BIG, 3),
    (Word.YES, "yes"),
    ({Word.YES: 1}, {"yes": 1}),
    (Real(1.5), 1.5),
    (10**LONGEST_INTEGER - 1, 10**LONGEST_INTEGER - 1),
    (2**70, 2**70),
    (-0.0, -0.0),
    (1.0, 1.0),
    (5e-324, 5e-324),
    ("\ud800\0\u2028\u202e", "\ud800\0\u2028\u202e"),
]


def content(way: str, value: Any) -> Any:
    """A step's content that hands `value` over in one way."""

    async def draft(data: dict[str, Any]) -> None:
        data["x"] = [value]

    async def item(data: dict[str, Any]) -> None:
        data["list"].append(value)

    async def result(task: Any) -> None:
        task.complete({"x": value})

    async def subtask(task: Any) -> None:
        task.subtask("a subtask", {"x": value})

    async def default(task: Any) -> None:
        task.ask("well?", "answer", default={"x": value}, timeout=5)

    async def argument(data: dict[str, Any], connectors: Any) -> None:
        data["x"] = await connectors.echo.say({"x": value})

    async def returned(data: dict[str, Any], connectors: Any) -> None:
        data["x"] = await connectors.echo.give()

    return locals()[way]


def handed_over(way: str, value: Any) -> Played:
    """What comes of a step that hands `value` over, beside one that does its work."""

    async def say(given: Any) -> Any:
        return given

    async def give() -> Any:
        return {"x": value}

    steps = [step("hands over", {"go": 1}, content(way, value)), step("other", {"go": 1}, puts(other=1))]
    echo = connectors(connector("echo", say=say, give=give))
    return play(steps, {"go": 1, "list": [0]}, connectors=echo)


WAYS = {
    "draft": "x.0",
    "item": "list.1",
    "result": "result.x",
    "subtask": "x",
    "default": "default.x",
    "argument": "given.x",
    "returned": "it.x",
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("value", "problem"), FOREIGN, ids=[problem[:24] for _, problem in FOREIGN])
def test_what_is_not_json_fails_the_step_alone_and_is_named(way: str, value: Any, problem: str) -> None:
    result = handed_over(way, value)
    message = result.data["$errors"]["hands over"]["message"]
    where = WAYS[way] if "nested" not in problem else WAYS[way].split(".")[0]
    assert where in message
    assert problem in message
    assert result.data["other"] == 1


@pytest.mark.parametrize("way", ["draft", "item", "result"])
@pytest.mark.parametrize(("value", "plain"), PLAIN, ids=[type(value).__name__ for value, _ in PLAIN])
def test_what_plainly_is_json_becomes_it(way: str, value: Any, plain: Any) -> None:
    result = handed_over(way, value)
    assert "$errors" not in result.data
    completed = result.root.completed or {"result": {"x": None}}
    found = [*result.data.get("x", ()), *result.data["list"][1:], completed["result"]["x"]]
    assert repr(plain) in map(repr, found)


@pytest.mark.parametrize("levels", [MAX_DEPTH - 1, MAX_DEPTH])
def test_a_document_may_be_as_deep_as_the_limit_and_no_deeper(levels: int) -> None:
    result = play([step("a", {}, puts(x=nested(levels)))], {})
    assert ("$errors" in result.data) == (levels == MAX_DEPTH)


def test_one_object_at_two_places_becomes_two() -> None:
    def alias(data: dict[str, Any]) -> None:
        shared = {"n": 1}
        data["a"], data["b"], data["c"] = shared, shared, data["old"]

    def change(data: dict[str, Any]) -> None:
        data["a"]["n"] = 2
        data["c"].append(3)

    result = play([step("alias", {"a": None}, does(alias)), step("change", {"a": {"n": 1}}, does(change))], {"old": []})
    assert result.data == {"old": [], "a": {"n": 2}, "b": {"n": 1}, "c": [3]}


def test_what_a_step_does_with_a_part_of_its_draft_after_it_returned_changes_nothing() -> None:
    kept: list[dict[str, Any]] = []
    stop = threading.Event()

    def keep(data: dict[str, Any]) -> None:
        data["mine"] = {"list": [1]}
        kept.append(data["mine"])

    def spoil() -> None:
        while not stop.wait(0.001):
            for part in kept:
                part["list"].append("late")
                part["later"] = 1

    async def wait(data: dict[str, Any]) -> None:
        thread = threading.Thread(target=spoil)
        thread.start()
        time.sleep(0.02)
        stop.set()
        thread.join()
        data["seen"] = data["mine"]

    result = play([step("keep", {"mine": None}, does(keep)), step("wait", {"mine": dict, "seen": None}, wait)], {})
    assert result.data == {"mine": {"list": [1]}, "seen": {"list": [1]}}


def test_an_emptied_document_is_empty() -> None:
    assert play([step("a", {"x": 1}, does(lambda data: data.clear()))], {"x": 1, "y": [1]}).data == {}


KEYS = st.text(max_size=4) | st.sampled_from(
    ["", "0", "-", "a.b", "a/b", "~", "~1", "$x", "__proto__", "a b", '"', "="]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=12)
DOCUMENTS = st.dictionaries(KEYS.filter(lambda key: not key.startswith("$")), VALUES, max_size=5)


@settings(max_examples=25)
@given(DOCUMENTS, DOCUMENTS)
def test_any_document_can_be_replaced_by_any_other_and_is_that_when_read_again(before: Any, after: Any) -> None:
    def replace(data: dict[str, Any]) -> None:
        data.clear()
        data.update(after)

    with tempfile.TemporaryDirectory() as folder:
        store = FileStore(Path(folder), fsync=False)
        result = play([step("replace", {}, does(replace))], before, store=store)
        assert same(result.data, after)
        assert same(read_task(store, ROOT).data, after), "as published"
        assert same(read_tree(store, ROOT).root.document, after), "as in the journal"
