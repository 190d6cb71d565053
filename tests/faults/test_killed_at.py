"""A process that is killed (SIGKILL) before anything it does to the files of a task, or within a write to one.

Whatever was on record stays; what was answered is not asked again; the end is that of an undisturbed run.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.faults.forge import Done, Forge
from tests.faults.order import NEW, RESUME, write_order
from tests.store import foreign_reader
from tests.workflows.test_killed_anywhere import STORIES, options
from tests.workflows.workspace import Workspace

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc to know what is written")

DEEDS = 84
"""At least as many as an undisturbed run has."""

_VARIABLE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.+Z]+|coord_\d+|\b01[0-9a-z]{14}\b")


class Killed:
    """A task whose process was killed: what was on record then."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        journals = list(folder.glob(".aloma/tasks/*/journal.jsonl"))
        self.journal = journals[0] if journals else None
        whole = journals[0].read_bytes() if journals else b""
        self.kept = whole[: whole.rfind(b"\n") + 1]
        self.sent = calls_sent(folder)

    def check(self, ended: Done, reference: tuple[Any, ...]) -> None:
        """The laws that hold however often, and wherever, it was killed."""
        assert self.journal is not None
        assert outcome(ended.json) == reference
        after = self.journal.read_bytes()
        assert after.startswith(self.kept), "what was committed is still there"
        events = [event for batch in foreign_reader.batches(self.journal) for event in batch]
        once([event["task"] for event in events if event["event"] == "task_created"], "each subtask is made once")
        once([event["request"] for event in events if "request" in event], "each request is carried out once")
        once([answer(event) for event in events if event["event"] == "call_answered"], "each call is answered once")
        times = [event["at"] for event in events]
        assert times == sorted(times)
        assert json.loads((self.journal.parent / "task.json").read_text())["journal_bytes"] == len(after)
        left = {path.name for path in self.journal.parent.iterdir()}
        assert left - {"holder", "inbox", "data.json", "checkpoint.json"} == {"journal.jsonl", "task.json", "lock"}

    def check_calls(self) -> None:
        """No call whose answer was on record when the process was killed was sent once more."""
        sent = calls_sent(self.folder)
        kept = [json.loads(line) for line in self.kept.splitlines()]
        on_record = [answer(event) for line in kept for event in line["events"] if event["event"] == "call_answered"]
        assert {key: sent[key] for key in on_record} == {key: self.sent[key] for key in on_record}


def calls_sent(folder: Path) -> Counter[str]:
    """How often each call was sent, by its idempotency key."""
    calls = folder / "calls"
    return Counter(calls.read_text().split() if calls.exists() else ())


def once(values: Sequence[str], message: str) -> None:
    assert len(values) == len(set(values)), message


def answer(event: dict[str, Any]) -> str:
    """The idempotency key of an answered call."""
    return f"{event['task']}-{event['firing']}-{event['key']}"


def outcome(record: dict[str, Any]) -> tuple[Any, ...]:
    """What a run comes to: state, how often each step fired, and its document; times and ids aside."""
    fired = {step["step"]: step["fired"] for step in record["steps"] if step["fired"]}
    children = [(child["name"], child["state"]) for child in record["children"]]
    document = json.loads(_VARIABLE.sub("…", json.dumps(record["data"])))
    return record["state"], fired, children, record["usage"]["calls"], document


def finished(forge: Forge, folder: Path, resume: Sequence[str]) -> Done:
    """Resume until nothing is left to do: a question whose time is not up yet rests."""
    for _ in range(5):
        ended = forge.run(folder, resume)
        assert ended.code in (0, 8), ended.err
        if ended.code == 0:
            return ended
        time.sleep(0.03)
    raise AssertionError(f"it does not end: {ended.out}")


@pytest.fixture(scope="session")
def undisturbed(forge: Forge, tmp_path_factory: pytest.TempPathFactory) -> Done:
    return forge.run(write_order(tmp_path_factory.mktemp("undisturbed")), NEW)


def test_a_kill_can_come_before_everything_that_is_done_to_a_file(undisturbed: Done) -> None:
    """The others kill at numbers up to DEEDS: those must reach to the end, and what is done be what is thought of."""
    assert (undisturbed.code, undisturbed.err) == (0, "")
    # A run is published at its end, and on a busy machine again and again before that.
    published = [deed for deed in undisturbed.deeds if re.search(r"\.(task|checkpoint)\.json\.new", deed)]
    assert len(undisturbed.deeds) - len(published) <= DEEDS
    assert {deed.split("/.")[-1] for deed in published if deed.startswith("replace")} == {
        "task.json.new",
        "checkpoint.json.new",
    }
    kinds = Counter(re.sub(r"/tasks/\w+|\d{20}-.*(?=\.json)", "", deed) for deed in undisturbed.deeds)
    for deed in ("mkdir /inbox", "write /.journal.jsonl.new", "replace /.journal.jsonl.new", "replace /.holder.new"):
        assert kinds[deed] == 1, deed
    assert kinds["fsync /journal.jsonl"] >= 12
    starts = kinds["write /journal.jsonl"] - kinds["fsync /journal.jsonl"]
    assert starts in (1, 2), "lines that only start a firing; on a busy machine one also commits"
    assert kinds["unlink /inbox/.json"] == 1, "a request that was carried out is dropped"


@pytest.mark.parametrize("deed", range(DEEDS))
def test_a_task_killed_before_any_deed_or_within_a_write_ends_as_an_undisturbed_one(
    forge: Forge, order: Path, undisturbed: Done, deed: int
) -> None:
    bytes_written = Random(deed).randrange(10_000)
    forge.run(order, NEW, kill_before=deed, after_bytes=bytes_written)
    killed = Killed(order)
    if killed.journal is None:
        assert forge.run(order, ("task", "list")).out == "", "it was killed before there was a task"
        assert forge.run(order, NEW).code == 0, "and nothing is in the way of another"
        return
    ended = finished(forge, order, RESUME)
    killed.check(ended, outcome(undisturbed.json))
    killed.check_calls()


def kill_again_and_again(
    forge: Forge, folder: Path, new: Sequence[str], resume: Sequence[str], seed: int
) -> list[Killed]:
    """Kill a new task, and then up to three times while it is resumed; what was on record after each kill."""
    chance = Random(seed)
    kills = []
    for number in range(chance.randint(1, 4)):
        deed = chance.randrange(DEEDS if number == 0 else 30)
        forge.run(folder, resume if number else new, kill_before=deed, after_bytes=chance.randrange(10_000))
        kills.append(Killed(folder))
        if kills[0].journal is None:
            return []
    return kills


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(300))
def test_a_task_killed_again_and_again_ends_as_an_undisturbed_one(
    forge: Forge, order: Path, undisturbed: Done, seed: int
) -> None:
    kills = kill_again_and_again(forge, order, NEW, RESUME, seed)
    ended = finished(forge, order, RESUME) if kills else None
    for killed in kills:
        assert ended is not None
        killed.check(ended, outcome(undisturbed.json))
        killed.check_calls()


@cache
def _story(forge: Forge, example: str, root: Path) -> tuple[Any, ...]:
    return outcome(forge.run(Workspace.copied_to(root).root, _new(example)).json)


def _new(example: str) -> tuple[str, ...]:
    return ("task", "new", example, "-f", f"examples/{example}.json", *_quick(example))


def _quick(example: str) -> list[str]:
    return ["0.001" if word == "0.05" else word for word in options(example)]


@pytest.mark.slow
@pytest.mark.parametrize("example", STORIES)
@pytest.mark.parametrize("seed", range(100))
def test_a_workflow_killed_at_random_deeds_ends_as_an_undisturbed_one(
    forge: Forge, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, example: str, seed: int
) -> None:
    reference = _story(forge, example, tmp_path_factory.getbasetemp() / f"undisturbed-{example}")
    Workspace.copied_to(tmp_path)
    resume = ("task", "resume", "@last", *_quick(example))
    kills = kill_again_and_again(forge, tmp_path, _new(example), resume, seed)
    ended = finished(forge, tmp_path, resume) if kills else None
    for killed in kills:
        assert ended is not None
        killed.check(ended, reference)
    shutil.rmtree(tmp_path)


DIE_ONCE = """
import os, pathlib, signal


def die_once():
    died = pathlib.Path(__file__).with_name("died")
    if not died.exists():
        died.touch()
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_completed_task_whose_subtask_was_still_running_can_be_resumed(forge: Forge, tmp_path: Path) -> None:
    """It is closed, and yet it can be continued."""
    steps = {
        "complete": (
            '{"go": True}',
            "task",
            "task.subtask('c', {'c': 1}, into='r'); task.complete('ok')",
        ),
        "slow": ('{"c": 1}', "data", "die_once(); data['c'] = 2"),
    }
    (tmp_path / "steps").mkdir()
    for name, (condition, asks, body) in steps.items():
        text = f"{DIE_ONCE}\n\ncondition = {condition}\n\n\nasync def content({asks}):\n    {body}\n"
        (tmp_path / "steps" / f"{name}.py").write_text(text)
    assert forge.run(tmp_path, ("task", "new", "X", "-d", '{"go": true}', "--json", "-q")).code == -signal.SIGKILL
    assert forge.run(tmp_path, ("task", "show", "--json")).json["children"][0]["state"] == "processing"
    ended = forge.run(tmp_path, RESUME)
    assert (ended.code, ended.json["children"][0]["state"], ended.json["data"]["r"]["result"]) == (0, "done", {"c": 2})
