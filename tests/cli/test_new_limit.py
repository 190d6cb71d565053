"""A limit is one line of the table in `budget.py`: options, settings, cases, many tasks and the record follow."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.desk import Desk, Ended, ended

ADDED = """
import sys
from aloma_cli import budget

budget.LIMITS += (
    budget.Limit("firings", "--max-firings", "N", True, 10, "Firings of steps.", lambda used: used.figures.fired),
)
"""
RUN = f"""{ADDED}
from aloma_cli.cli.main import main

sys.exit(main(sys.argv[1:]))
"""
READ = f"""{ADDED}
from aloma_cli.record.codec import WireError, from_wire

event = {{"event": "limits_set", "at": "2026-01-01T00:00:00Z", "task": "x", "limits": {{"firings": "many"}}}}
try:
    from_wire(event)
except WireError as error:
    print(error)
"""


@pytest.fixture
def counts(desk: Desk) -> Desk:
    """A workspace with a step that fires five times."""
    (desk.root / "steps/greet.py").unlink()
    desk.step("count", '{"n": {"$lt": 5}}', 'data["n"] += 1', "step.redo()", asks="data, step")
    return desk


def run(desk: Desk, *arguments: str, program: str = RUN) -> Ended:
    """A command of a program whose table of limits has one more line."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", program, *arguments]
    return ended(subprocess.Popen(command, cwd=desk.root, text=True, stdout=pipe, stderr=pipe))


def test_its_option_pauses_a_task_and_says_how_to_continue(counts: Desk) -> None:
    first = run(counts, "task", "new", "T", "-d", '{"n": 0}', "--max-firings", "2")
    assert first.code == 5
    assert "firings limit reached (2 of 2)" in first.err
    assert "--max-firings +10" in first.err
    again = run(counts, "task", "resume", "@last", "--max-firings", "+1")
    assert "firings limit reached (3 of 3)" in again.err
    assert run(counts, "task", "resume", "@last", "--max-firings", "+10").code == 0


def test_its_setting_pauses_a_task(counts: Desk) -> None:
    counts.write("aloma.yaml", "limits: {max_firings: 0}\n")
    assert "the firings limit is 0: no step is started" in run(counts, "task", "new", "T", "-d", '{"n": 0}').err


def test_it_holds_for_many_tasks_together(counts: Desk) -> None:
    counts.write("in.jsonl", '{"n": 2}\n' * 4)
    ran = run(counts, "task", "new", "T", "--each", "in.jsonl", "-j", "1", "--max-firings", "6")
    assert (ran.code, len(ran.out.splitlines())) == (5, 2)
    assert "limit reached, firings: 6 of 6" in ran.err


def test_a_case_can_name_it(counts: Desk) -> None:
    counts.write("cases/once.yaml", "data: {n: 3}\nlimits: {firings: 1}\n")
    assert "firings: 2 used, at most 1 allowed" in run(counts, "test").out


def test_an_amount_of_the_wrong_type_in_a_record_is_refused(counts: Desk) -> None:
    assert run(counts, program=READ).out == "limits_set.limits has the wrong type (object), or something in it has\n"
