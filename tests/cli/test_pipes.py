"""Pipes, terminals, and what goes where."""

from __future__ import annotations

import re
import shutil
import sys

import pytest

from aloma_cli.jsontext import loads
from tests.cli.desk import Desk

ESCAPE = "\x1b"
COLOUR = re.compile(r"\x1b\[(\d+;)*([34][0-8]|9[0-7]|10[0-7])[;m]")
READ_DATA = "jq -c .data" if shutil.which("jq") else f"{sys.executable} -m json.tool --compact"


def test_the_record_can_be_piped_into_a_json_tool(desk: Desk) -> None:
    ended = desk.shell(f"""aloma task new X -d '{{"name": "Ada"}}' --json 2>/dev/null | {READ_DATA}""")
    data = loads(ended.out)
    assert data.get("data", data) == {"name": "Ada", "greeting": "Hello, Ada!"}
    shown = desk.shell(f"aloma task show @last --json | {READ_DATA}")
    assert (ended.code, ended.err, shown.out) == (0, "", ended.out)


@pytest.mark.parametrize(
    "command",
    ["aloma task list", "aloma task list --json", "aloma task show", "aloma task show --json", "aloma task log"],
)
def test_a_pipe_that_is_closed_is_no_error(desk: Desk, command: str) -> None:
    """The output is larger than a pipe holds, so that whoever writes it notices."""
    desk.run("task", "new", "A task " * 5000, "-d", '{"name": "%s"}' % ("x" * 200_000), "-q")
    for _ in range(3):
        desk.run("task", "new", "A task " * 5000, "-d", '{"name": "%s"}' % ("x" * 200_000), "-q")
    ended = desk.shell(f"{command} | head -c 10 >/dev/null; exit ${{PIPESTATUS[0]}}")
    assert (ended.code, ended.err) == (0, "")


def test_a_reader_of_events_who_leaves_does_not_end_the_run(desk: Desk) -> None:
    desk.step("slow", '{"greeting": str, "slow": None}', "await asyncio.sleep(0.3)", "data['slow'] = 1")
    script = """aloma task new X -d '{"name": "Ada"}' --events | head -1 >/dev/null; exit ${PIPESTATUS[0]}"""
    assert desk.shell(script)[1:] == ("", "")
    assert desk.run("task", "show", "--path", "slow").out == "1\n"


def test_nothing_in_a_pipe_ever_has_colours(desk: Desk) -> None:
    script = """aloma task new X -d '{"name": "Ada"}'; aloma task list; aloma task show; aloma task log --changes
        aloma step list; aloma step show greet; aloma --help; aloma task show nope"""
    wanted = {"FORCE_COLOR": "1", "CLICOLOR_FORCE": "1", "COLORTERM": "truecolor", "TERM": "xterm-256color"}
    ended = desk.shell(script, **wanted)
    assert ended.out
    assert ended.err
    assert ESCAPE not in ended.out + ended.err


@pytest.mark.parametrize("command", [["list"], ["show"], ["log", "--changes"]])
def test_a_terminal_has_colours_unless_no_color_is_set(desk: Desk, command: list[str]) -> None:
    desk.new()
    assert COLOUR.search(desk.at_terminal("task", *command)[1])
    assert not COLOUR.search(desk.at_terminal("task", *command, NO_COLOR="1")[1])


def test_a_run_at_a_terminal_without_colours_has_none(desk: Desk) -> None:
    code, raw, screen = desk.at_terminal("task", "new", "X", "-d", '{"name": "Ada"}', NO_COLOR="1")
    assert code == 0
    assert not COLOUR.search(raw)
    assert "greet" in screen
    assert screen.rstrip().endswith(desk.tasks[0])


def test_json_at_a_terminal_is_indented(desk: Desk) -> None:
    desk.new("{}")
    assert desk.at_terminal("task", "show", "--path", "greeting")[0] == 9
    assert '{\n  "schema": 1,\n' in desk.at_terminal("task", "show", "--json")[2]


def test_what_a_pipes_encoding_lacks_is_escaped(desk: Desk) -> None:
    desk.new('{"name": "Zoë 🐝"}')
    ended = desk.shell("aloma task show --path name; aloma task show --data", PYTHONIOENCODING="ascii")
    assert ended.out == 'Zo\\xeb \\U0001f41d\n{"name":"Zo\\xeb \\U0001f41d","greeting":"Hello, Zo\\xeb \\U0001f41d!"}\n'


def test_a_lone_surrogate_in_an_argument_is_an_error_and_no_fault(desk: Desk) -> None:
    ended = desk.shell("""aloma task new X -d $'{"a": "\\xff"}'; aloma task new $'\\xff'; aloma task show $'\\xff'""")
    assert ended.out == ""
    assert [line.partition(":")[0] for line in ended.err.splitlines() if line.startswith("aloma")] == ["aloma"] * 3
    assert "fault" not in ended.err


@pytest.mark.parametrize("key", [None, "a key that is kept out of records"])
def test_what_a_child_process_of_a_step_prints_is_not_in_the_result(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    if key is not None:
        monkeypatch.setenv("OPENAI_API_KEY", key)
    told = ["import os, sys", "os.system('echo from a child')", "sys.__stdout__.write('raw')", "data['done'] = True"]
    desk.step("shells", '{"name": str, "done": None}', *told)
    result = desk.spawn("task", "new", "A task", "-d", '{"name": "Ada"}', "--data")
    assert result.json["done"] is True
    assert ("from a child" in result.err, "raw" in result.err) == (True, True)
