"""What cannot be used is refused with one sentence and the right code, before anything is created."""

from __future__ import annotations

import io
import sys

import pytest

from tests.cli.desk import Desk

OBJECT = 'a task\'s data is an object, such as {"name": 1}'
KNOWN = "data, task, step, connectors, lib, config, log, now"
QUOTES = (
    """  → put names and strings in double quotes, and all of it in single quotes for the shell: '{"name": "Ada"}'\n"""
)


def refused(desk: Desk, *arguments: str, code: int = 2) -> str:
    """The message for arguments that must not create anything."""
    ended = desk.run(*arguments)
    assert (ended.code, ended.out, desk.tasks) == (code, "", [])
    assert "Traceback" not in ended.err
    return ended.err


def nested(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ('{"a": 1', "-d is not valid JSON: Expecting ',' delimiter at line 1, column 8\n"),
        ('{\n"a": x}', "-d is not valid JSON: Expecting value at line 2, column 6\n"),
        (
            "{name: Ada}",
            f"-d is not valid JSON: Expecting property name enclosed in double quotes at line 1, column 2\n{QUOTES}",
        ),
        ("hello", f"-d is not valid JSON: Expecting value at line 1, column 1\n{QUOTES}"),
        ("", "-d is empty; a task's data is a JSON object\n  → write {} for an empty one\n"),
        (" \n", "-d is empty; a task's data is a JSON object\n  → write {} for an empty one\n"),
        ("[1]", f"-d holds a list; {OBJECT}\n"),
        ("null", f"-d holds a null; {OBJECT}\n"),
        ('"text"', f"-d holds a string; {OBJECT}\n"),
        ('{"a": 1, "a": 2}', '-d is not valid JSON: the key "a" appears twice in one object\n'),
        ('{"a": NaN}', "-d is not valid JSON: NaN is not allowed, at a\n"),
        ('{"a": -Infinity}', "-d is not valid JSON: -Infinity is not allowed, at a\n"),
        ('{"a": 1e999}', "-d is not valid JSON: the number 1e999 is too large, at a\n"),
        ('{"a": "\\ud800"}', '-d is not valid JSON: "\\ud800" contains half of a surrogate pair, at a\n'),
        ('{"a": [0, {"b": 1, "b": 2}]}', '-d is not valid JSON: the key "b" appears twice in one object, at a.1\n'),
        ('{"a": {"\\udc00": 1}}', '-d is not valid JSON: "\\udc00" contains half of a surrogate pair, at a\n'),
        (
            f'{{"a": -{"9" * 4301}}}',
            f"-d is not valid JSON: the integer -{'9' * 58}… has more than 4300 digits, at a\n",
        ),
        (nested(129), "-d is not valid JSON: nested deeper than 128 levels, at a.a.a…\n"),
        (nested(100_000), "-d is not valid JSON: nested deeper than 128 levels\n"),
        ('{"$errors": {}}', "$errors is managed by the engine and cannot be given in a task's data\n"),
        ("@nowhere.json", "nowhere.json cannot be read: No such file or directory\n"),
        ("@steps", "steps cannot be read: Is a directory\n"),
        ("@", "-d @ needs the name of a file\n"),
        ("@~nobody-of-this-name/x", "~nobody-of-this-name/x cannot be read: No such file or directory\n"),
    ],
)
def test_data_that_is_no_json_object_is_refused(desk: Desk, data: str, message: str) -> None:
    assert refused(desk, "task", "new", "A task", "-d", data) == f"aloma: {message}"


def test_128_levels_are_not_too_many(desk: Desk) -> None:
    assert desk.new(nested(128)).code == 6


