"""Requests to processes that run a task, that stand still, or that end; stopping, and resuming what was stopped."""

from __future__ import annotations

import signal
import subprocess

import pytest

from aloma_cli.api import handover
from tests.cli.desk import SLEEPS, Desk, ended, running, until


def test_a_task_that_was_stopped_continues_with_its_subtasks_from_where_it_was(desk: Desk) -> None:
    desk.step("begin", '{"begin": True}', 'task.subtask("part", {"part": 1}, into="part")', asks="task")
    desk.step("works", '{"part": int}', "open('begun', 'a').close()", *WAITS, "data['worked'] = True")
    process = desk.started("task", "new", "A task", "-d", '{"begin": true}')
    until((desk.root / "begun").exists)
    assert desk.run("task", "stop", "@last").code == 0
    assert ended(process).code == 6
    assert {record["state"] for record in desk.run("task", "list", "--all", "--json").json} == {"stopped"}
    (desk.root / "go").touch()
    done = desk.run("task", "resume", "@last", "--data")
    assert (done.code, done.json["part"]["result"]) == (0, {"part": 1, "worked": True})


WAITS = ("import os", "while not os.path.exists('go'): await asyncio.sleep(0.01)")


@pytest.mark.parametrize("file", ["def x(:", "raise GeneratorExit", "while True: pass"])
def test_a_task_can_be_stopped_whatever_its_steps_do_when_loaded(desk: Desk, file: str) -> None:
    task = desk.new("{}").out.strip()
    desk.write("steps/broken.py", f"{file}\n")
    assert desk.spawn("task", "stop", task)[:2] == (0, f"{task}\n")
    assert desk.run("task", "show", "--json").json["state"] == "stopped"


def test_many_settings_of_a_resting_task_at_once_are_all_carried_out(desk: Desk) -> None:
    desk.new()
    processes = [desk.started("task", "set", "@last", f"n{number}=1", "-q") for number in range(8)]
    assert {ended(process, 60).code for process in processes} == {0}
    data = desk.run("task", "show", "--data").json
    assert [data.get(f"n{number}") for number in range(8)] == [1] * 8


def test_what_is_set_later_is_set_last_though_the_earlier_process_was_killed(desk: Desk) -> None:
    with running(desk, SLEEPS) as process:
        process.send_signal(signal.SIGSTOP)
        first = desk.started("task", "set", "@last", "x=1")
        until(lambda: [*desk.root.glob(".aloma/tasks/*/inbox/*.json")])
        first.kill()
        ended(first)
        process.kill()
    assert desk.run("task", "set", "@last", "x=2", "--no-run").code == 0
    assert desk.run("task", "show", "--data").json["x"] == 2


def test_a_request_to_a_process_that_stands_still_is_filed_and_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover, "PATIENCE", 0.5)
    with running(desk, SLEEPS) as process:
        process.send_signal(signal.SIGSTOP)
        filed = desk.run("task", "set", "@last", "x=1")
        assert filed.code == 0
        assert f"process {process.pid}" in filed.err
        assert "did not take the request; the next run will apply it" in filed.err


def test_a_request_that_comes_while_a_cut_step_cleans_up_is_carried_out(desk: Desk) -> None:
    cleans = ["try: await asyncio.sleep(60)", "finally:", "    open('cut', 'w').close(); await asyncio.sleep(0.8)"]
    desk.step("slow", '{"go": True, "end": None}', *cleans)
    desk.write("steps/slow.py", f"withdraw = True\n{(desk.root / 'steps/slow.py').read_text()}")
    desk.step("fast", '{"go": True}', "await asyncio.sleep(0.1)", "data['end'] = True")
    desk.step("react", '{"signal": True}', "data['reacted'] = True")
    process = desk.started("task", "new", "A task", "-d", '{"go": true}')
    until((desk.root / "cut").exists)
    assert desk.spawn("task", "set", "@last", "signal=true").code == 0
    assert ended(process).code == 0
    assert desk.run("task", "show", "--data").json["reacted"] is True


def test_what_a_killed_sender_left_is_removed_in_time(desk: Desk) -> None:
    task = desk.new().out.strip()
    left = desk.write(f".aloma/tasks/{task}/inbox/.1-2-3.json.new", "{")
    subprocess.run(["touch", "-d", "2 hours ago", left], check=True)
    desk.run("task", "resume", task)
    assert not left.exists()


def test_an_interrupted_task_goes_on_and_its_errors_are_left_to_those_who_handle_them(desk: Desk) -> None:
    desk.step("fails", '{"name": str}', "open('tries', 'a').write('x')", "raise ValueError('no')")
    recovers = ["open('begun', 'w').close()", *WAITS, "data['$errors']['fails']['handled'] = True"]
    desk.step("recovers", '{"$errors": {"fails": {"type": str, "handled": None}}}', *recovers)
    process = desk.started("task", "new", "A task", "-d", '{"name": "Ada"}')
    until((desk.root / "begun").exists)
    process.kill()
    ended(process)
    (desk.root / "go").touch()
    assert desk.run("task", "resume", "@last").code == 0
    assert (desk.root / "tries").read_text() == "x"


def test_without_an_id_the_error_names_the_last_task(desk: Desk) -> None:
    task = desk.new().out.strip()
    for command, more in (("stop", ""), ("clone", ""), ("resume", ""), ("answer", " VALUE"), ("redo", " STEP")):
        refused = desk.run("task", command)
        assert (refused.code, refused.out) == (2, "")
        assert f'→ run `aloma task {command} @last{more}` for the last one, "A task" ({task})' in refused.err


@pytest.mark.parametrize("raised", ["GeneratorExit", "asyncio.CancelledError"])
def test_whatever_a_file_raises_when_it_is_loaded_names_the_file(desk: Desk, raised: str) -> None:
    desk.write("steps/odd.py", f"import asyncio\nraise {raised}\n")
    refused = desk.new()
    assert (refused.code, refused.out) == (3, "")
    assert refused.err.startswith("aloma: steps/odd.py:2: ")


def test_ctrl_c_while_a_file_is_loaded_names_the_file(desk: Desk) -> None:
    desk.write("steps/odd.py", "open('begun', 'w').close()\nwhile True:\n    pass\n")
    process = desk.started("step", "list")
    until((desk.root / "begun").exists)
    process.send_signal(signal.SIGINT)
    result = ended(process)
    assert (result.code, "interrupted while steps/odd.py:" in result.err) == (130, True)


def test_a_step_that_raises_keyboard_interrupt_has_failed(desk: Desk) -> None:
    desk.step("odd", '{"name": str}', "raise KeyboardInterrupt")
    result = desk.new()
    assert (result.code, result.out.strip() in desk.tasks) == (1, True)


def test_a_task_that_asks_still_does_after_a_write_that_starts_nothing(desk: Desk) -> None:
    desk.step("ask", '{"name": str}', 'task.ask("Which?", into="which", schema={"$in": ["a", "b"]})', asks="task")
    asked = desk.new()
    assert f"→ aloma task answer {asked.out.strip()} a|b\n" in asked.err
    desk.run("task", "set", "@last", "note=1", "--no-run")
    record = desk.run("task", "show", "--json").json
    assert (record["state"], record["questions"][0]["schema"]["enum"]) == ("question", ["a", "b"])
