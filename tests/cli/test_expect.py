"""`--expect`: a task that ends without what it was to come to is incomplete; `--result`: the result alone."""

from __future__ import annotations

import pytest

from tests.cli.desk import Desk

MET = [
    "greeting",
    "greeting=Hello, Ada!",
    'greeting="Hello, Ada!"',
    "greeting!=Bye",
    "order.total>=12",
    "order.total>11.5",
    "order.total<13",
    "order.total<=12",
    "order.total==12",
    "missing=null",
    '{"order": {"total": {"$gt": 10}}, "greeting": {"$regex": "^Hello"}}',
    'order={"total": 12}',
]
UNMET = {
    "paid": "paid is missing, wanted neither missing nor null",
    "order.total>12": "order.total is 12, wanted > 12",
    "greeting=Bye": 'greeting is "Hello, Ada!", wanted "Bye"',
    '{"order": {"paid": true}}': "order.paid is missing, wanted true",
}
DATA = '{"name": "Ada", "order": {"total": 12}}'


@pytest.mark.parametrize("pattern", MET)
def test_a_task_that_meets_what_is_expected_is_done(desk: Desk, pattern: str) -> None:
    assert desk.new(DATA, "--expect", pattern).code == 0


@pytest.mark.parametrize(("pattern", "miss"), UNMET.items())
def test_a_task_that_falls_short_is_incomplete_and_names_the_nearest_miss(desk: Desk, pattern: str, miss: str) -> None:
    ended = desk.new(DATA, "--expect", pattern)
    assert ended.code == 6
    assert f"not as expected: {miss}" in ended.err
    assert "closest step: greet" in ended.err
    shown = desk.run("task", "show", "--json").json
    assert (shown["state"], shown["reason"]) == ("incomplete", f"not as expected: {miss}")
    assert shown["expected"] is not None


def test_what_is_expected_is_recorded_with_the_task(desk: Desk) -> None:
    assert desk.new(DATA, "--expect", "order.paid=true").code == 6
    assert desk.run("task", "set", "@last", "order.paid=false").code == 6
    assert desk.run("task", "set", "@last", "order.paid=true").code == 0
    assert 'expected: {"order": {"paid": true}}' in desk.run("task", "show").out


def test_resume_judges_a_task_that_is_done_once_more(desk: Desk) -> None:
    assert desk.new(DATA).code == 0
    assert desk.run("task", "resume", "@last", "--expect", "order.paid").code == 6
    assert desk.run("task", "resume", "@last", "--expect", "order.total").code == 0


def test_a_closed_task_is_judged_and_left_as_it_is(desk: Desk) -> None:
    desk.step("close", '{"greeting": str}', "task.complete({'ok': True})", asks="data, task")
    assert desk.new(DATA).code == 0
    ended = desk.run("task", "resume", "@last", "--expect", "order.paid")
    assert (ended.code, "not as expected: order.paid" in ended.err) == (6, True)
    assert desk.run("task", "show", "--json").json["state"] == "done"


def test_completing_does_not_replace_what_is_expected(desk: Desk) -> None:
    desk.step("close", '{"greeting": str}', "task.complete()", asks="data, task")
    assert desk.new(DATA, "--expect", "order.paid").code == 6


def test_wait_judges_what_another_process_ran(desk: Desk) -> None:
    desk.new(DATA)
    assert desk.run("task", "wait", "--expect", "order.total=12").code == 0
    ended = desk.run("task", "wait", "--expect", "order.total=13")
    assert (ended.code, ended.err) == (6, "aloma: not as expected: order.total is 12, wanted 13\n")


def test_a_copy_and_a_rerun_may_expect_something(desk: Desk) -> None:
    desk.new(DATA, "--expect", "greeting")
    assert desk.run("task", "clone", "@last", "--expect", "order.paid").code == 6
    assert desk.run("task", "rerun", "@-2", "--expect", "order.paid").code == 6
    desk.run("task", "rerun", "@-3")
    assert desk.run("task", "show", "--json").json["expected"] == {"greeting": {"$ne": None}}


def test_a_queued_task_keeps_what_is_expected_of_it(desk: Desk) -> None:
    assert desk.new(DATA, "--expect", "order.paid", "--queue").code == 0
    desk.run("worker", "--once", "-q")
    assert desk.run("task", "show", "--json").json["state"] == "incomplete"


def test_each_task_of_a_file_is_judged(desk: Desk) -> None:
    desk.write("names.jsonl", '{"name": "Ada"}\n{"name": "Bob"}\n')
    ended = desk.run("task", "new", "T", "--each", "names.jsonl", "--expect", "name=Ada")
    assert sorted(line.split('"state":"')[1].split('"')[0] for line in ended.out.splitlines()) == ["done", "incomplete"]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("a..b=1", "the path 'a..b' has an empty or broken key"),
        ("=1", "--expect '=1' is not a pattern"),
        ('{"a": {"$gtt": 1}}', "did you mean `$gt`?"),
        ("{'a': 1}", "--expect is not valid JSON"),
        ("a=NaN", "--expect: NaN is not allowed"),
    ],
)
def test_what_is_not_a_pattern_is_refused_before_a_task_is_made(desk: Desk, pattern: str, said: str) -> None:
    ended = desk.new(DATA, "--expect", pattern)
    assert (ended.code, said in ended.err, desk.tasks) == (2, True, [])


def test_the_result_is_that_of_complete_else_the_document(desk: Desk) -> None:
    assert desk.new('{"name": "Ada", "$stash": {"key": 1}}', "--result").json == {
        "name": "Ada",
        "greeting": "Hello, Ada!",
    }
    desk.step("close", '{"greeting": str}', "task.complete(['ok'])", asks="data, task")
    assert desk.new(DATA, "--result").json == ["ok"]
    for command in ("show", "wait"):
        assert desk.run("task", command, "--result").json == ["ok"]
    assert desk.run("task", "show", "--result", "--json").code == 2


def test_the_exit_code_of_a_result_is_that_of_the_state(desk: Desk) -> None:
    desk.step("fail", '{"greeting": str}', "raise ValueError('no')")
    ended = desk.new(DATA, "--result")
    assert (ended.code, ended.json["greeting"]) == (1, "Hello, Ada!")
