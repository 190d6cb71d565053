"""`aloma task show`: one task, for people and for programs."""

from __future__ import annotations

import pytest

from aloma_cli.jsontext import dumps, loads
from tests.cli.desk import SLEEPS, Desk, running

DATA = '{"a": {"b": [{"c": 7}], "d.e": {"f g": "text"}, "n": null}}'


def test_without_an_id_the_last_task_is_shown(desk: Desk) -> None:
    for name in ("Ada", "Bob"):
        desk.new(f'{{"name": "{name}"}}')
    assert desk.run("task", "show", "--path", "name").out == "Bob\n"


@pytest.mark.parametrize("name", ["@last", "@-1", "{id}", "{prefix}", "{ID}"])
def test_a_task_has_several_names(desk: Desk, name: str) -> None:
    task = desk.new().out.strip()
    shown = desk.run("task", "show", name.format(id=task, prefix=task[:12], ID=task.upper()), "--json").json
    assert shown["id"] == task


def test_the_last_but_one_is_the_one_before(desk: Desk) -> None:
    tasks = [desk.new().out.strip() for _ in range(3)]
    assert desk.run("task", "show", "@-2", "--json").json["id"] == sorted(tasks)[1]


def test_json_is_what_the_run_printed(desk: Desk) -> None:
    printed = desk.new('{"name": "Ada"}', "--json").json
    assert desk.run("task", "show", "--json").json == printed


def test_data_is_the_document(desk: Desk) -> None:
    desk.new(DATA)
    assert desk.run("task", "show", "--data").json == loads(DATA)


@pytest.mark.parametrize(
    ("path", "printed"),
    [
        ("a.b.0.c", "7"),
        ('a."d.e"."f g"', "text"),
        ('a."d.e".f g', "text"),
        ("a.n", "null"),
        ("a.b", '[\n  {\n    "c": 7\n  }\n]'),
    ],
)
def test_path_prints_one_value(desk: Desk, path: str, printed: str) -> None:
    desk.new(DATA)
    assert desk.run("task", "show", "--path", path) == (0, f"{printed}\n", "")


def test_path_and_json_quote_a_text(desk: Desk) -> None:
    desk.new(DATA)
    assert desk.run("task", "show", "--path", 'a."d.e".f g', "--json").out == '"text"\n'


@pytest.mark.parametrize(
    ("path", "code", "message"),
    [
        ("b", 9, "the document has no field 'b'\n  → it has a"),
        ("a.x", 9, "a has no field 'x'\n  → it has b, d.e, n"),
        ("a.b.1", 9, "a.b is a list of 1, and has no 1"),
        ("a.b.-1", 9, "a.b is a list of 1, and has no '-1'"),
        ("a.b.0.c.d", 9, "a.b.0.c is a number, and has no 'd'"),
        ("a.d.e", 9, "a has no field 'd'\n  → it has b, d.e, n"),
        ("", 2, "the path '' has an empty or broken key at character 1"),
        ("a..b", 2, "the path 'a..b' has an empty or broken key at character 3"),
    ],
)
def test_a_path_that_is_not_there_names_where_it_leaves(desk: Desk, path: str, code: int, message: str) -> None:
    desk.new(DATA)
    assert desk.run("task", "show", "--path", path) == (code, "", f"aloma: {message}\n")


STASH = '{"name": "Ada", "$stash": {"key": "confidential", "list": ["confidential"]}}'


@pytest.mark.parametrize(
    "command",
    [
        ["task", "show"],
        ["task", "show", "--data"],
        ["task", "show", "--json"],
        ["task", "show", "--path", "$stash.key"],
        ["task", "show", "--path", "children.0"],
        ["task", "show", "@last.1", "--json"],
        ["task", "log", "--changes", "--calls", "--logs"],
        ["task", "log", "--json"],
        ["task", "list", "--all", "--json"],
    ],
)
def test_values_in_the_stash_are_never_shown(desk: Desk, command: list[str]) -> None:
    desk.step(
        "child",
        '{"name": str, "children": None}',
        'data["$stash"]["more"] = {"x": "confidential"}',
        'data["children"] = []',
        'task.subtask("child", {"greeting": 1, "$stash": {"key": "confidential"}}, into="children.0")',
        asks="data, task",
    )
    run = desk.new(STASH, "--events", "--json")
    child = f"{desk.tasks[0]}.1.1" if ".1.1" in run.out else f"{desk.tasks[0]}.2.1"
    ended = desk.run(*[word.replace("@last.1", child) for word in command])
    assert ended.code == 0
    assert "confidential" not in run.out + run.err + ended.out + ended.err


