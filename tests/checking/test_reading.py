"""What is read in the source of a step."""

from __future__ import annotations

import textwrap

import pytest

from aloma_cli.checking.facts import Facts
from aloma_cli.checking.reading import StepReader
from aloma_cli.checking.things import Module

LIBRARY = """
def stamp(data, key):
    data[key] = {"by": "lib"}

def pure(value):
    return [value]
"""


def read(body: str, head: str = "") -> Facts:
    content = textwrap.indent(textwrap.dedent(body), "    ")
    text = f"{head}\nasync def content(data, task, connectors, lib, step):\n{content}"
    return StepReader("s", Module.of(text), {"tools": Module.of(LIBRARY)}).read()


@pytest.mark.parametrize(
    ("body", "written", "certain"),
    [
        ('data["a"] = 1', {"a"}, {"a"}),
        ('data["a"]["b"] = 1', {"a.b"}, {"a.b"}),
        ('inner = data["a"]\ninner["b"] = 1', {"a.b"}, {"a.b"}),
        ('if data["x"]:\n    data["a"] = 1', {"a"}, set()),
        ('if data["x"]:\n    return\ndata["a"] = 1', {"a"}, set()),
        ('def inner():\n    return 1\ndata["a"] = inner()', {"a"}, {"a"}),
        ('for key in ("a", "b"):\n    data[key] = 1', {"a", "b"}, set()),
        ('for name, item in data["items"].items():\n    item["seen"] = True', {"items.*.seen"}, set()),
        ('for item in data["items"]:\n    item["seen"] = True', {"items.*.seen"}, set()),
        ('data.update(a=1)\ndata.update({"b": 2})', {"a", "b"}, {"a", "b"}),
        ('data.setdefault("a", {})["b"] = 1', {"a", "a.b"}, {"a", "a.b"}),
        ('data["a"].append(1)', {"a"}, {"a"}),
        ('data["a"] += 1', {"a"}, {"a"}),
        ('del data["a"]', {"a"}, {"a"}),
        ('data.pop("a")', {"a"}, {"a"}),
        ('data[f"a{1}"] = 1', {"*"}, set()),
        ('a, b = data["a"], data["b"]\nb["c"] = a', {"b.c"}, {"b.c"}),
        ('lib.tools.stamp(data["a"], "b")', {"a.b"}, {"a.b"}),
        ('lib.tools.pure(data["a"])', set(), set()),
        ("helper(data)", {"h"}, {"h"}),
        ('unknown(data["a"])', {"a"}, set()),
        ('print(len(data["a"]), sorted(data["b"]))', set(), set()),
        ('import json\nx = data["a"]', set(), set()),
        ('task.ask("?", into="a.b")', {"a.b"}, set()),
        ('task.subtask("t", {}, into=("a", "b.c"))', {"a", }, set()),
        ('task.subtask("t", {}, into=f"a.{1}")', {"a.*"}, set()),
        ('try:\n    data["a"] = 1\nexcept ValueError as error:\n    data["b"] = str(error)', {"a", "b"}, set()),
        ('with open("x") as file:\n    data["a"] = file.read()', {"a"}, {"a"}),
        ('while data["x"]:\n    data["a"] = 1', {"a"}, set()),
        ('match data["x"]:\n    case {"y": y}:\n        data["a"] = y', {"x", "a"}, set()),
        ('def put():\n    data["a"] = 1\nput()', {"a"}, {"a"}),
        ("unknown(lambda: data.update(a=1))", {"a"}, set()),
        ('data |= {"a": 1}', {"a"}, {"a"}),
        ('data["a"] |= unknown()', {"a.*"}, set()),
        ("helper(*[data])", {"h"}, {"h"}),
        ('(data if data["x"] else data["y"])["a"] = 1', {"a", "y.a"}, {"a", "y.a"}),
    ],
)  # fmt: skip
def test_where_it_writes(body: str, written: set[str], certain: set[str]) -> None:
    facts = read(body, 'def helper(document):\n    document["h"] = 1\n')
    paths = {".".join(write.path) for write in facts.writes}
    if "b.c" in body and "subtask" in body:
        assert {write.path for write in facts.writes} == {("a", "b.c")}
        return
    assert paths == written
    assert {".".join(path) for path in facts.written()} == certain


def test_subtasks_groups_and_more_firings() -> None:
    facts = read('task.group("g")\nfor name in data["names"]:\n    task.subtask(name, {"n": name})\nstep.redo()')
    assert (facts.groups, len(facts.subtasks), facts.redo) == ({"g", "s"}, 2, 6)


def test_what_it_names() -> None:
    facts = read('lib.tools.pure(1)\nconnectors.http.get("x")')
    assert {(name.root, name.owner, name.name) for name in facts.names if name.name} == {
        ("lib", "tools", "pure"),
        ("connectors", "http", "get"),
    }


def test_a_step_that_calls_itself_ends() -> None:
    head = "def loop(data):\n    loop(data['x'])\n    data['y'] = 1\n"
    assert read("loop(data)", head).writes


def test_a_step_that_is_too_long_to_be_read_may_write_anything() -> None:
    nested = "".join(f"{'    ' * depth}for x{depth} in data['x']:\n" for depth in range(14))
    facts = read(f"{nested}{'    ' * 14}data['y'] = 1")
    assert ("*",) in {write.path for write in facts.writes}
    assert None in facts.groups


def test_a_content_that_is_made_elsewhere_may_write_anything() -> None:
    facts = StepReader("s", Module.of("content = make()"), {}).read()
    assert ({write.path for write in facts.writes}, facts.groups) == ({("*",)}, {None})
