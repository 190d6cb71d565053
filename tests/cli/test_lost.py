"""Mistakes of a step that Python reports badly or not at all: the run reports them, with the line and the cure."""

from __future__ import annotations

import signal
import time

import pytest

from tests.cli.desk import Desk, ended

WANTS = '{"name": str, "out": None}'

LOST = {
    "no await": (
        ["connectors.http.post('http://127.0.0.1:1/x', json={})", "data['out'] = 1"],
        's called connectors.http.post without await (steps/s.py:7): write "await connectors.http.post(…)"',
    ),
    "no await, and used": (
        ["answer = connectors.openai.chat(messages=[])", "data['out'] = answer.data"],
        's called connectors.openai.chat without await (steps/s.py:7): write "await connectors.openai.chat(…)"',
    ),
    "no await, and kept": (
        ["data['out'] = connectors.openai.chat(messages=[])"],
        's called connectors.openai.chat without await (steps/s.py:7): write "await connectors.openai.chat(…)"',
    ),
    "returned": (
        ["if data:", "    return {'out': 1}"],
        "s returned a dict; the return value of content is ignored (steps/s.py:8): write into data",
    ),
    "left behind": (
        ["async def later():", "    await asyncio.sleep(60)", "asyncio.create_task(later())", "data['out'] = 1"],
        "s returned while a task that it had started was still running (steps/s.py:9): await the task",
    ),
    "a call left behind": (
        ["asyncio.create_task(connectors.http.get('http://127.0.0.1:1/x'))", "data['out'] = 1"],
        "s called connectors.http.get without await (steps/s.py:7)",
    ),
}


@pytest.mark.parametrize("case", LOST)
def test_what_would_be_lost_fails_the_firing_with_its_line_and_its_cure(desk: Desk, case: str) -> None:
    lines, said = LOST[case]
    desk.step("s", WANTS, *lines, asks="data, connectors, task")
    result = desk.new('{"name": "Ada", "greeting": "x"}', "--data")
    assert result.code == 1
    assert any(said in line for line in result.err.splitlines()), result.err
    assert "Warning" not in result.err
    assert "out" not in result.json
    assert said in desk.run("task", "show").out
    assert "\trunning\t" not in desk.run("task", "log").out


def test_a_task_in_which_nothing_was_changed_is_ignored_and_names_the_steps_that_ran(desk: Desk) -> None:
    desk.step("s", WANTS, "data = {**data, 'out': 1}", plain=True)
    result = desk.new('{"name": "Ada", "greeting": "x"}')
    assert result.code == 6
    assert "ran, and changed nothing: s" in result.err
    assert 'a step changes its task by writing into data: data["key"] = value' in result.err


def test_what_a_step_leaves_to_a_library_goes_on(desk: Desk) -> None:
    keep = ["asyncio.get_running_loop().kept = asyncio.ensure_future(asyncio.sleep(0.01))", "data['out'] = 1"]
    desk.step("s", WANTS, *keep)
    assert desk.new('{"name": "Ada", "greeting": "x"}').code == 0


def test_what_is_left_behind_can_neither_call_nor_ask_nor_use_data_when_its_firing_has_ended(desk: Desk) -> None:
    later = [
        "def later():",
        "    uses = [lambda: data.update(late=1), lambda: data['name'], data.clear, lambda: [*data]]",
        "    for what in (lambda: task.subtask('x', {}), step.redo, connectors.http.get, *uses):",
        "        try:",
        "            what()",
        "        except Exception as error:",
        "            log.warning(f'late: {error}')",
        "asyncio.get_running_loop().call_later(0.05, later)",
        "data['out'] = 1",
    ]
    desk.step("s", WANTS, *later, asks="data, connectors, task, step, log")
    desk.step("slow", WANTS, "await asyncio.sleep(0.4)", "data['slow'] = 1")
    result = desk.new('{"name": "Ada", "greeting": "x"}', "--data")
    assert result.json == {"name": "Ada", "greeting": "x", "out": 1, "slow": 1}
    assert result.err.count("late: this firing has ended") == 7
    assert "running" not in desk.run("task", "log").out


