"""Signals, and two processes at one task."""

from __future__ import annotations

import signal
import time

import pytest

from tests.cli.desk import SLEEPS, Desk, ended, running

BLOCKS = ("time.sleep(60)",)
IGNORES = (
    "while True:",
    "    try:",
    "        await asyncio.sleep(60)",
    "    except asyncio.CancelledError:",
    "        pass",
)
CLINGS = ("while True:", "    try:", "        time.sleep(60)", "    except BaseException:", "        pass")


def go_on(task: str) -> str:
    return f"aloma: interrupted; to continue: aloma task resume {task}\n"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_and_says_how_to_go_on(desk: Desk, number: signal.Signals, code: int) -> None:
    with running(desk, SLEEPS) as process:
        process.send_signal(number)
        result = ended(process, 1.5)
    (task,) = desk.tasks
    assert (result.code, result.out) == (code, f"{task}\n")
    assert result.err.endswith(go_on(task))


def test_an_interrupted_task_can_be_resumed(desk: Desk) -> None:
    with running(desk, SLEEPS) as process:
        process.send_signal(signal.SIGINT)
        process.wait(5)
    desk.step("slow", '{"first": 1}', "data['slow'] = 1")
    record = desk.run("task", "resume", "@last", "--json").json
    assert (record["state"], record["data"]["slow"]) == ("done", 1)
    assert {step["step"]: step["fired"] for step in record["steps"]} == {"first": 1, "greet": 1, "slow": 1}


def test_an_interrupted_run_prints_what_was_asked_for(desk: Desk) -> None:
    with running(desk, SLEEPS, "--json", "-q") as process:
        process.send_signal(signal.SIGINT)
        result = ended(process)
    assert (result.json["state"], result.json["data"]["first"]) == ("interrupted", 1)
    assert result.err == go_on(desk.tasks[0])


@pytest.mark.parametrize("content", [BLOCKS, IGNORES, CLINGS], ids=["blocks", "ignores", "clings"])
def test_no_step_can_hold_the_program(desk: Desk, content: tuple[str, ...]) -> None:
    with running(desk, content) as process:
        process.send_signal(signal.SIGINT)
        result = ended(process, 6.0)
    (task,) = desk.tasks
    assert (result.code, result.out) == (130, f"{task}\n")
    assert result.err.endswith(go_on(task))
    assert "Traceback" not in result.err
    assert "destroyed" not in result.err


def test_a_plain_step_cannot_hold_the_program(desk: Desk) -> None:
    with running(desk, BLOCKS, plain=True) as process:
        process.send_signal(signal.SIGINT)
        assert ended(process, 2.0).code == 130


def test_a_second_signal_ends_the_program_at_once(desk: Desk) -> None:
    with running(desk, CLINGS) as process:
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        result = ended(process, 1.0)
    assert (result.code, result.out) == (130, f"{desk.tasks[0]}\n")


def test_a_task_that_another_process_runs_cannot_be_resumed(desk: Desk) -> None:
    with running(desk, SLEEPS) as process:
        result = desk.run("task", "resume", "@last", "-q")
        (task,) = desk.tasks
    assert (result.code, result.out) == (7, "")
    assert result.err.startswith(f"aloma: process {process.pid} on ")
    assert result.err.endswith(f"\n  → run `aloma task stop {task}`, or wait until it ends\n")


@pytest.mark.parametrize("content", [SLEEPS, IGNORES], ids=["sleeps", "ignores"])
def test_a_task_is_stopped_from_another_process(desk: Desk, content: tuple[str, ...]) -> None:
    with running(desk, content) as process:
        result = desk.run("task", "stop", "@last", "--reason", "wrong data")
        (task,) = desk.tasks
        assert result == (0, f"{task}\n", "aloma: the process that runs the task has taken the request\n")
        stopped = ended(process, 2.5)
    assert (stopped.code, stopped.out) == (6, f"{task}\n")
    record = desk.run("task", "show", "--json").json
    assert (record["state"], record["reason"]) == ("stopped", "wrong data")


def test_a_run_that_is_over_does_not_wait_for_a_step_that_ignores_its_end(desk: Desk) -> None:
    desk.step("clings", '{"name": str}', *IGNORES)
    desk.step("ends", '{"name": str}', "await asyncio.sleep(0.1)", "task.complete(cancel=True)", asks="task")
    began = time.monotonic()
    result = desk.spawn("task", "new", "A task", "-d", '{"name": "Ada"}')
    assert result.code == 0
    assert time.monotonic() - began < 4
    assert "destroyed" not in result.err
