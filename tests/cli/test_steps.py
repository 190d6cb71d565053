"""`aloma step list` and `aloma step show`."""

from __future__ import annotations

from tests.cli.desk import Desk

FULL = '''
"""Does what can be configured.

More about it.
"""
import re
from aloma_cli import Retry

condition = {"a": {"b": int, "c": {"$gte": 3}}, "d": re.compile("x+")}
priority = 5
retry = Retry(times=4, wait=2)
timeout = 30
rearm = "change"
withdraw = True


def content(data, connectors):
    pass
'''


def test_steps_are_listed_in_the_order_in_which_they_start(desk: Desk) -> None:
    desk.write("steps/full.py", FULL)
    desk.write("steps/a/off.py", "condition = {}\nenabled = False\ndef content(): pass\n")
    rows = [line.split("\t") for line in desk.run("step", "list").out.splitlines()]
    assert rows == [
        ["full", "5", "3", "rearm=change, withdraw, 4 tries, timeout 30s", "Does what can be configured."],
        ["greet", "", "2", "", "Greets a person who has a name and no greeting yet."],
        ["a/off", "", "0", "disabled", ""],
    ]


def test_json_is_a_list_of_steps(desk: Desk) -> None:
    (step,) = desk.run("step", "list", "--json").json
    assert step == {
        "name": "greet",
        "summary": "Greets a person who has a name and no greeting yet.",
        "enabled": True,
        "priority": 0,
        "rearm": "edge",
        "withdraw": False,
        "timeout": None,
        "retry": None,
        "asks_for": ["data", "log"],
        "specificity": 2,
        "condition": {"name": "str", "greeting": None},
        "condition_text": '{"name":str,"greeting":null}',
        "source": str(desk.root / "steps/greet.py"),
    }


def test_broken_files_are_reported_and_the_others_shown(desk: Desk) -> None:
    desk.write("steps/bad.py", "def x(:\n")
    desk.write("steps/worse.py", "condition = {}\n")
    ended = desk.run("step", "list")
    assert ended.code == 3
    assert [line.split("\t")[0] for line in ended.out.splitlines()] == ["greet"]
    assert ended.err == (
        "aloma: steps/bad.py:1: SyntaxError: invalid syntax\n"
        "aloma: steps/worse.py: has no `content`\n  → define what it does: `async def content(data): …`\n"
    )
    assert desk.run("step", "list", "--json").code == 3


def test_where_there_are_no_steps_it_is_said_to_people(desk: Desk) -> None:
    (desk.root / "steps/greet.py").unlink()
    hint = "this workspace has no steps; write one with `aloma step new NAME`"
    assert desk.run("step", "list") == (0, "", "")
    assert desk.at_terminal("step", "list", width=120)[2].rstrip() == hint
    assert desk.new().err.endswith(f"aloma: no step could fire: {hint}\n")


def test_a_task_says_how_many_files_are_broken(desk: Desk) -> None:
    desk.write("steps/bad.py", "def x(:\n")
    desk.write("steps/worse.py", "condition = {}\n")
    assert desk.new() == (
        3,
        "",
        "aloma: steps/bad.py:1: SyntaxError: invalid syntax (and 1 more; `aloma step check` shows all)\n",
    )


def test_a_step_is_shown_with_its_condition(desk: Desk) -> None:
    desk.write("steps/full.py", FULL)
    ended = desk.run("step", "show", "full")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[:3] == [
        "full",
        "  Does what can be configured.",
        f"  source      {desk.root}/steps/full.py",
    ]
    assert "  parameters  data, connectors\n  condition\n    {\n" in ended.out


def test_a_type_is_shown_unlike_the_string_of_its_name(desk: Desk) -> None:
    desk.step("mixed", '{"name": "str", "x": str, "y": [int, "int"]}', "pass")
    shown = desk.run("step", "show", "mixed").out
    assert '"name": "str",' in shown
    assert '"x": str,' in shown
    step = desk.run("step", "show", "mixed", "--json").json
    assert step["condition_text"] == '{"name":"str","x":str,"y":[int,"int"]}'
    assert step["condition"]["x"] == "str"


def test_json_is_the_step(desk: Desk) -> None:
    desk.write("steps/full.py", FULL)
    step = desk.run("step", "show", "full", "--json").json
    assert step["retry"] == {"times": 4, "wait": 2}
    assert step["condition"]["a"] == {"b": "int", "c": {"$gte": 3}}
