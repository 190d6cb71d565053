"""Pipes, terminals, and what goes where."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import time

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
    """The output is larger than a pipe holds, so that its writer notices."""
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


@pytest.mark.parametrize("name", ["FORCE_COLOR", "CLICOLOR_FORCE"])
def test_colours_that_are_forced_come_with_tables_and_leave_json_alone(desk: Desk, name: str) -> None:
    forced = {name: "1", "TERM": "xterm-256color"}
    desk.new()
    for words in ("list", "show", "log"):
        assert ESCAPE in desk.shell(f"aloma task {words}", **forced).out, words
    assert (
        ESCAPE not in desk.shell("aloma task show --json; aloma task show --data; aloma task log --json", **forced).out
    )


def test_a_pipe_has_no_colours_unless_they_are_forced(desk: Desk) -> None:
    script = """aloma task new X -d '{"name": "Ada"}'; aloma task list; aloma task show; aloma task log --changes
        aloma step list; aloma step show greet; aloma --help; aloma task show nope"""
    wanted = {"COLORTERM": "truecolor", "TERM": "xterm-256color"}
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


@pytest.mark.parametrize("locale", [{"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "cp1252"}, {"LC_ALL": "C"}])
def test_a_result_is_utf_8_whatever_the_locale(desk: Desk, locale: dict[str, str]) -> None:
    desk.new('{"name": "Zoë 🐝"}')
    ended = desk.shell("aloma task show --path name; aloma task show --data", **locale)
    assert ended.out == 'Zoë 🐝\n{"name":"Zoë 🐝","greeting":"Hello, Zoë 🐝!"}\n'


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


WAYS = {
    "writelines": ["sys.stdout.writelines(['astray\\n'])"],
    "bytes": ["sys.stdout.buffer.write(b'astray\\n')", "sys.__stdout__.buffer.write(b'astray\\n')"],
    "descriptor": ["os.write(1, b'astray\\n')", "os.write(sys.stdout.fileno(), b'astray\\n')"],
    "child": ["subprocess.run(['echo', 'astray'], stdout=sys.stdout)", "os.system('echo astray')"],
    "the end": ["atexit.register(print, 'astray')"],
    "a thread": ["thread = threading.Thread(target=print, args=['astray'])", "thread.start(); thread.join()"],
    "a wrapper": ["sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8')", "print('astray')"],
    "a wrapper that goes": [
        "io.TextIOWrapper(sys.stderr.buffer)",
        "io.TextIOWrapper(sys.stdout.buffer).write('astray')",
    ],
    "the descriptor anew": ["sys.stdout = os.fdopen(sys.stdout.fileno(), 'w', 1)", "print('astray')"],
    "closed": ["print('astray')", "sys.stdout.close(); sys.stderr.close()"],
    "no stream": ["print('astray', file=sys.stderr)", "sys.stdout = sys.stderr = None"],
    "a fork": ["if not (child := os.fork()): print('astray')", "if child: os.waitpid(child, 0)"],
}


@pytest.mark.parametrize("lines", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("place", ["file", "step", "plain"])
def test_nothing_that_files_and_steps_do_to_the_streams_reaches_the_result(
    desk: Desk, lines: list[str], place: str
) -> None:
    if place == "file" and lines is WAYS["a fork"]:
        lines = ["if not (child := os.fork()): print('astray', flush=True); os._exit(0)"]
    at_top, within = (lines, []) if place == "file" else ([], lines)
    path = desk.step("strays", '{"name": str, "out": None}', *within, "data['out'] = 1", plain=place == "plain")
    imports = "import atexit, io, os, subprocess, sys, threading"
    path.write_text("\n".join((imports, *at_top, path.read_text())))
    if lines is WAYS["the descriptor anew"]:
        desk.warm = None  # a forked interpreter reports at its end what was left open
    ended = desk.spawn("task", "new", "A task", "-d", '{"name": "Ada"}', "--data")
    assert (ended.code, ended.json["out"]) == (0, 1), ended
    assert "astray" in ended.err
    assert "Exception" not in ended.err


def test_what_a_step_did_to_the_streams_is_undone_when_it_ends(desk: Desk) -> None:
    desk.step(
        "first",
        '{"name": str, "out": None}',
        "import io, sys",
        "sys.stdout = sys.stderr = io.StringIO()",
        "data['out'] = 1",
    )
    desk.step(
        "second",
        '{"out": 1, "end": None}',
        "import sys",
        "print('logged')",
        "print('noted', file=sys.stderr)",
        "data['end'] = 1",
    )
    ended = desk.new('{"name": "Ada"}', "--events")
    assert [event["text"] for event in map(loads, ended.out.splitlines()) if event["event"] == "logged"] == [
        "greeting Ada",
        "logged",
    ]
    assert "noted\n" in ended.err


def test_what_children_write_comes_line_by_line_clean_and_without_secrets(desk: Desk) -> None:
    desk.write("aloma.yaml", "secrets: [CANARY]\n")
    tell = (
        r"printf '\033[31mre'; sleep 0.1; printf 'd\033[0m \033]0;title\007\342\202'; printf '\254\n'; "
        r"echo it is $CANARY >&2; printf '10%%\r20%%'"
    )
    desk.step("tells", '{"name": str, "out": None}', "import os", f"os.system({tell!r})", "data['out'] = 1")
    ended = desk.shell("""aloma task new X -d '{"name": "Ada"}' -q --data""", CANARY="a value kept secret")
    assert (ended.code, ended.err) == (0, "red €\nit is «secret:CANARY»\n20%\n")


def test_a_child_that_writes_much_or_stays_holds_nothing_up(desk: Desk) -> None:
    lines = ["import os, subprocess", "os.system('seq 200000')", "data['out'] = 1"]
    lines += ["data['child'] = subprocess.Popen(['sh', '-c', 'seq 100000; exec sleep 30']).pid"]
    desk.step("floods", '{"name": str, "out": None}', *lines, plain=True)
    began = time.monotonic()
    ended = desk.spawn("task", "new", "A task", "-d", '{"name": "Ada"}', "--data", "-q")
    os.kill(ended.json["child"], signal.SIGKILL)
    numbers = [int(line) for line in ended.err.splitlines() if line.isdigit()]
    assert (ended.code, numbers[:200000]) == (0, list(range(1, 200001)))
    assert time.monotonic() - began < 10


def test_forked_children_have_nothing_of_the_run(desk: Desk) -> None:
    lines = [
        "import multiprocessing",
        "fork = multiprocessing.get_context('fork')",
        "child = fork.Process(target=time.sleep, args=(10,))",
        "child.start(); time.sleep(.2); child.terminate(); child.join()",
        "with fork.Pool(2) as pool: data['sums'] = pool.map(sum, [[1, 2], [3, 4]])",
        "teller = fork.Process(target=log, args=('by a child',))",
        "teller.start(); teller.join()",
        "data['out'] = [child.exitcode, teller.exitcode]",
    ]
    desk.step("forks", '{"name": str, "out": None}', *lines, asks="data, log")
    began = time.monotonic()
    ended = desk.spawn("task", "new", "A task", "-d", '{"name": "Ada"}', "--data")
    assert (ended.code, ended.json["sums"], ended.json["out"][0]) == (0, [3, 7], -signal.SIGTERM)
    assert "interrupted" not in ended.err
    assert time.monotonic() - began < 5
    assert desk.run("task", "log").code == 0, "the record is whole"


def test_what_loggers_and_children_write_stands_above_the_live_view(desk: Desk) -> None:
    path = desk.step(
        "tells",
        '{"name": str, "out": None}',
        "for number in range(4):",
        "    await asyncio.sleep(0.3)",
        "    logging.info('message %d', number)",
        "    subprocess.run(['echo', f'\\x1b[31mchild line {number}'])",
        "data['out'] = 1",
    )
    path.write_text(f"import logging, subprocess\nlogging.basicConfig(level=logging.INFO)\n{path.read_text()}")
    code, raw, screen = desk.at_terminal("task", "new", "X", "-d", '{"name": "Ada"}')
    lines = screen.splitlines()
    told = [line for line in lines if line.startswith(("child line", "INFO:root:message"))]
    assert (code, told) == (0, [f"{kind} {n}" for n in range(4) for kind in ("INFO:root:message", "child line")])
    assert not [line for line in lines if line.startswith("├")], "no frame is left behind"
    assert "\x1b[31mchild" not in raw