HINTS = {
    "dots": (["data['out'] = data.name.first"], 'write data["name"]'),
    "a key": (["data['out'] = data['nmae']"], "data has name; did you mean that?"),
    "the answer for its data": (
        ["answer = await connectors.openai.chat(messages='?', shape={'price': int})", "data['out'] = answer['price']"],
        'write answer.data["price"]',
    ),
    "the answer's attribute for its data": (
        ["answer = await connectors.openai.chat(messages='?', shape={'price': int})", "data['out'] = answer.price"],
        'write answer.data["price"]',
    ),
    "an argument of task": (
        ["task.ask('Who?', 'who', type=str)"],
        "it takes (question, into, schema=None, default=None, timeout=None, context=None)",
    ),
    "a connector": (["await connectors.crm.find()"], "there is no connector 'crm'"),
    "await": (["await task.ask('Who?', 'who')"], "task.ask does not wait"),
    "log": (["log('x', level='info')"], "log() got an unexpected keyword argument 'level'"),
    "a date": (["import datetime", "now = datetime.datetime.now()", "data['out'] = now"], "write now.isoformat()"),
    "a model": (
        ["from pydantic import BaseModel", "class Found(BaseModel):", "    a: int", "data['out'] = Found(a=1)"],
        'write .model_dump(mode="json") after it',
    ),
    "positional": (
        ["await connectors.openai.chat('gpt-4', [])"],
        "connectors.openai.chat takes its arguments by name only: write messages=…",
    ),
    "readable types": (["await connectors.openai.chat()"], "it takes (messages: Sequence[Any] | str, model: str = "),
    "one too many": (["await connectors.http.get('https://a.example', {})"], "connectors.http.get takes 1 by position"),
    "none": (["await connectors.openai.chat()"], "connectors.openai.chat needs messages=…"),
    "JSON": (["import json", "data['out'] = json.loads('Sure!')"], "→ ask the model with shape="),
    "keyboard": (["data['out'] = input('?')"], "a step has no keyboard: use task.ask"),
}


@pytest.mark.parametrize("case", HINTS)
def test_a_common_mistake_is_told_with_its_line_and_what_to_write(desk: Desk, case: str) -> None:
    lines, said = HINTS[case]
    desk.step("s", WANTS, *lines, asks="data, connectors, task, log")
    result = desk.new('{"name": "Ada", "greeting": "x"}')
    (line,) = [line for line in result.err.splitlines() if "failed  " in line]
    assert f"(steps/s.py:{6 + len(lines)})" in line
    assert "__" not in line
    assert said in result.err


def test_a_call_in_a_forgotten_task_is_told_once(desk: Desk) -> None:
    desk.step("s", WANTS, "asyncio.ensure_future(connectors.http.get('https://a.example'))", asks="data, connectors")
    result = desk.new('{"name": "Ada", "greeting": "x"}')
    assert "s called connectors.http.get without await" in result.err
    assert "Traceback" not in result.err
    assert "never retrieved" not in result.err


def test_errors_inside_errors_are_shown_with_their_places(desk: Desk) -> None:
    bad = ["async def bad(n):", "    raise ValueError(f'bad {n}')", "async with asyncio.TaskGroup() as group:"]
    desk.step("group", WANTS, *bad, "    group.create_task(bad(1)); group.create_task(bad(2))")
    desk.step(
        "why", WANTS, "try:", "    {}['inner']", "except KeyError as error:", "    raise OSError('outer') from error"
    )
    desk.step("note", WANTS, "error = ValueError('x')", "error.add_note('look here')", "raise error")
    result = desk.new('{"name": "Ada", "greeting": "x"}')
    assert "(2 sub-exceptions): ValueError: bad 1 (steps/group.py:8)" in result.err
    shown = desk.run("task", "show").out
    assert "part: ValueError: bad 2 (steps/group.py:8)" in shown
    assert "cause: KeyError: 'inner' (steps/why.py:8)" in shown
    assert "note: look here" in shown


