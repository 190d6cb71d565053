"""`aloma worker`: runs what is due, leaves what waits, and never runs a task that another process runs."""

from __future__ import annotations

import signal
import time
from collections import Counter

import pytest

from aloma_cli.jsontext import loads
from tests.cli.desk import Desk, ended, until


def queue(desk: Desk, data: str = '{"name": "Ada"}', *options: str) -> str:
    created = desk.run("task", "new", "T", "-d", data, "--queue", "-q", *options)
    assert created.code == 0
    return created.out.strip()


def state(desk: Desk, task: str) -> str:
    return str(desk.run("task", "show", task, "--json").json["state"])


def fired(desk: Desk) -> Counter[str]:
    """How often each task was named in the file that steps add a line to."""
    return Counter((desk.root / "fired").read_text().split())


FIRES = "open('fired', 'a').write(data['name'] + '\\n')"


def test_a_queued_task_is_created_and_not_run(desk: Desk) -> None:
    task = queue(desk)
    assert state(desk, task) == "created"
    assert "aloma worker" in desk.run("task", "new", "T", "-d", '{"name": "Ada"}', "--queue").err
    assert "not started yet" in desk.run("task", "show", task).out


def test_a_task_that_no_process_runs_is_not_watched_without_a_word(desk: Desk) -> None:
    queue(desk)
    watches = desk.started("task", "watch", "@last")
    time.sleep(1.5)
    worker = desk.started("worker", "--once", "-q")
    assert ended(worker).code == 0
    watched = ended(watches)
    assert watched.code == 0
    assert "no process runs it now" in watched.err


def test_a_worker_runs_what_is_queued_and_ends_when_told_to_end_then(desk: Desk) -> None:
    tasks = [queue(desk) for _ in range(5)]
    printed = desk.run("worker", "--once", "--json", "-c", "2")
    assert printed.code == 0
    assert {loads(line)["id"] for line in printed.out.splitlines()} == {*tasks}
    assert {state(desk, task) for task in tasks} == {"done"}


def test_a_worker_that_ends_says_whether_a_task_was_due(desk: Desk) -> None:
    assert desk.run("worker", "--once").err.endswith("\naloma: no task was due\n")
    queue(desk)
    assert "no task was due" not in desk.run("worker", "--once").err
    assert desk.run("worker", "--once", "-q").err == ""


def test_a_timer_comes_true_with_nobody_looking(desk: Desk) -> None:
    desk.step("wait", '{"name": str, "waited": None}', *WAITS, asks="data, task, step")
    task = queue(desk)
    assert desk.run("worker", "--once").code == 0
    assert state(desk, task) == "waiting"
    listed = desk.run("task", "list").out
    assert ("waiting" in listed, "interrupted" in listed) == (True, False)
    assert "continues at" in desk.run("task", "show", task).out
    assert desk.run("worker", "--drain").code == 0
    assert desk.run("task", "show", task, "--json").json["data"]["waited"] is True


WAITS = (
    "if 'parked' in data:",
    "    data['waited'] = True",
    "else:",
    "    data['parked'] = True",
    "    task.park(3)",
    "    step.redo()",
)


def test_the_default_of_a_question_comes_true_with_nobody_looking(desk: Desk) -> None:
    desk.step(
        "ask", '{"name": str, "ok": None}', "task.ask('Approve?', into='ok', default=True, timeout=1)", asks="task"
    )
    task = queue(desk)
    desk.run("worker", "--drain")
    assert desk.run("task", "show", task, "--data").json["ok"] is True


def test_two_workers_share_the_tasks_and_run_none_twice(desk: Desk) -> None:
    desk.step("fire", '{"name": str, "fired": None}', FIRES, "await asyncio.sleep(0.02)", "data['fired'] = True")
    for number in range(20):
        queue(desk, f'{{"name": "n{number}"}}')
    workers = [desk.started("worker", "--once", "-c", "3") for _ in range(2)]
    assert {ended(worker, 60).code for worker in workers} == {0}
    assert fired(desk) == Counter(f"n{number}" for number in range(20))


def test_what_a_killed_worker_left_is_continued_by_the_next(desk: Desk) -> None:
    desk.step("slow", '{"name": str, "slept": None}', "open('began', 'w').close()", *SLEEPS_ONCE)
    task = queue(desk)
    worker = desk.started("worker")
    until((desk.root / "began").exists)
    worker.kill()
    ended(worker)
    (desk.root / "go").touch()
    assert desk.run("worker", "--once").code == 0
    assert state(desk, task) == "done"


SLEEPS_ONCE = (
    "import os",
    "while not os.path.exists('go'): await asyncio.sleep(0.01)",
    "data['slept'] = True",
)


