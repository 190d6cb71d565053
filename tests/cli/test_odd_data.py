"""Data that is large, deep or strange, from the command line to the journal and back."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from aloma_cli.jsontext import MAX_DEPTH, dumps, show_path
from tests.cli.desk import Desk, ended, until
from tests.cli.test_bad_input import nested

ODD_KEYS = [
    "",
    "0",
    "a.b",
    "a/b",
    "~1",
    "$set",
    "$x",
    "a b",
    "a=b",
    "=",
    'say "no"',
    "it's",
    "back\\slash",
    "a[0]",
    "__proto__",
    "\x1b[31mred",
    "\x9b31m",
    "\u202eright to left",
    "line\nbreak",
    "line\u2028separator",
    "nul\0",
    "漢字👩‍👩‍👧",
    "k" * 100_000,
]
OBEYED = "\x00\x07\x9b\u202e\u2028\u2066\ufeff"


def test_any_key_can_be_written_shown_and_removed_by_the_path_that_names_it(desk: Desk) -> None:
    document: Any = {key: [{key: 1}] for key in ODD_KEYS}
    desk.write("data.json", dumps({"top": document}))
    desk.new("@data.json")
    paths = {key: show_path(("top", key, 0, key)) for key in ODD_KEYS}
    for path in paths.values():
        assert desk.run("task", "show", "--path", path).out == "1\n", path[:80]
    written = [f'{path}={{"{json.dumps(key)[1:-1]}": "x=y"}}' for key, path in paths.items()]
    desk.run("task", "set", "@last", "--no-run", *written)
    assert desk.run("task", "show", "--data").json["top"] == {key: [{key: {key: "x=y"}}] for key in ODD_KEYS}
    changed = [argument for path in paths.values() for argument in ("--set", f"{path}=2")]
    cloned = desk.run("task", "clone", "@last", *changed, "--data").json
    assert cloned["top"] == {key: [{key: 2}] for key in ODD_KEYS}
    removed = [argument for path in paths.values() for argument in ("--unset", path)]
    desk.run("task", "set", "@last", "--no-run", *removed)
    assert desk.run("task", "show", "--data").json["top"] == {key: [{}] for key in ODD_KEYS}


def test_any_key_can_be_asked_into_and_answered(desk: Desk) -> None:
    desk.step("ask", '{"keys": list}', "[task.ask('well?', ('top', key)) for key in data['keys']]", asks="data, task")
    desk.new(dumps({"keys": ODD_KEYS, "top": {}}))
    asked = [question["into"] for question in desk.run("task", "show", "--json").json["questions"]]
    for number, into in enumerate(asked):
        desk.run("task", "answer", "@last", str(number), "--into", into, "--no-run")
    found = desk.run("task", "show", "--data").json["top"]
    assert found == {key: number for number, key in enumerate(ODD_KEYS)}


def test_a_subtask_can_land_at_any_key(desk: Desk) -> None:
    spawn = "[task.subtask('s', {'leaf': key}, into=('top', key)) for key in data['keys']]"
    desk.step("spawn", '{"keys": list}', spawn, asks="data, task")
    desk.step("leaf", '{"leaf": str}', "task.complete(data['leaf'])", asks="data, task")
    landed = desk.new(dumps({"keys": ODD_KEYS, "top": {}}), "--data").json["top"]
    assert {key: value["result"] for key, value in landed.items()} == {key: key for key in ODD_KEYS}


def test_nothing_of_a_document_is_obeyed_by_a_terminal(desk: Desk) -> None:
    text = f"\x1b[31mred\x1b[0m {OBEYED}"
    desk.step("odd", '{"go": 1}', "data['copy'] = data['odd']", "log(data['odd'])", asks="data, log")
    data = dumps({"go": 1, "odd": {text: text, "漢字": "👩‍👩‍👧"}})
    desk.write("data.json", data)
    commands = (
        ("new", "A task", "-d", "@data.json", "--tag", text.replace("\0", "")),
        ("show",),
        ("show", "--data"),
        ("show", "--json"),
        ("show", "--path", "odd"),
        ("show", "--path", "nowhere"),
        ("list",),
        ("log", "--changes", "--logs"),
    )
    for command in commands:
        _, raw, _ = desk.at_terminal("task", *command)
        assert not set(OBEYED) & set(raw), command
        assert "\x1b[31mred" not in raw, command


def test_json_at_a_terminal_is_the_same_json(desk: Desk) -> None:
    document = {"odd": "\x1b[31m \u202e \u2028 \x85 \x7f é 漢字"}
    desk.new(dumps(document))
    _, raw, _ = desk.at_terminal("task", "show", "--data", width=200)
    assert json.loads(raw) == document


@pytest.mark.parametrize("name", ["\x1b[31mred", "two\nlines", "\u202etfel", "\ud800", "nul\0", " "])
def test_a_name_that_cannot_be_shown_is_refused(desk: Desk, name: str) -> None:
    ended = desk.run("task", "new", name)
    assert (ended.code, desk.tasks) == (2, [])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ('{"a": 1, "a": 2}', 'the key "a" appears twice in one object'),
        ('{"a": [NaN]}', "NaN is not allowed, at a.0"),
        ("1e400", "the number 1e400 is too large"),
        ("9" * 5000, "has more than 4300 digits"),
        ('"\\ud800"', '"\\ud800" contains half of a surrogate pair'),
        ("[" * 129 + "]" * 129, "nested deeper than 128 levels, at 0.0.0…"),
        ("[" * 128 + "]" * 128, "the value for x would be nested deeper than 128 levels there"),
        ("\udcff", "is not UTF-8"),
    ],
    ids=lambda text: text[:20],
)
@pytest.mark.parametrize("command", ["set", "answer", "clone"])
def test_a_value_that_cannot_be_taken_is_refused_and_not_made_a_text(
    desk: Desk, command: str, value: str, message: str
) -> None:
    desk.step("ask", '{"name": str}', "task.ask('well?', 'x')", asks="task")
    (task,) = desk.new().out.split()
    arguments = {"set": [task, f"x={value}"], "answer": [task, value], "clone": [task, "--set", f"x={value}"]}[command]
    result = desk.run("task", command, *arguments)
    assert (result.code, result.out, desk.tasks) == (2, "", [task])
    assert message in result.err
    assert len(result.err) < 400
    assert desk.run("task", "show", "--data").json["name"] == "Ada"


@pytest.mark.parametrize("value", ["[see attached]", '{"a": 1', "NaNny", '"', "1e400 times", "\ufeff"])
def test_other_text_is_taken_as_it_is(desk: Desk, value: str) -> None:
    desk.new()
    desk.run("task", "set", "@last", f"x={value}")
    assert desk.run("task", "show", "--data").json["x"] == value


def test_a_document_of_the_greatest_depth_works_in_every_command(desk: Desk) -> None:
    desk.step("turn", '{"a": dict, "name": str, "b": None}', "data['b'], data['a'] = data['a'], 0")
    deep = json.loads(nested(MAX_DEPTH))
    desk.new(dumps({**deep, "name": "Ada"}))
    for command in (["show"], ["show", "--json"], ["list"], ["list", "--all"], ["log", "--changes"]):
        assert desk.run("task", *command).code == 0, command
        assert desk.at_terminal("task", *command)[0] == 0, command
    assert json.loads(desk.run("task", "show", "--data").out)["b"] == deep["a"]
    assert desk.run("task", "set", "@last", "c=" + nested(MAX_DEPTH - 1)).code == 0
    assert json.loads(desk.run("task", "clone", "@last", "--data").out)["b"] == deep["a"]


def test_the_process_that_runs_a_task_takes_a_value_of_the_greatest_depth(desk: Desk) -> None:
    desk.step("wait", '{"name": str, "x": None}', "open('begun', 'w').close()", "await asyncio.sleep(60)")
    desk.step("end", '{"x": dict}', "task.complete(cancel=True)", asks="task")
    process = desk.started("task", "new", "A task", "-d", '{"name": "Ada"}')
    try:
        until((desk.root / "begun").exists)
        value = nested(MAX_DEPTH - 1)
        assert desk.run("task", "set", "@last", f"x={value}").code == 0
        assert ended(process).code == 0
    finally:
        process.kill()
    assert desk.run("task", "show", "--data").json["x"] == json.loads(value)


def test_numbers_are_kept_as_they_were_given(desk: Desk) -> None:
    text = f'{{"a":{2**64 + 1},"b":1.0,"c":1,"d":-0.0,"e":1e-400,"f":0.1234567890123456789,"g":{"9" * 4300}}}'
    desk.step("touch", '{"a": int, "z": None}', "data['z'] = data['g']")
    printed = desk.new(text, "--data").out
    assert f'"a":{2**64 + 1},"b":1.0,"c":1,"d":-0.0,"e":0.0,"f":0.12345678901234568' in printed
    assert printed.count("9" * 4300) == 2


def test_a_byte_order_mark_and_line_ends_of_windows_are_no_matter(desk: Desk) -> None:
    desk.write("data.json", b'\xef\xbb\xbf{\r\n  "x": "a\\r\\nb"\r\n}\r\n')
    assert desk.new("@data.json", "--data").json == {"x": "a\r\nb"}


def test_half_a_surrogate_pair_from_a_step_is_kept_and_can_be_read(desk: Desk) -> None:
    desk.step("odd", '{"go": 1}', "data['\\ud800'] = 'half \\udfff'")
    desk.new('{"go": 1}')
    assert desk.run("task", "show", "--path", "go").out == "1\n"
    assert json.loads(desk.run("task", "show", "--data").out)["\ud800"] == "half \udfff"
    assert desk.run("task", "clone", "@last").code == 6, "it has what the step writes already"
    assert desk.at_terminal("task", "show")[0] == 0


# -- large -------------------------------------------------------------------------------------------------------------


def large(megabytes: float) -> dict[str, Any]:
    """Half of it records, half of it one text."""
    half = int(megabytes * 500_000)
    return {"go": 1, "text": "x" * half, "records": [{"id": n, "text": "t" * 970} for n in range(half // 1000)]}


@pytest.mark.parametrize("megabytes", [2, pytest.param(50, marks=pytest.mark.slow)])
def test_a_large_document_goes_through_every_command_and_is_never_poured_over_a_person(
    desk: Desk, megabytes: float
) -> None:
    lines = ("data['seen'] = 1", "data['again'] = data['text']", "log(data['text'])")
    desk.step("see", '{"go": 1, "seen": None}', *lines, asks="data, log")
    document = large(megabytes)
    desk.write("data.json", dumps(document))
    whole = {**document, "seen": 1, "again": document["text"]}
    made = desk.run("task", "new", "A task", "-d", "@data.json")
    assert made.code == 0
    assert len(made.err) < 10_000
    assert "more characters; aloma task log" in made.err
    assert json.loads(desk.run("task", "show", "--data").out) == whole
    assert json.loads(desk.run("task", "show", "--json").out)["data"] == whole
    assert desk.run("task", "clone", "@last", "--set", "seen=2", "--data", "-q").json == {**whole, "seen": 2}
    assert desk.run("task", "set", "@last", "records.7.text=short", "--data").json["records"][7]["text"] == "short"
    for command in (["show"], ["list"], ["log"], ["log", "--changes"], ["log", "--logs"], ["set", "@last", "more=1"]):
        code, raw, _ = desk.at_terminal("task", *command)
        assert code in (0, 6), command
        assert len(raw) < 50_000, command


def test_a_large_task_goes_on_after_it_was_killed(desk: Desk) -> None:
    desk.step("wait", '{"go": 1, "seen": None}', "open('begun', 'w').close()", "await asyncio.sleep(60)")
    desk.write("data.json", dumps(large(2)))
    process = desk.started("task", "new", "A task", "-f", "data.json")
    until((desk.root / "begun").exists)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    desk.step("wait", '{"go": 1, "seen": None}', "data['seen'] = 1")
    assert desk.run("task", "resume", "@last", "--data", "-q").json == {**large(2), "seen": 1}