@pytest.mark.parametrize("shown", [["list"], ["log"], ["show"]])
def test_a_round_is_told_without_the_values_that_were_stashed(desk: Desk, shown: list[str]) -> None:
    desk.step("a", '{"on": True}', "data['$stash'] = {'key': 'confidential'}", "data['on'] = False")
    desk.step("b", '{"on": False}', "data['$stash'] = {'key': 'private'}", "data['on'] = True")
    run = desk.new('{"on": true}', "--events")
    told = desk.run("task", *shown, "--json").out
    assert all('"cycle"' in text and "«hidden string»" in text for text in (run.out, told))
    assert not any(word in run.out + told for word in ("confidential", "private"))


def test_people_are_shown_state_agents_and_document(desk: Desk) -> None:
    desk.step("done", '{"greeting": str}', 'task.complete({"greeted": True})', asks="task")
    task = desk.new('{"name": "Ada"}', "--tag", "demo").out.strip()
    facts, *remarks, _, greet, done = desk.run("task", "show").out.split("\n\n{")[0].splitlines()
    assert [facts.split("\t")[at] for at in (0, 1, 4)] == ["A task", "done", task]
    assert remarks == ["  tags: demo", '  result: {"greeted": true}']
    assert [line.split("\t")[:2] for line in (greet, done)] == [["greet", "1"], ["done", "1"]]


def test_a_subtask_is_shown_by_its_id(desk: Desk) -> None:
    desk.step("fan", '{"fan": int, "n": None}', "data['n'] = 0", "task.subtask('one', {'x': 1})", asks="data, task")
    root = desk.new('{"fan": 1}').out.strip()
    shown = desk.run("task", "show", f"{root}.1.1", "--json").json
    assert (shown["name"], shown["parent"], shown["state"], shown["data"]) == ("one", root, "ignored", {"x": 1})
    assert f"one\tignored\t{root}.1.1" in desk.run("task", "show").out


def test_a_running_task_is_shown_with_who_runs_it(desk: Desk) -> None:
    with running(desk, SLEEPS) as process:
        record = desk.run("task", "show", "--json").json
        shown = desk.run("task", "show").out.splitlines()
        assert shown[1].startswith(f"  run by process {process.pid} on ")
    assert (record["state"], record["running"][0]["step"], record["data"]["first"]) == ("running", "slow", 1)
    assert shown[2].startswith("  running: slow for 0.")


def test_a_task_whose_process_was_killed_says_what_to_type(desk: Desk) -> None:
    with running(desk, SLEEPS):
        pass
    shown = desk.run("task", "show").out.splitlines()
    assert shown[1] == f"  interrupted; to continue: aloma task resume {desk.tasks[0]}"
    assert "running" not in shown[2]


def test_a_long_document_is_cut_to_the_screen_but_not_in_a_pipe(desk: Desk) -> None:
    desk.new(dumps({"list": list(range(100))}), "-q")
    _, _, screen = desk.at_terminal("task", "show", height=30)
    assert f"… and 85 more lines: aloma task show {desk.tasks[0]} --data" in screen
    assert len(screen.splitlines()) <= 30
    assert desk.run("task", "show").out.endswith("    99\n  ]\n}\n")


def test_a_terminal_gets_nothing_from_a_document_that_it_would_obey(desk: Desk) -> None:
    desk.new('{"name": "\\u009b31m\\u202e", "\\u001b]0;x\\u0007": 1}', "-q")
    for options in ([], ["--data"], ["--path", "name"], ["--path", "nowhere"]):
        _, raw, _ = desk.at_terminal("task", "show", *options)
        assert not {"\x9b", "\u202e", "\x07"} & set(raw)
    assert desk.run("task", "show", "--path", "name").out == "\x9b31m\u202e\n"


def test_an_error_that_is_no_object_can_be_shown(desk: Desk) -> None:
    desk.step("odd", '{"name": str}', "data['$errors'] = {'mine': 'a text'}")
    assert desk.new().code == 1
    assert '  error in mine: "a text"\n' in desk.run("task", "show").out
