"""`aloma task watch` at a terminal that controls it: attached to a task of another process, resized, interrupted."""

from __future__ import annotations

import os
import subprocess
import termios

from tests.cli.desk import COMMAND, Desk, running, until
from tests.view.terminal import terminal

WAITS = ("import os", "while not os.path.exists('go'): await asyncio.sleep(0.02)")


def test_it_is_resized_and_interrupted_and_leaves_the_terminal_and_the_task_as_they_were(desk: Desk) -> None:
    with running(desk, WAITS) as process, terminal(90, 24) as screen:
        before = termios.tcgetattr(screen.stream.fileno())
        env = {**os.environ, "TERM": "xterm-256color", "CI": ""}
        command = ["setsid", "--ctty", "--wait", *COMMAND, "task", "watch"]
        at = screen.stream
        watch = subprocess.Popen(command, cwd=desk.root, stdin=at, stdout=at, stderr=at, env=env)
        try:
            until(lambda: "\x1b[?25l" in screen.raw and "slow" in screen.raw, 30)
            drawn = len(screen.raw)
            screen.resize(40, 12)
            until(lambda: "slow" in screen.raw[drawn:])
            screen.type("\x03")
            assert watch.wait(60) == 130
        finally:
            watch.kill()
            watch.wait()
        # What it wrote last may still be on its way through the terminal.
        until(lambda: "is no longer watched; it continues to run" in " ".join(screen.raw.split()))
        assert termios.tcgetattr(screen.stream.fileno()) == before
        assert screen.raw.rindex("\x1b[?25h") > screen.raw.rindex("\x1b[?25l"), "the cursor is shown"
        assert process.poll() is None
        desk.write("go", "")
        assert process.wait(60) == 0


def test_it_says_that_the_process_which_ran_the_task_is_gone(desk: Desk) -> None:
    with running(desk, WAITS) as process, terminal(90, 24) as screen:
        env = {**os.environ, "TERM": "xterm-256color", "CI": ""}
        command = ["setsid", "--ctty", "--wait", *COMMAND, "task", "watch"]
        at = screen.stream
        watch = subprocess.Popen(command, cwd=desk.root, stdin=at, stdout=at, stderr=at, env=env)
        try:
            until(lambda: "running" in screen.raw and "slow" in screen.raw)
            process.kill()
            process.wait()
            until(lambda: "no process runs it now" in screen.raw and "interrupted" in screen.raw)
            drawn = len(screen.raw)
            desk.write("go", "")
            assert desk.spawn("task", "resume", "@last", "-q").code == 0
            assert watch.wait(60) == 0
        finally:
            watch.kill()
            watch.wait()
        until(lambda: "done" in screen.raw[drawn:])
