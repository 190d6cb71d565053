"""Standard streams that are closed, full or gone, and terminals that are closed, with real processes."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys

import pytest

from tests.cli.conftest import desk
from tests.cli.desk import Desk, until

__all__ = ["desk"]

NEW = """aloma task new X -d '{"name": "Ada"}'"""


@pytest.mark.parametrize("streams", [">&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full", "--events >/dev/full"])
def test_a_stream_that_is_closed_or_full_changes_nothing_about_the_run(desk: Desk, streams: str) -> None:
    ended = desk.shell(f"{NEW} {streams}")
    assert (ended.code, desk.run("task", "show", "--path", "greeting").out) == (0, "Hello, Ada!\n")
    assert ended.out == ("" if ">" in streams.replace("2>", "") else f"{desk.tasks[0]}\n")
    assert "Traceback" not in ended.err
    (journal,) = desk.root.glob(".aloma/tasks/*/journal.jsonl")
    assert journal.read_bytes().startswith(b'{"seq":0'), "what was meant for a stream is not in a file"


def test_a_result_that_cannot_be_written_is_an_error_and_the_task_is_done_all_the_same(desk: Desk) -> None:
    ended = desk.shell(f"{NEW} --quiet --json >/dev/full")
    assert (ended.code, ended.err) == (1, "aloma: No space left on device\n  → free some space\n")
    assert desk.run("task", "show", "--json").json["state"] == "done"


def test_a_reader_who_left_does_not_change_the_exit_code(desk: Desk) -> None:
    desk.step("fails", '{"greeting": str}', "1 / 0")
    ended = desk.shell(f"{NEW} --json 2>/dev/null | head -c 0; exit ${{PIPESTATUS[0]}}")
    assert (ended.code, desk.run("task", "show", "--json").json["state"]) == (1, "error")
    ended = desk.shell(f"{NEW} 2>&1 | head -c 0; exit ${{PIPESTATUS[0]}}")
    assert ended.code == 1


# -- a terminal that is closed -----------------------------------------------------------------------------------------

_AT_TERMINAL = """
import fcntl, os, signal, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
if sys.argv[1] == "nohup":
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
os.execv(sys.executable, [sys.executable, "-m", "aloma_cli", *sys.argv[2:]])
"""


def at_terminal_that_is_closed(desk: Desk, *, nohup: bool) -> int:
    """Run a task at a terminal of its own, close that while a step runs, let the step end; gives the exit code."""
    desk.step(
        "slow",
        '{"greeting": str, "slow": None}',
        "open('begun', 'w').close()",
        "while not os.path.exists('go'): await asyncio.sleep(0.02)",
        "log('after'); print('printed')",
        "data['slow'] = 1",
        asks="data, log",
    )
    path = desk.root / "steps" / "slow.py"
    path.write_text("import os\n" + path.read_text())
    master, slave = pty.openpty()
    arguments = ["nohup" if nohup else "hangup", "task", "new", "X", "-d", '{"name": "Ada"}']
    process = subprocess.Popen(
        [sys.executable, "-c", _AT_TERMINAL, *arguments],
        cwd=desk.root,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "TERM": "xterm-256color"},
    )
    os.close(slave)
    try:
        until((desk.root / "begun").exists)
        os.close(master)  # the terminal is gone: SIGHUP, and every write to it is an error from now on
        (desk.root / "go").touch()
        return process.wait(10)
    finally:
        process.kill()
        process.wait()


def test_a_task_whose_terminal_was_closed_can_be_resumed(desk: Desk) -> None:
    assert at_terminal_that_is_closed(desk, nohup=False) == -signal.SIGHUP
    record = desk.run("task", "resume", "@last", "--json").json
    assert (record["state"], record["data"]["slow"]) == ("done", 1)
    assert {step["step"]: step["fired"] for step in record["steps"]} == {"greet": 1, "slow": 1}


def test_a_run_that_ignores_the_hangup_goes_on_without_a_terminal(desk: Desk) -> None:
    assert at_terminal_that_is_closed(desk, nohup=True) == 0
    record = desk.run("task", "show", "--json").json
    assert (record["state"], record["data"]["slow"]) == ("done", 1)
    logged = [event["text"] for event in desk.run("task", "log", "--json").json if event["event"] == "logged"]
    assert logged == ["greeting Ada", "after", "printed"]
