"""SIGINT and SIGTERM at moments that need luck to hit: while a task is created, while it only waits, anywhere."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.cli.conftest import desk
from tests.cli.desk import Desk, ended, until
from tests.faults.forge import Done, Forge
from tests.faults.order import NEW, RESUME
from tests.faults.test_killed_at import DEEDS, Killed, finished, outcome, pytestmark, undisturbed

__all__ = ["desk", "pytestmark", "undisturbed"]

CREATION = 20
"""The number of the first deed after a task was created."""


def interrupt_at(deed: int, by: signal.Signals, forge: Forge, folder: Path, undisturbed: Done) -> None:
    """Interrupt a new task, and see that it ends in order and can be continued."""
    interrupted = forge.run(folder, NEW, kill_before=deed, by=by)
    assert interrupted.code in ((130, 0) if by == signal.SIGINT else (143, 0, -by)), interrupted
    assert "Traceback" not in interrupted.err
    assert "fault" not in interrupted.err
    killed = Killed(folder)
    if killed.journal is None:
        assert forge.run(folder, ("task", "list")).out == ""
        assert forge.run(folder, NEW).code == 0
        return
    if deed > CREATION:
        assert interrupted.json["id"] == killed.journal.parent.name
    killed.check(finished(forge, folder, RESUME), outcome(undisturbed.json))
    killed.check_calls()


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("deed", range(0, CREATION, 3))
def test_a_signal_while_a_task_is_created_leaves_a_whole_one_or_none(
    forge: Forge, order: Path, undisturbed: Done, deed: int, by: signal.Signals
) -> None:
    interrupt_at(deed, by, forge, order, undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("deed", range(DEEDS))
def test_a_signal_at_any_deed_ends_the_run_in_order(
    forge: Forge, order: Path, undisturbed: Done, deed: int, by: signal.Signals
) -> None:
    interrupt_at(deed, by, forge, order, undisturbed)


WAITS = {
    "a retry": ("retry = Retry(3, wait=60)", "raise OSError('no')", "retry_at"),
    "a parking": ("", "data['parked'] = True; task.park(60)", "parked_until"),
}


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("wait", WAITS)
def test_a_signal_while_a_task_only_waits_ends_the_run_and_the_wait_stays(
    desk: Desk, wait: str, by: signal.Signals
) -> None:
    option, body, on_record = WAITS[wait]
    head = 'from aloma_cli import Retry\n\ncondition = {"name": str, "parked": None}\n'
    desk.write("steps/waits.py", f"{head}{option}\n\n\nasync def content(data, task):\n    {body}\n")
    process = desk.started("task", "new", "A task", "-d", '{"name": "Ada"}')
    until(lambda: any(on_record in path.read_text() for path in desk.root.glob(".aloma/tasks/*/journal.jsonl")))
    process.send_signal(by)
    result = ended(process, 3.0)
    (task,) = desk.tasks
    assert (result.code, result.out) == (128 + by, f"{task}\n")
    assert result.err.endswith(f"aloma: interrupted; to continue: aloma task resume {task}\n")
    record = desk.run("task", "show", "--json").json
    assert (record["state"], record["waiting"] != [], record["parked_until"] is not None) == (
        "waiting",
        wait == "a retry",
        wait == "a parking",
    )
