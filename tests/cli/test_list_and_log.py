"""`aloma task list` and `aloma task log`."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from aloma_cli.clock import SystemClock
from aloma_cli.jsontext import loads
from aloma_cli.record.states import STATES
from tests.cli.desk import SLEEPS, Desk, running


@pytest.fixture
def three(desk: Desk) -> Desk:
    """Tasks that are done, ignored and in error, in this order; the first has a subtask."""
    desk.step("fan", '{"fan": int, "n": None}', "data['n'] = 1", "task.subtask('kid', {'x': 1})", asks="data, task")
    desk.step("fails", '{"bad": int}', "log('before')", "raise ValueError('no')", asks="log")
    for name, data in (("Order Ada", '{"fan": 1}'), ("order Bob", "{}"), ("Other", '{"bad": 1}')):
        desk.run("task", "new", name, "-d", data)
    return desk


def columns(text: str, *wanted: int) -> list[list[str]]:
    return [[line.split("\t")[at] for at in wanted] for line in text.splitlines()]


def test_tasks_are_listed_oldest_first(three: Desk) -> None:
    ended = three.run("task", "list")
    assert (ended.code, ended.err) == (0, "")
    assert columns(ended.out, 1, 2) == [["done", "Order Ada"], ["ignored", "order Bob"], ["error", "Other"]]
    assert [row[0] for row in columns(ended.out, 0)] == three.tasks


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--state", "done"], ["Order Ada"]),
        (["--state", "ERROR"], ["Other"]),
        (["--state", "stopped"], []),
        (["--name", "ORDER"], ["Order Ada", "order Bob"]),
        (["--name", "order", "--state", "ignored"], ["order Bob"]),
        (["--all"], ["Order Ada", "kid", "order Bob", "Other"]),
        (["--all", "--state", "ignored"], ["kid", "order Bob"]),
    ],
)
def test_a_list_can_be_narrowed_and_widened(three: Desk, options: list[str], names: list[str]) -> None:
    assert [row[0] for row in columns(three.run("task", "list", *options).out, 2)] == names


def test_json_is_a_list_of_records(three: Desk) -> None:
    records = three.run("task", "list", "--json").json
    assert [(record["schema"], record["state"]) for record in records] == [(1, "done"), (1, "ignored"), (1, "error")]
    assert "data" not in records[0]
    assert three.run("task", "list", "--state", "waiting", "--json").json == []


@pytest.mark.parametrize(
    ("state", "hint"),
    [
        ("don", "did you mean `done`?"),
        ("x", f"use one of {', '.join(STATES)}"),
    ],
)
def test_a_state_that_is_none_is_refused(three: Desk, state: str, hint: str) -> None:
    assert three.run("task", "list", "--state", state) == (2, "", f"aloma: {state!r} is not a state\n  → {hint}\n")


def test_a_task_is_running_while_a_process_runs_it_and_interrupted_when_none_does(desk: Desk) -> None:
    def seen() -> list[object]:
        listed, shown = desk.run("task", "list").out.split("\t")[1], desk.run("task", "show").out.split("\t")[1]
        [record] = desk.run("task", "list", "--json").json
        return [listed, shown, record["state"], record["held"]]

    with running(desk, SLEEPS):
        assert seen() == ["running", "running", "running", True]
        assert desk.run("task", "list", "--state", "interrupted").out == ""
    assert seen() == ["interrupted", "interrupted", "interrupted", False]
    assert desk.run("task", "list", "--state", "interrupted").out
    desk.run("task", "stop", "@last")
    assert seen()[0::3] == ["stopped", None]


def test_an_empty_list_says_so_to_people_only(desk: Desk) -> None:
    assert desk.run("task", "list") == (0, "", "")
    _, _, screen = desk.at_terminal("task", "list")
    assert screen.rstrip() == "no tasks yet; to make one: aloma task new NAME -d '{…}'"
    desk.new()
    _, _, screen = desk.at_terminal("task", "list", "--name", "other")
    assert screen.rstrip() == "no matching tasks"


@pytest.mark.parametrize("options", [[], ["--json"], ["--all"]])
def test_a_task_that_cannot_be_read_hides_no_other(three: Desk, options: list[str]) -> None:
    journal = three.root / ".aloma" / "tasks" / three.tasks[1] / "journal.jsonl"
    journal.write_bytes(b"x" + journal.read_bytes())
    ended = three.run("task", "list", *options)
    assert (ended.code, ended.err.startswith(f"aloma: line 1 of {journal} is damaged: ")) == (1, True)
    assert [root in ended.out for root in three.tasks] == [True, False, True]


def test_the_log_numbers_what_happened(desk: Desk) -> None:
    desk.new()
    assert columns(desk.run("task", "log").out, 0, 2, 3) == [
        ["0", "created", ""],
        ["1", "fired", "greet"],
        ["", "done", ""],
    ]


def test_details_are_shown_when_they_are_asked_for(desk: Desk) -> None:
    desk.step(
        "ask",
        '{"greeting": str, "x": None}',
        "data['x'] = (await connectors.openai.chat(messages=[], shape={'y': str})).data",
        asks="data, connectors",
    )
    desk.new()

    def details(*options: str) -> list[str]:
        return [
            line.strip()
            for line in desk.run("task", "log", *options).out.splitlines()
            if line[0] == "\t" and line[1] in "+~->|"
        ]

    assert details() == []
    assert details("--logs") == ["| greeting Ada"]
    assert details("--changes") == [
        '+ (document) = {"name": "Ada"}',
        '+ greeting = "Hello, Ada!"',
        '+ x = {"y": "(simulated) y"}',
    ]
    assert [line.split(",")[0] for line in details("--calls")] == ["> 1 openai.chat  aloma-offline"]
    assert details("--entry", "1") == ['+ greeting = "Hello, Ada!"', "| greeting Ada"]
    assert details("--entry", "1", "--logs") == ["| greeting Ada"]
    assert details("--entry", "0") == ['+ (document) = {"name": "Ada"}']


@pytest.mark.parametrize("number", ["2", "-1"])
def test_an_entry_that_is_not_there_is_refused(desk: Desk, number: str) -> None:
    task = desk.new().out.strip()
    message = (
        f"aloma: the log of task {task} has no entry {number}: its entries are 0 to 1\n  → aloma task log {task}\n"
    )
    assert desk.run("task", "log", "--entry", number) == (2, "", message)


def test_json_is_the_list_of_events(desk: Desk) -> None:
    printed = [loads(line) for line in desk.new('{"name": "Ada"}', "--events").out.splitlines()]
    assert desk.run("task", "log", "--json").json == printed


def test_tasks_are_found_by_tags_and_by_several_states(desk: Desk) -> None:
    one = desk.new('{"name": "Ada"}', "--tag", "a", "--tag", "b").out.strip()
    two = desk.new("{}", "--tag", "a").out.strip()

    def found(*options: str) -> list[str]:
        return [line.split("\t")[0] for line in desk.run("task", "list", *options).out.splitlines()]

    assert found("--tag", "a") == [one, two]
    assert found("--tag", "a", "--tag", "b") == [one]
    assert found("--state", "done", "--state", "ignored") == [one, two]


@pytest.mark.parametrize("options", [[], ["--changes", "--logs"], ["--step", "greet"], ["--json"]], ids=" ".join)
def test_the_last_entries_are_the_end_of_the_log(desk: Desk, options: list[str]) -> None:
    for number in range(5):
        desk.step(f"count {number}", f'{{"greeting": str, "count": {number}}}', "data['count'] += 1")
    desk.step("look", '{"count": {"$gt": 2}}', "print('seen')")
    desk.step("fail", '{"count": {"$gt": 3}, "never": None}', "raise ValueError('no')")
    desk.new('{"name": "Ada", "count": 0}')

    def entries(*more: str) -> list[Any]:
        ended = desk.run("task", "log", *options, *more)
        return ended.json if "--json" in options else re.split(r"\n(?!\t\D)", ended.out.rstrip("\n"))

    everything = entries()
    for last in (*range(1, len(everything) + 1), 100):
        assert entries("--last", str(last)) == everything[-last:]


def test_the_last_entries_of_what_people_and_failures_did_have_their_numbers(desk: Desk) -> None:
    desk.step("double", '{"n": int, "twice": None}', "data['twice'] = 2 * data['n']")
    desk.step(
        "try",
        '{"twice": int, "tried": None}',
        "await log.info('trying')",
        "1 / data['n']",
        "data['tried'] = True",
        asks="data, log",
    )
    desk.new('{"n": 0}')
    desk.run("task", "set", "@last", "n=1", "-q")
    desk.run("task", "redo", "@last", "double", "-q")
    lines = desk.run("task", "log").out.splitlines()
    assert len(lines) > 8
    for last in range(1, len(lines) + 1):
        assert desk.run("task", "log", "--last", str(last)).out.splitlines() == lines[-last:]


def test_the_last_entries_are_read_from_the_end_of_the_record(desk: Desk) -> None:
    for number in range(9):
        desk.step(f"step {number}", f'{{"count": {number}}}', "data['count'] += 1")
    task = desk.new('{"count": 0}').out.strip()
    lines = desk.run("task", "log").out.splitlines()
    journal = desk.root / ".aloma" / "tasks" / task / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"seq":2,', b'"seq":x,'))
    assert desk.run("task", "log", "--last", "3").out.splitlines() == lines[-3:]
    assert "line 3 of" in desk.run("task", "log").err


def test_the_log_of_a_step_has_its_entries_with_details(desk: Desk) -> None:
    desk.step("last", '{"greeting": str, "x": None}', "data['x'] = 1")
    desk.new()
    lines = desk.run("task", "log", "--step", "last").out.splitlines()
    assert [line.split("\t")[2:4] for line in lines if line[0] != "\t"] == [["created", ""], ["fired", "last"]]
    assert lines[-1] == "\t+ x = 1"
    events = desk.run("task", "log", "--step", "last", "--json").json
    assert {event["step"] for event in events} == {"last"}


@pytest.mark.parametrize("options", [(), ("--json",), ("--last", "2")])
def test_the_log_of_an_unknown_step_is_refused(desk: Desk, options: tuple[str, ...]) -> None:
    task = desk.new().out.strip()
    (desk.root / "steps" / "greet.py").unlink()  # the record alone is read
    assert desk.run("task", "log", "--step", "greet", *options).code == 0
    message = f"aloma: no step 'gret' fired in task {task}\n  → did you mean `greet`?\n"
    assert desk.run("task", "log", "--step", "gret", *options) == (9, "", message)
    assert desk.run("task", "log", "--step", "nope", *options).err.endswith("\n  → use one of: greet\n")


def test_the_number_of_an_entry_is_not_a_step(desk: Desk) -> None:
    message = "aloma: --step 3: a step has a name\n  → use --entry 3 for the entry of that number\n"
    assert desk.run("task", "log", "--step", "3") == (2, "", message)


def test_one_format_at_a_time(desk: Desk) -> None:
    message = "aloma: --data and --json cannot be used together\n  → use one of them\n"
    assert desk.run("task", "show", "--json", "--data") == (2, "", message)


def test_the_events_of_one_entry_are_printed_alone(desk: Desk) -> None:
    desk.step("shout", '{"greeting": str, "loud": None}', "log('loud')", "data['loud'] = True", asks="data, log")
    desk.new()
    events = desk.run("task", "log", "--entry", "2", "--json").json
    assert [(event["event"], event.get("step")) for event in events] == [
        ("firing_started", "shout"),
        ("logged", "shout"),
        ("committed", "shout"),
    ]
    [created] = desk.run("task", "log", "--entry", "0", "--json").json
    assert created["event"] == "task_created"
    for number in ("3", "99"):
        ended = desk.run("task", "log", "--entry", number, "--json")
        assert (ended.code, f"has no entry {number}: its entries are 0 to 2" in ended.err) == (2, True)


def test_tasks_are_listed_by_their_age(desk: Desk) -> None:
    desk.new()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SystemClock, "now", lambda _: time.time() - 7 * 86_400)
        old = desk.new().out.strip()
    assert len(desk.run("task", "list", "--since", "8d").out.splitlines()) == 2
    assert old not in desk.run("task", "list", "--since", "6d").out
    assert len(desk.run("task", "list", "--since", "6d", "--json").json) == 1
    assert desk.run("task", "list", "--since", "soon").code == 2


def test_a_subtask_of_a_task_that_is_asleep_is_not_interrupted(desk: Desk) -> None:
    desk.step(
        "split",
        '{"name": "Ada", "made": None}',
        "data['made'] = 1",
        "task.subtask('Nap', {'nap': 1})",
        asks="data, task",
    )
    desk.step("nap", '{"nap": 1}', "data['nap'] = 2", "task.park(600)", "step.redo()", asks="data, task, step")
    desk.new('{"name": "Ada"}', "--queue")
    desk.run("worker", "--once", "-q")
    listed = desk.run("task", "list", "--all").out
    assert ("waiting" in listed, "interrupted" in listed) == (True, False)
    shown = desk.run("task", "show", "--json").json
    assert {shown["state"], *(child["state"] for child in shown["children"])} == {"waiting"}
    child = shown["children"][0]["id"]
    assert desk.run("task", "show", child, "--json").json["state"] == "waiting"
