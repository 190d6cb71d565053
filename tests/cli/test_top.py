"""`aloma top`: the state of all tasks, from any terminal."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from aloma_cli.api.overview import Overview
from aloma_cli.api.reader import Records
from aloma_cli.cli import top
from aloma_cli.store.files.disk import FileStore
from tests.api.test_day_limit import Server, workspace
from tests.cli.desk import SLEEPS, Desk, running, until
from tests.support.manual import EPOCH, HeldClock
from tests.view.terminal import Terminal, terminal


def shown(desk: Desk) -> dict[str, Any]:
    told: dict[str, Any] = desk.run("top", "--json").json
    return told


def test_each_task_counts_as_what_it_is_at(desk: Desk) -> None:
    desk.step("ask", '{"ask": 1}', "task.ask('Go?', into='ok')", asks="task")
    desk.step("fail", '{"fail": 1}', "raise ValueError('bad')")
    desk.step("park", '{"park": 1, "parked": None}', "data['parked'] = 1", "task.park(3600)", asks="data, task")
    desk.new()
    for data in ('{"ask": 1}', '{"fail": 1}', '{"other": 1}'):
        desk.new(data)
    desk.run("task", "new", "T", "-d", '{"park": 1}', "--queue")
    desk.run("worker", "--once", "-q")
    for _ in range(2):
        desk.run("task", "new", "T", "-d", "{}", "--queue")
    told = shown(desk)
    wanted = {"due": 2, "waiting": 1, "asking": 1, "failed": 1, "done": 1, "ended": 1}
    assert {name: count for name, count in told["counts"].items() if count} == wanted
    assert (told["done_in_a_minute"], told["cost_today"], told["running"]) == (1, 0.0, [])
    plain = desk.run("top").out.splitlines()
    assert plain[:3] == ["running\t0", "due\t2", "waiting\t1"]


def test_a_terminal_says_that_nothing_runs(desk: Desk) -> None:
    desk.new()
    code, _, screen = desk.at_terminal("top", "--once")
    assert (code, "1 done" in screen, "no process runs a task" in screen) == (0, True, True)


def test_what_runs_is_shown_with_its_step(desk: Desk) -> None:
    with running(desk, SLEEPS):
        until(lambda: shown(desk)["running"] and shown(desk)["running"][0]["steps"])
        told = shown(desk)
        assert (told["counts"]["running"], told["running"][0]["steps"][0]["step"]) == (1, "slow")
        assert re.search(r"^task\t\w{16}\tA task\tslow\t\d+\.\d{3}$", desk.run("top").out, re.MULTILINE)
        code, _, screen = desk.at_terminal("top", "--once")
        assert (code, "1 running" in screen, "slow" in screen, "q quits" in screen) == (0, True, True, False)
    assert shown(desk)["counts"]["due"] == 1  # the process was killed


def test_money_of_today_is_added_up_as_it_is_spent(desk: Desk) -> None:
    clock = HeldClock()
    clock.moment = time.time() - EPOCH
    overview = Overview(Records(FileStore(desk.root / ".aloma"), clock=clock))
    home = workspace(Server(cost=0.25, expected=0.25), per_day=9.0, folder=desk.root)
    spent = []
    for number in range(2):
        asyncio.run(home.run("T", {"number": number}))
        spent.append(overview.look().cost)
    clock.moment += 86_400
    assert (spent, overview.look().cost) == ([0.25, 0.5], 0.0)


def test_what_changed_is_seen_and_what_was_deleted_is_forgotten(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    overview = Overview(Records.at(desk.root))
    assert sum(overview.look().counts.values()) == 0
    desk.new()
    desk.run("task", "new", "T", "-d", '{"name": "Ada"}', "--queue")
    assert (overview.look().counts["done"], overview.look().counts["due"]) == (1, 1)
    desk.run("worker", "--once", "-q")
    assert (overview.look().counts["done"], overview.look().counts["due"]) == (2, 0)
    desk.run("task", "gc", "--older-than", "0s", "--yes")
    monkeypatch.setattr("aloma_cli.api.overview._WHOLE", 0.0)
    assert sum(overview.look().counts.values()) == 0


@contextmanager
def watching(desk: Desk) -> Iterator[tuple[Terminal, subprocess.Popen[str], list[Any]]]:
    """`aloma top` at a terminal of its own; the last value is the state of the terminal before."""
    with terminal(100, 20) as screen:
        before = termios.tcgetattr(screen.stream.fileno())
        env = {**os.environ, "TERM": "xterm-256color"}
        process = desk.started("top", stdin=screen.stream, stdout=screen.stream, stderr=screen.stream, env=env)
        try:
            until(lambda: "q quits" in screen.raw, 20)
            yield screen, process, before
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize(("end", "code"), [("q", 0), (signal.SIGINT, 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_at_a_terminal_it_is_drawn_until_it_is_ended_and_leaves_the_terminal_as_it_was(
    desk: Desk, end: str | signal.Signals, code: int
) -> None:
    desk.new()
    with watching(desk) as (screen, process, before):
        assert termios.tcgetattr(screen.stream.fileno()) != before
        desk.run("task", "new", "T", "-d", '{"name": "Ada"}', "--queue")
        until(lambda: "1 due" in "\n".join(screen.lines()))
        if isinstance(end, str):
            screen.type(f"x{end}")
        else:
            process.send_signal(end)
        assert process.wait(20) == code
        assert termios.tcgetattr(screen.stream.fileno()) == before
        assert screen.raw.rstrip().endswith("\x1b[?25h"), "the cursor is shown"


def test_at_a_terminal_that_is_not_read_from_it_runs_until_a_signal(desk: Desk) -> None:
    with terminal(100, 20) as screen:
        env = {**os.environ, "TERM": "xterm-256color"}
        process = desk.started("top", stdout=screen.stream, stderr=screen.stream, env=env)
        until(lambda: "0 running" in screen.raw, 20)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_a_small_terminal_gets_what_fits(desk: Desk) -> None:
    desk.new()
    code, _, screen = desk.at_terminal("top", "--once", width=30, height=3)
    assert code == 0
    assert all(len(line) < 30 for line in screen.splitlines())


def test_the_keys_of_a_terminal_are_read_and_it_is_as_it_was(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    with terminal(100, 20) as screen:
        before = termios.tcgetattr(screen.stream.fileno())
        monkeypatch.setattr("sys.stdin", screen.stream)
        monkeypatch.setattr(top, "result", lambda: screen.stream)
        monkeypatch.setattr(top, "_EVERY", 0.05)

        def press() -> None:
            until(lambda: "q quits" in screen.raw)
            screen.type("xq")

        typing = threading.Thread(target=press)
        typing.start()
        assert desk.run("top").code == 0
        typing.join()
        monkeypatch.setattr("sys.stdin", None)
        monkeypatch.setattr(top, "_sleep", lambda _seconds: "q")
        assert desk.run("top").code == 0
        assert termios.tcgetattr(screen.stream.fileno()) == before
        with pytest.raises(SystemExit) as left:
            top._leave(signal.SIGTERM, None)
        assert left.value.code == 143
        assert desk.run("top", "--once").code == 0
    assert screen.raw.count("q quits") >= 2
