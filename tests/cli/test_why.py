"""What `aloma task why` says about a task, and what it offers to type."""

from __future__ import annotations

import shlex
import signal
import time

import pytest

from aloma_cli.record import events as ev
from aloma_cli.store.files.disk import FileStore
from tests.cli.desk import SLEEPS, Desk, ended, running
from tests.cli.test_tools import CLERK, POST, STORY


def cures(desk: Desk, *arguments: str) -> list[str]:
    """The commands that it offers."""
    lines = desk.run("task", "why", *arguments).out.splitlines()
    return [line.split("→ ")[1] for line in lines if line.startswith("  → ")]


def reasons(desk: Desk) -> dict[str, tuple[int, str]]:
    """For each step of the last task how often it fired, and the sentence about it."""
    steps = desk.run("task", "why", "--json").json["steps"]
    return {one["step"]: (one["fired"], one["reason"]) for one in steps}


def test_a_task_whose_process_died_is_interrupted_and_not_said_to_run(desk: Desk) -> None:
    with running(desk, SLEEPS) as process:
        assert [one["kind"] for one in desk.run("task", "why", "--json").json["waits"]] == ["running"]
        process.send_signal(signal.SIGKILL)
        ended(process)
    resume = f"aloma task resume {desk.tasks[0]}"
    waits = desk.run("task", "why", "--json").json["waits"]
    assert [(one["kind"], one["cure"]) for one in waits] == [("interrupted", resume), ("unfinished", None)]
    told = desk.run("task", "why").out
    assert told.startswith("A task: interrupted\n")
    assert "has been running since" not in told
    assert "slow has not ended: slow" not in told
    assert "slow has not ended: it started at" in desk.run("task", "why", "@last", "slow").out
    assert desk.run("task", "why", "@last", "slow").out.startswith("slow did not end: started ")
    assert desk.run("task", "why", "@last", "slow", "--json").json["fired"]["outcome"] == "unfinished"
    assert resume in cures(desk, "@last", "slow")


def test_a_queued_task_was_not_started_yet(desk: Desk) -> None:
    desk.new('{"name": "Ada"}', "--queue")
    told = desk.run("task", "why").out
    assert "A task: created\n  the task was not started yet; run `aloma worker`, or resume it\n" in told
    assert cures(desk) == [f"aloma task resume {desk.tasks[0]}"]
    assert cures(desk, "@last", "greet") == [f"aloma task resume {desk.tasks[0]}"]


def test_a_step_that_failed_did_not_fire(desk: Desk) -> None:
    desk.step("fail", '{"name": str}', "raise ValueError('no')")
    desk.new()
    assert reasons(desk)["fail"] == (0, "it failed after 1 try: ValueError: no")
    told = desk.run("task", "why").out
    assert "✗ fail   –   it failed after 1 try" in told
    assert "  the task waits for nothing: it ended in error\n" in told
    assert cures(desk) == [f"aloma task resume {desk.tasks[0]}"]


def test_a_step_that_waits_for_approval_has_not_fired_and_continues(desk: Desk) -> None:
    desk.write("steps/clerk.py", CLERK)
    desk.write("connectors/post.py", POST)
    desk.write("responses/clerk.json", STORY)
    desk.run("task", "new", "Letter", "-d", '{"customer": "Ada"}', "--offline")
    assert reasons(desk)["clerk"][0] == 0
    told = desk.run("task", "why", "@last", "clerk").out
    assert told.startswith("clerk paused at entry ")
    assert "clerk has not ended: it asks a person" in told
    assert "does not fire again" not in told
    assert cures(desk) == [f"aloma task answer {desk.tasks[0]} true|false"]


def test_what_is_offered_for_several_questions_names_the_question(desk: Desk) -> None:
    asks = 'task.ask("Send it?", into="send", schema={"type": "boolean"})', 'task.ask("Whom?", into="whom")'
    desk.step("ask", '{"name": str}', *asks, asks="task")
    desk.new()
    task = desk.tasks[0]
    assert cures(desk) == [
        f"aloma task answer {task} true|false --into send",
        f"aloma task answer {task} VALUE --into whom",
    ]
    for cure in cures(desk):
        typed = cure.replace("true|false", "true").replace("VALUE", "Ada")
        assert desk.run(*shlex.split(typed)[1:]).code in (0, 8)
    assert desk.run("task", "show", "@last", "--path", "whom").out.strip() == "Ada"


@pytest.mark.slow
def test_the_whole_command_takes_less_than_a_second_after_ten_thousand_firings(desk: Desk) -> None:
    task, at, steps = "01jd3k0000000000", "2026-01-01T00:00:00.000Z", 20
    for number in range(steps):
        desk.step(f"s{number}", f'{{"turn": {number}}}', f"data['turn'] = {(number + 1) % steps}")
    claim = FileStore(desk.root / ".aloma", fsync=False).create(
        task, [ev.TaskCreated(at=at, task=task, name="t", data={"turn": 0})]
    )
    for firing in range(1, 10_001):
        step, change = f"s{(firing - 1) % steps}", {"op": "replace", "path": "/turn", "value": firing % steps}
        claim.commit([ev.FiringStarted(at=at, task=task, firing=firing, step=step, version=firing - 1)])
        wrote = ev.Committed(
            at=at, task=task, version=firing, by="firing", firing=firing, step=step, changes=(change,), armed=(step,)
        )
        claim.commit([wrote])
    claim.close()
    for question in ([], ["s3"], ["s3", "--entry", "5000"]):
        began = time.process_time()
        assert desk.run("task", "why", task, *question).code == 0
        assert time.process_time() - began < 1