def test_a_file_whose_at_sign_was_forgotten_is_recognised(desk: Desk) -> None:
    desk.write("data.json", "{}")
    assert refused(desk, "task", "new", "A task", "-d", "data.json").endswith("\n  → did you mean `-d @data.json`?\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": "\xff"}', "data.json is not valid JSON: not UTF-8: byte 7 is 0xff"),
        (
            "{}".encode("utf-16"),
            "data.json is not valid JSON: not UTF-8: byte 0 is 0xff\n  → it looks like UTF-16: save it as UTF-8",
        ),
        (
            b'{"a": 1,\n',
            "data.json is not valid JSON: Expecting property name enclosed in double quotes at line 2, column 1",
        ),
        (b"", "data.json is empty; a task's data is a JSON object\n  → write {} for an empty one"),
        (b"[]", f"data.json holds a list; {OBJECT}"),
    ],
)
def test_a_file_that_holds_no_json_object_is_refused(desk: Desk, content: bytes, message: str) -> None:
    desk.write("data.json", content)
    assert refused(desk, "task", "new", "A task", "-f", "data.json") == f"aloma: {message}\n"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (b"", "is empty; a task's data is a JSON object\n  → write {} for an empty one"),
        (b"{", "is not valid JSON: Expecting property name enclosed in double quotes at line 1, column 2"),
    ],
)
def test_standard_input_that_holds_no_json_object_is_refused(
    desk: Desk, given: bytes, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
    assert refused(desk, "task", "new", "A task", "-d", "-") == f"aloma: standard input (-d -) {message}\n"


def test_a_closed_standard_input_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    message = "aloma: -f - reads standard input, which is closed\n"
    assert refused(desk, "task", "new", "A task", "-f", "-") == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--base-url", "nonsense"],
            "--base-url 'nonsense' is not a URL\n  → use one such as http://127.0.0.1:11434/v1",
        ),
        (["--responses", "nowhere"], "--responses nowhere: there is no such folder"),
        (["--offline", "--require-real"], "--offline and --require-real cannot be used together"),
        (["--offline", "--base-url", "http://x"], "--offline and --base-url cannot be used together"),
        (["--delay", "nan"], "--delay 'nan' is not a number of seconds from 0 to 100 years"),
        (["--delay", "-1"], "--delay '-1' is not a number of seconds from 0 to 100 years"),
        (["--delay", "inf"], "--delay 'inf' is not a number of seconds from 0 to 100 years"),
        (["-f", ""], "-f needs the name of a file"),
    ],
)
def test_options_that_make_no_sense_are_refused(desk: Desk, options: list[str], message: str) -> None:
    assert refused(desk, "task", "new", "A task", *options) == f"aloma: {message}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["task", "new"], "Missing argument 'NAME'"),
        (["task", "new", "A", "B"], "unexpected extra argument"),
        (["task", "new", "A", "--frob"], "No such option: --frob"),
        (["task", "log", "--entry", "x"], "Invalid value for '--entry'"),
    ],
)
def test_what_the_command_line_does_not_know_is_refused(desk: Desk, arguments: list[str], message: str) -> None:
    text = refused(desk, *arguments)
    assert message in text
    assert "--help' for help." in text


@pytest.mark.parametrize("before", [["-w", "desk", "task", "list"], ["task", "-w", "desk", "list"]])
def test_an_option_before_the_command_is_refused_with_its_place(desk: Desk, before: list[str]) -> None:
    assert refused(desk, *before).endswith("\n  → write -w after the command, if it is an option of the command\n")