def test_a_worker_that_is_terminated_lets_running_steps_end_and_starts_nothing_more(desk: Desk) -> None:
    desk.step("slow", '{"name": str, "slept": None}', "open('began', 'w').close()", *SLEEPS_ONCE)
    desk.step("after", '{"slept": True, "after": None}', "data['after'] = True")
    task = queue(desk)
    worker = desk.started("worker")
    until((desk.root / "began").exists)
    worker.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    (desk.root / "go").touch()
    assert ended(worker).code == 0
    data = desk.run("task", "show", task, "--data").json
    assert (data["slept"], data.get("after")) == (True, None)
    assert desk.run("worker", "--once").code == 0
    assert desk.run("task", "show", task, "--data").json["after"] is True


def test_a_second_signal_ends_a_worker_at_once(desk: Desk) -> None:
    desk.step("slow", '{"name": str, "slept": None}', "open('began', 'w').close()", *SLEEPS_ONCE)
    task = queue(desk)
    worker = desk.started("worker")
    until((desk.root / "began").exists)
    worker.send_signal(signal.SIGINT)
    time.sleep(0.3)
    worker.send_signal(signal.SIGINT)
    assert ended(worker).code == 130
    assert state(desk, task) == "interrupted"


def test_a_request_reaches_the_worker_that_runs_the_task(desk: Desk) -> None:
    desk.step("slow", '{"name": str, "slept": None}', "open('began', 'w').close()", *SLEEPS_ONCE)
    desk.step("other", '{"extra": 1, "seen": None}', "data['seen'] = True")
    task = queue(desk)
    worker = desk.started("worker")
    until((desk.root / "began").exists)
    assert desk.run("task", "set", task, "extra=1").code == 0
    (desk.root / "go").touch()
    until(lambda: state(desk, task) == "done")
    worker.terminate()
    assert ended(worker).code == 0
    assert desk.run("task", "show", task, "--data").json["seen"] is True


def test_only_tasks_with_the_tag_are_taken(desk: Desk) -> None:
    night, day = queue(desk, '{"name": "a"}', "--tag", "night"), queue(desk)
    desk.run("worker", "--once", "--only", "night")
    assert (state(desk, night), state(desk, day)) == ("done", "created")


def test_a_queued_task_can_be_followed_to_its_end(desk: Desk) -> None:
    desk.step("fail", '{"fail": True}', "raise ValueError('bad')", asks="data")
    worker = desk.started("worker")
    done = desk.run("task", "new", "T", "-d", '{"name": "Ada"}', "--queue", "--wait")
    failed = desk.run("task", "new", "T", "-d", '{"fail": true}', "--queue", "--wait")
    worker.terminate()
    ended(worker)
    assert (done.code, failed.code) == (0, 1)
    assert "greet" in done.err


def test_a_stopped_task_is_resumed_by_a_worker_once_it_is_queued_again(desk: Desk) -> None:
    task = queue(desk)
    desk.run("task", "stop", task)
    desk.run("worker", "--once")
    assert state(desk, task) == "stopped"
    assert desk.run("task", "resume", task, "--queue").code == 0
    desk.run("worker", "--once")
    assert state(desk, task) == "done"


def test_a_damaged_task_is_named_once_and_the_others_run(desk: Desk) -> None:
    broken, whole = queue(desk), queue(desk)
    journal = desk.root / ".aloma" / "tasks" / broken / "journal.jsonl"
    journal.write_bytes(b"{}\n" + journal.read_bytes())
    printed = desk.run("worker", "--drain")
    assert printed.err.count(f"task {broken}:") == 1
    assert state(desk, whole) == "done"


@pytest.mark.parametrize("options", [("-c", "0"), ("--once", "--drain"), ("-c", "many")])
def test_options_that_make_no_sense_are_refused(desk: Desk, options: tuple[str, ...]) -> None:
    assert desk.run("worker", *options).code == 2


def test_a_run_of_another_process_can_be_watched_to_its_end(desk: Desk) -> None:
    desk.step("slow", '{"name": str, "slept": None}', "open('began', 'w').close()", *SLEEPS_ONCE)
    runs = desk.started("task", "new", "T", "-d", '{"name": "Ada"}')
    until((desk.root / "began").exists)
    watches = desk.started("task", "watch", "@last")
    waits = desk.started("task", "wait", "@last", "--data")
    time.sleep(2)
    (desk.root / "go").touch()
    assert ended(runs).code == 0
    watched, waited = ended(watches), ended(waits)
    assert (watched.code, waited.code) == (0, 0)
    assert "slow" in watched.err
    assert loads(waited.out)["slept"] is True
    assert waited.err == ""
    assert "is at rest: done" in desk.run("task", "watch", "@last").err


def test_ctrl_c_ends_the_watching_and_not_the_task(desk: Desk) -> None:
    desk.step("slow", '{"name": str, "slept": None}', "open('began', 'w').close()", *SLEEPS_ONCE)
    runs = desk.started("task", "new", "T", "-d", '{"name": "Ada"}')
    until((desk.root / "began").exists)
    watches = desk.started("task", "watch", "@last")
    time.sleep(1.5)
    watches.send_signal(signal.SIGINT)
    watched = ended(watches)
    assert watched.code == 130
    assert "it continues to run" in watched.err
    (desk.root / "go").touch()
    assert ended(runs).code == 0