BROKEN = {
    "hint": ("Exception", "@property", "def hint(self): raise RuntimeError('no')"),
    "str": ("Exception", "def __str__(self): raise KeyboardInterrupt"),
    "repr": ("Exception", "__str__ = __repr__ = None"),
    "class": ("Exception", "@property", "def __class__(self): raise SystemExit"),
    "keyboard": ("KeyboardInterrupt", "pass"),
    "exit": ("SystemExit", "pass"),
    "generator": ("GeneratorExit", "pass"),
    "cancelled": ("asyncio.CancelledError", "pass"),
}


@pytest.mark.parametrize("plain", [False, True], ids=["async", "plain"])
@pytest.mark.parametrize("case", BROKEN)
def test_whatever_a_step_raises_is_its_failure(desk: Desk, case: str, plain: bool) -> None:
    base, *body = BROKEN[case]
    raising = [f"class Odd({base}):", *(f"    {line}" for line in body), "raise Odd('x')"]
    desk.step("s", WANTS, *raising, plain=plain)
    result = desk.spawn("task", "new", "T", "-d", '{"name": "Ada"}', "--data")
    assert (result.code, result.json["$errors"]["s"]["type"]) == (1, "Odd"), result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize("how", ["raise KeyboardInterrupt", "raise SystemExit(3)"])
def test_a_task_of_a_step_cannot_end_the_program(desk: Desk, how: str) -> None:
    desk.step("s", WANTS, "async def helper():", f"    {how}", "await asyncio.gather(helper())")
    result = desk.spawn("task", "new", "T", "-d", '{"name": "Ada"}', "--data")
    assert (result.code, result.json["greeting"]) == (1, "Hello, Ada!")
    assert result.json["$errors"]["s"]["type"] in ("KeyboardInterrupt", "SystemExit")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_pattern_that_explodes_is_ended_by_the_first_signal_which_names_the_step(
    desk: Desk, number: signal.Signals, code: int
) -> None:
    desk.write("steps/s.py", "import re\ncondition = {'x': re.compile('^(a+)+$')}\ndef content(data): pass\n")
    process = desk.started("task", "new", "T", "-d", '{"x": "' + "a" * 40 + '!"}')
    try:
        assert process.stderr is not None
        assert "created" in process.stderr.readline()
        time.sleep(0.3)
        process.send_signal(number)
        result = ended(process, 10)
    finally:
        process.kill()
    assert result.code == code
    assert "aloma: interrupted; to continue: aloma task resume" in result.err
    assert "step s: a pattern in its condition takes too long to match" in result.err


NEAREST = {
    "{'greetin': str}": "(the document has greeting: did you mean that?)",
    "{'greeting': 'str', 'name': None}": '(the string "str"; for any string write str without quotes)',
}


@pytest.mark.parametrize("condition", NEAREST)
def test_a_slip_in_a_condition_is_seen(desk: Desk, condition: str) -> None:
    desk.step("s", condition, "data['out'] = 1")
    result = desk.new('{"greeting": "x"}')
    assert result.code == 6
    assert NEAREST[condition] in result.err


DATA = {
    "nofile.json": "did you mean `-f nofile.json`?",
    "{'a': 1}": "put names and strings in double quotes",
    '{"a": 1,}': "remove the comma before }",
    '{"a": 1}\n{"a": 2}': "create one task for each line",
}


@pytest.mark.parametrize("data", DATA)
def test_data_that_is_not_json_is_told_with_what_to_write(desk: Desk, data: str) -> None:
    result = desk.new(data)
    assert result.code == 2
    assert DATA[data] in result.err


def test_a_file_in_utf_16_is_known(desk: Desk) -> None:
    path = desk.write("data.json", '{"a": 1}'.encode("utf-16"))
    assert "it looks like UTF-16: save it as UTF-8" in desk.run("task", "new", "T", "-f", str(path)).err


def test_a_subtask_that_no_step_takes_up_is_told_at_the_end(desk: Desk) -> None:
    desk.step("s", WANTS, "task.subtask('Child', {'x': 1})", "data['out'] = 1", asks="data, task")
    result = desk.new('{"name": "Ada"}')
    assert (result.code, "1 subtask was ignored: Child" in result.err) == (0, True)
