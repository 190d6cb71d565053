"""Tasks for which no condition holds, steps that raise, and continuing after that."""

from __future__ import annotations

import pytest

from tests.cli.desk import Desk

FAILS = """
condition = {"first": int, "second": None}


def helper(data):
    return data["first"] / data["divisor"]


async def content(data):
    data["second"] = helper(data)
"""

NEAREST = [
    "greet: name is missing, wanted a string",
    "other: a is missing, wanted a number; b is missing, wanted a string",
]


@pytest.fixture
def ignored(desk: Desk) -> Desk:
    desk.step("other", '{"a": int, "b": str, "c": {"d": str}}', "pass")
    return desk


@pytest.fixture
def failing(desk: Desk) -> Desk:
    desk.step("first", '{"n": int, "first": None}', "data['first'] = data['n'] + 1")
    desk.write("steps/second.py", FAILS)
    return desk


def test_an_ignored_task_says_at_once_which_steps_came_nearest(ignored: Desk) -> None:
    ended = ignored.new('{"c": {}}')
    assert ended.code == 6
    told = [line.split("closest step: ")[1] for line in ended.err.splitlines() if "closest step: " in line]
    assert told == [
        "greet: name is missing, wanted a string",
        "other: a is missing, wanted a number; b is missing, wanted a string; c.d is missing, wanted a string",
    ]


def test_a_task_without_data_says_how_to_give_it(ignored: Desk) -> None:
    hint = "→ the task has no data: aloma task new NAME -d '{…}', or -f FILE"
    assert hint in ignored.run("task", "new", "T").err
    assert hint not in ignored.new('{"c": {}}').err


def test_an_ignored_task_is_shown_with_the_steps_that_came_nearest(ignored: Desk) -> None:
    record = ignored.new('{"c": {}}', "--json").json
    assert [(miss["step"], miss["missing"][0], miss["more"]) for miss in record["missing"]] == [
        ("greet", "name is missing, wanted a string", 0),
        ("other", "a is missing, wanted a number", 0),
    ]
    shown = ignored.run("task", "show").out
    assert "  closest step: greet: name is missing, wanted a string\n  closest step: other: a is missing" in shown


def test_a_step_that_raises_puts_the_task_in_error(failing: Desk) -> None:
    ended = failing.new('{"n": 1}', "--data")
    assert ended.code == 1
    error = ended.json["$errors"]["second"]
    assert (error["type"], error["message"], error["attempts"]) == ("KeyError", "'divisor'", 1)
    assert "KeyError: 'divisor' (steps/second.py:6)" in ended.err
    assert "Traceback" not in ended.err


def test_a_task_in_error_is_shown_with_the_steps_own_frames_and_none_of_ours(failing: Desk) -> None:
    task = failing.new('{"n": 1}').out.strip()
    shown = failing.run("task", "show").out
    path = failing.root / "steps/second.py"
    assert shown.split("\n", 1)[1].startswith(
        "  error in second: KeyError: 'divisor'\n"
        f'      File "{path}", line 10, in content\n'
        '        data["second"] = helper(data)\n'
    )
    assert f'File "{path}", line 6, in helper\n        return data["first"] / data["divisor"]\n' in shown
    assert f"  after fixing it: aloma task resume {task}\n" in shown
    assert "aloma_cli" not in shown


def test_a_step_that_raises_is_told_also_where_the_task_waits_for_a_person(failing: Desk) -> None:
    failing.step("asks", '{"n": int, "ok": None}', "task.ask('Go?', into='ok', schema=bool)", asks="task")
    ended = failing.new('{"n": 1}')
    task = ended.out.strip()
    assert ended.code == 8
    assert "  error in second: KeyError: 'divisor'\n" in ended.err
    assert ended.err.endswith(
        f"  after fixing it: aloma task resume {task}\n  ? Go?\n  → aloma task answer {task} true|false\n"
    )


def test_the_hint_of_an_error_is_shown(desk: Desk) -> None:
    raising = "raise PermanentError('it is closed', hint='open it')"
    desk.step("fails", '{"name": str}', "from aloma_cli import PermanentError", raising)
    desk.new()
    shown = desk.run("task", "show").out
    assert f"        {raising}\n    → open it\n  after fixing it:" in shown


def test_the_log_names_the_line_that_raised(failing: Desk) -> None:
    failing.new('{"n": 1}')
    assert "KeyError: 'divisor' (steps/second.py:6)\n" in failing.run("task", "log").out


def test_resume_tries_what_failed_again_and_nothing_else(failing: Desk) -> None:
    failing.new('{"n": 1}')
    failing.write("steps/second.py", FAILS.replace('data["divisor"]', "2"))
    ended = failing.run("task", "resume", "@last", "--json")
    record = ended.json
    assert (ended.code, record["state"]) == (0, "done")
    assert record["data"] == {"n": 1, "first": 2, "second": 1.0}
    assert [(step["step"], step["fired"], step["failed"]) for step in record["steps"]] == [
        ("first", 1, 0),
        ("second", 1, 1),
    ]