def test_an_option_that_the_command_does_not_know_has_no_other_place(desk: Desk) -> None:
    assert "after the command" not in refused(desk, "task", "list", "--frob")
    assert "after the command" not in refused(desk, "-V")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ("[{", "Expecting property name enclosed in double quotes at line 1, column 3"),
        ('[{"anser": {}}]', "entry 0: unknown key 'anser'\n  → did you mean `answer`?"),
        ('[{"answer": {}, "when": {"$gtt": 1}}]', "$gtt"),
    ],
)
def test_scripted_answers_that_cannot_be_used_are_refused(desk: Desk, entries: str, message: str) -> None:
    desk.write("responses/greet.json", entries)
    text = refused(desk, "task", "new", "A task", code=3)
    assert text.startswith(f"aloma: {desk.root}/responses/greet.json")
    assert message in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def x(:\n", "steps/bad.py:1: SyntaxError: invalid syntax"),
        (
            'condition = {"a": 1}\ndef content(dta): pass\n',
            f"steps/bad.py:2: `content` has an unknown parameter `dta`; known are {KNOWN}\n  → did you mean `data`?",
        ),
        (
            'condition = {\n  "a": {"$gtt": 1}\n}\ndef content(): pass\n',
            "steps/bad.py:2: condition.a.$gtt: unknown operator; did you mean `$gt`?",
        ),
        ("\nraise ValueError('at\\nimport')\n", "steps/bad.py:2: ValueError: at"),
        ("import sys\nsys.exit(0)\n", "steps/bad.py:2: SystemExit: 0"),
        (
            'condition = {"a": 1}\n',
            "steps/bad.py: has no `content`\n  → define what it does: `async def content(data): …`",
        ),
    ],
)
def test_a_broken_step_stops_every_task_before_it_is_created(desk: Desk, text: str, message: str) -> None:
    desk.write("steps/bad.py", text)
    assert refused(desk, "task", "new", "A task", "-d", '{"name": "Ada"}', code=3) == f"aloma: {message}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "name: x\nlimits:\n  concurency: 3\n",
            "3: `limits.concurency` is an unknown setting\n  → did you mean `concurrency`?",
        ),
        ("limits: {concurrency: 0}\n", "1: `limits.concurrency` must be an integer of at least 1, not `0`"),
        ("name: x\nname: y\n", "2: `name` is set twice"),
    ],
)
def test_a_broken_configuration_stops_every_task_before_it_is_created(desk: Desk, text: str, message: str) -> None:
    desk.write("aloma.yaml", text)
    assert refused(desk, "task", "new", "A task", code=3) == f"aloma: aloma.yaml:{message}\n"


def test_there_must_be_a_workspace(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert refused(desk, "task", "new", "A task", code=3) == (
        "aloma: no workspace: neither / nor a folder above it contains steps/ or aloma.yaml\n"
        "  → change to a workspace, name one with `-w PATH`, or create one here with `aloma init`\n"
    )


@pytest.mark.parametrize("command", [["new", "A task"], ["list"], ["show"], ["log"], ["resume", "1"], ["stop", "1"]])
def test_w_must_name_a_workspace(desk: Desk, command: list[str]) -> None:
    message = f"aloma: no workspace at {desk.root}/nowhere: the folder does not exist\n"
    assert refused(desk, "task", *command, "-w", "nowhere", code=3) == message


@pytest.mark.parametrize("command", ["show", "log", "resume", "stop"])
@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/b", "", "ILO", "1.2.3.4", "@first", "@-0", "@2"])
def test_what_cannot_be_a_task_id_is_refused(desk: Desk, command: str, name: str) -> None:
    desk.new()
    ended = desk.run("task", command, name)
    assert ended == (9, "", f"aloma: {name.lower()!r} is not a task id\n  → run `aloma task list` for the ids\n")


@pytest.mark.parametrize("command", ["show", "log", "resume", "stop"])
def test_an_unknown_task_is_refused(desk: Desk, command: str) -> None:
    ended = desk.run("task", command, "zzz")
    assert ended == (9, "", "aloma: there is no task zzz\n  → run `aloma task list` for the ids\n")


def test_an_id_that_is_the_beginning_of_several_is_refused_with_those_it_could_be(desk: Desk) -> None:
    for _ in range(2):
        desk.new()
    ended = desk.run("task", "show", "0")
    assert ended.code == 9
    assert ended.err == (f"aloma: 2 task ids begin with 0: {', '.join(desk.tasks)}\n  → type more of the id\n")


def test_the_last_task_of_none_is_refused(desk: Desk) -> None:
    message = (
        "aloma: there is no task @last: the workspace has no tasks yet\n  → run `aloma task new NAME` to make one\n"
    )
    assert refused(desk, "task", "show", code=9) == message


def test_the_last_but_one_of_one_is_refused(desk: Desk) -> None:
    desk.new()
    message = "aloma: there is no task @-2: there is only one\n  → run `aloma task list` for the ids\n"
    assert desk.run("task", "show", "@-2") == (9, "", message)


def test_a_step_that_is_not_there_is_refused(desk: Desk) -> None:
    message = "aloma: there is no step 'great'\n  → did you mean `greet`?\n"
    assert desk.run("step", "show", "great") == (9, "", message)