def test_resume_of_what_is_not_mended_is_in_error_again(failing: Desk) -> None:
    failing.new('{"n": 1}')
    ended = failing.run("task", "resume", "@last", "--data")
    assert (ended.code, ended.json["$errors"]["second"]["attempts"]) == (1, 1)


def test_resume_does_not_run_with_a_broken_step(failing: Desk) -> None:
    failing.new('{"n": 1}')
    before = failing.run("task", "log").out
    failing.write("steps/second.py", "def x(:\n")
    assert failing.run("task", "resume", "@last") == (3, "", "aloma: steps/second.py:1: SyntaxError: invalid syntax\n")
    assert failing.run("task", "log").out == before


def test_resume_of_a_task_that_is_done_but_open_is_done_at_once(desk: Desk) -> None:
    task = desk.new().out.strip()
    assert desk.run("task", "resume", task)[:2] == (0, f"{task}\n")


def test_resume_of_a_closed_task_says_so_and_exits_with_its_state(desk: Desk) -> None:
    desk.step("end", '{"greeting": str}', "task.complete()", asks="task")
    task = desk.new().out.strip()
    message = f"aloma: task {task} is closed (done): there is nothing to resume\n"
    assert desk.run("task", "resume", task) == (0, f"{task}\n", message)


def test_a_task_is_stopped_with_its_reason_until_it_is_resumed(desk: Desk) -> None:
    task = desk.new("{}").out.strip()
    assert desk.run("task", "stop", "@last", "--reason", "wrong data") == (0, f"{task}\n", "")
    record = desk.run("task", "show", "--json").json
    assert (record["state"], record["closed"], record["reason"]) == ("stopped", False, "wrong data")
    assert desk.run("task", "stop", task) == (0, f"{task}\n", f"aloma: task {task} is already stopped\n")
    written = desk.run("task", "set", task, "name=Ada", "--json")
    assert (written.code, written.json["state"], written.json["data"]) == (0, "stopped", {"name": "Ada"})
    resumed = desk.run("task", "resume", task, "--data")
    assert (resumed.code, resumed.json) == (0, {"name": "Ada", "greeting": "Hello, Ada!"})


def test_one_task_in_error_is_no_error_of_the_commands_that_look_at_it(failing: Desk) -> None:
    failing.new('{"n": 1}')
    assert [failing.run("task", command).code for command in ("show", "list", "log")] == [0, 0, 0]


def test_resume_says_which_steps_are_not_what_they_were_when_they_fired(desk: Desk) -> None:
    for name in ("same", "content", "condition", "gone"):
        desk.step(name, f'{{"name": str, "{name}": None}}', f'data["{name}"] = True')
    fails = desk.step("fails", '{"name": str, "mended": None}', "1 / 0")
    task = desk.new().out.strip()
    fails.write_text(fails.read_text().replace("1 / 0", 'data["mended"] = True'))
    desk.step("content", '{"name": str, "content": None}', 'data["content"] = "new"')
    desk.step("condition", '{"name": str, "condition": None, "never": 1}', 'data["condition"] = True')
    (desk.root / "steps/gone.py").unlink()
    resumed = desk.run("task", "resume", task)
    changed = "condition (condition), content (content), fails (content), gone (gone)"
    said = f"aloma: the code of these steps has changed since they ran: {changed}\n"
    assert (resumed.code, said in resumed.err) == (0, True), resumed.err


@pytest.fixture
def circling(desk: Desk) -> Desk:
    desk.step("ping", '{"turn": "ping"}', "data['turn'] = 'pong'")
    desk.step("pong", '{"turn": "pong"}', "data['turn'] = 'ping'")
    return desk


def test_a_task_that_gets_nowhere_ends_short_of_its_goal_and_shows_the_round(circling: Desk) -> None:
    ended = circling.new('{"turn": "ping"}')
    assert ended.code == 6
    assert "no progress: pong → ping led back to the same state 3 times" in ended.err
    told = [line.split("cycle: ")[1] for line in ended.err.splitlines() if "cycle: " in line]
    assert told == ['pong: ~ turn = "ping"', 'ping: ~ turn = "pong"']
    assert f"aloma task set {ended.out.strip()} path=…" in ended.err
    shown = circling.run("task", "show", "@last")
    assert 'cycle: pong: ~ turn = "ping"' in shown.out
    record = circling.run("task", "show", "@last", "--json").json
    assert (record["state"], [leg["step"] for leg in record["cycle"]]) == ("incomplete", ["pong", "ping"])


def test_a_task_that_got_nowhere_goes_on_when_it_is_resumed_or_helped_out(circling: Desk) -> None:
    first = circling.new('{"turn": "ping"}').err.count("s  fired ")
    resumed = circling.run("task", "resume", "@last")
    assert (resumed.code, resumed.err.count("s  fired ")) == (6, first)
    helped = circling.run("task", "set", "@last", "turn=over")
    assert helped.code == 0
