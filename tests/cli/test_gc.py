"""`aloma task gc`: which tasks are deleted, and that nothing else is."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from aloma_cli.api.gc import find_garbage
from aloma_cli.clock import SystemClock, from_iso
from aloma_cli.store.files.disk import FileStore
from tests.cli.desk import Desk, running

DAY = 86400
STATES = {
    "done": f'{{"name": "Ada", "long": "{"x" * 20_000}"}}',
    "ignored": "{}",
    "error": '{"bad": 1}',
    "question": '{"ask": 1}',
    "limited": '{"call": 1}',
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tasks are kept that the first test makes, for the others to copy."""
    return tmp_path_factory.mktemp("made") / ".aloma"


@pytest.fixture
def five(desk: Desk, made: Path) -> dict[str, str]:
    """A task in each of five states, made in this order; gives their ids by state."""
    desk.step("fails", '{"bad": int}', "raise ValueError('no')")
    desk.step("asks", '{"ask": int, "answer": None}', "task.ask('Well?', into='answer')", asks="task")
    desk.step("calls", '{"call": int}', "await connectors.openai.chat(messages=[])", asks="connectors")
    if made.exists():
        shutil.copytree(made, desk.root / ".aloma")
    else:
        for data in STATES.values():
            desk.new(data, "--max-calls", "0")
        shutil.copytree(desk.root / ".aloma", made)
    return dict(zip(STATES, desk.tasks, strict=True))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Moves the clock of the commands so many seconds on."""

    def move(seconds: float) -> None:
        now = SystemClock.now
        monkeypatch.setattr(SystemClock, "now", staticmethod(lambda: now() + seconds))

    return move


def left(desk: Desk, five: dict[str, str]) -> list[str]:
    return [state for state, task in five.items() if task in desk.tasks]


@pytest.mark.parametrize(
    ("options", "remain"),
    [
        ([], ["done", "ignored", "error", "question", "limited"]),
        (["--older-than", "0s"], ["question", "limited"]),
        (["--older-than", "1h"], ["done", "ignored", "error", "question", "limited"]),
        (["--state", "done"], ["ignored", "error", "question", "limited"]),
        (["--state", "DONE", "-s", "question"], ["ignored", "error", "limited"]),
        (["--keep", "0"], ["question", "limited"]),
        (["--keep", "1"], ["error", "question", "limited"]),
        (["--keep", "2"], ["ignored", "error", "question", "limited"]),
        (["--larger-than", "40kB"], ["ignored", "error", "question", "limited"]),
        (["--larger-than", "1 MiB"], ["done", "ignored", "error", "question", "limited"]),
        (["--larger-than", "100", "--state", "limited"], ["done", "ignored", "error", "question"]),
        (["--state", "limited", "--older-than", "1d"], ["done", "ignored", "error", "question", "limited"]),
    ],
)
def test_what_meets_all_criteria_is_deleted(
    desk: Desk, five: dict[str, str], options: list[str], remain: list[str]
) -> None:
    ended = desk.run("task", "gc", "--yes", *options)
    assert ended.code == 0
    assert left(desk, five) == remain
    assert [line.split("\t")[0] for line in ended.out.splitlines()] == [
        task for state, task in five.items() if state not in remain
    ]
    assert [line.split("\t")[0] for line in desk.run("task", "list").out.splitlines()] == [five[s] for s in remain]


def test_without_criteria_it_is_what_ended_30_days_ago(desk: Desk, five: dict[str, str], sent: Any) -> None:
    sent(29.9 * DAY)
    desk.run("task", "gc", "--yes")
    assert left(desk, five) == list(five)
    sent(0.2 * DAY)
    desk.run("task", "gc", "--yes")
    assert left(desk, five) == ["question", "limited"]


def test_the_age_counts_from_the_last_thing_that_happened(desk: Desk, five: dict[str, str], sent: Any) -> None:
    sent(10 * DAY)
    desk.run("task", "answer", five["question"], "true")
    sent(10 * DAY)
    desk.run("task", "gc", "--older-than", "15d", "--yes", "--state", "done")
    assert left(desk, five) == ["ignored", "error", "question", "limited"]


def test_what_was_freed_is_said_and_is_true(desk: Desk, five: dict[str, str]) -> None:
    folder = desk.root / ".aloma" / "tasks" / five["done"]
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    ended = desk.run("task", "gc", "--state", "done", "--yes", "--json")
    (task,) = ended.json["tasks"]
    assert (ended.json["schema"], ended.json["deleted"], ended.json["bytes"]) == (1, True, size)
    assert (task["id"], task["state"], task["name"], task["size"]) == (five["done"], "done", "A task", size)
    assert from_iso(task["updated_at"])
    assert desk.run("task", "gc", "--state", "ignored", "--yes").err.endswith(" kB freed\n")


@pytest.mark.parametrize("options", [["--dry-run"], ["--dry-run", "--yes"]])
def test_a_dry_run_shows_and_deletes_nothing(desk: Desk, five: dict[str, str], options: list[str]) -> None:
    ended = desk.run("task", "gc", "--keep", "2", *options)
    assert (ended.code, left(desk, five)) == (0, list(five))
    assert ended.out.startswith(f"{five['done']}\tdone\tA task\t")
    assert ended.err.startswith("1 task, ")
    assert "freed" not in ended.err
    assert desk.run("task", "gc", "--keep", "2", "--json", *options).json["deleted"] is False


def test_without_anybody_to_ask_it_shows_and_wants_yes(desk: Desk, five: dict[str, str]) -> None:
    ended = desk.run("task", "gc", "--state", "done")
    assert (ended.code, left(desk, five)) == (2, list(five))
    assert five["done"] in ended.out
    hint = "→ add --yes to delete, or --dry-run to look only"
    assert ended.err.endswith(f"aloma: nothing was deleted: there is no terminal to confirm at\n  {hint}\n")


def test_nothing_to_delete_is_no_error(desk: Desk) -> None:
    assert desk.run("task", "gc") == (0, "", "nothing to delete\n")
    assert desk.run("task", "gc", "--json", "--yes").json == {
        "schema": 1,
        "deleted": True,
        "tasks": [],
        "skipped": [],
        "bytes": 0,
    }


@pytest.mark.parametrize(("answer", "remain"), [("y", False), ("", True)])
def test_a_person_is_asked(desk: Desk, five: dict[str, str], answer: str, *, remain: bool) -> None:
    _, _, shown = desk.at_terminal("task", "gc", "--state", "done", typed=f"{answer}\n")
    assert "ID" in shown
    assert "CHANGED" in shown
    assert "Delete them for good? [y/N]" in shown
    assert ("freed" in shown, five["done"] in desk.tasks) == (not remain, remain)


def test_a_running_task_is_left_and_said_so(desk: Desk) -> None:
    with running(desk, ("await asyncio.sleep(60)",)) as process:
        (task,) = desk.tasks
        ended = desk.run("task", "gc", "--state", "processing", "--yes", "--json")
        assert ended.json["tasks"] == []
        (skipped,) = ended.json["skipped"]
        assert skipped["id"] == task
        assert f"process {process.pid} " in skipped["reason"]
        ended = desk.run("task", "gc", "--state", "processing", "--yes")
        assert ended.err.startswith(f"aloma: skipped task {task}: process {process.pid} on ")
    assert desk.tasks == [task]


def test_an_interrupted_task_is_deleted_only_where_its_state_is_named(desk: Desk) -> None:
    with running(desk, ("await asyncio.sleep(60)",)):
        pass
    desk.run("task", "gc", "--older-than", "0s", "--yes")
    assert len(desk.tasks) == 1
    desk.run("task", "gc", "--state", "processing", "--yes")
    assert desk.tasks == []


@pytest.fixture
def asking(desk: Desk) -> str:
    """A task that completed while a subtask asks a person; gives its id."""
    desk.step("splits", '{"go": 1}', "task.subtask('part', {'ask': 1})", "task.complete()", asks="task")
    desk.step("asks", '{"ask": int, "answer": None}', "task.ask('Well?', into='answer')", asks="task")
    desk.new('{"go": 1}')
    assert [line.split("\t")[1] for line in desk.run("task", "list", "--all").out.splitlines()] == ["done", "question"]
    return desk.tasks[0]


def test_a_task_that_completed_before_its_subtasks_goes_when_they_have_ended(desk: Desk, asking: str) -> None:
    desk.run("task", "gc", "--older-than", "0s", "--yes")
    assert desk.tasks == [asking]
    desk.run("task", "answer", f"{asking}.1.1", "true")
    desk.run("task", "gc", "--older-than", "0s", "--yes")
    assert desk.tasks == []


def test_a_task_whose_times_are_ahead_of_the_clock_has_no_age_yet(desk: Desk, five: dict[str, str], sent: Any) -> None:
    sent(-DAY)
    desk.run("task", "gc", "--older-than", "1s", "--yes")
    assert left(desk, five) == list(five)
    desk.run("task", "gc", "--state", "done", "--yes")
    assert left(desk, five) == ["ignored", "error", "question", "limited"]


def test_a_task_of_which_something_is_still_asked_is_left(desk: Desk, five: dict[str, str]) -> None:
    FileStore(desk.root / ".aloma").post(five["done"], {"kind": "set", "task": five["done"], "set": [[["x"], 1]]})
    ended = desk.run("task", "gc", "--state", "done", "--yes")
    assert ended.err.startswith(f"aloma: skipped task {five['done']}: it has changed since\n")
    assert left(desk, five) == list(five)


def test_a_task_to_which_something_happens_while_the_question_stands_is_left(
    desk: Desk, five: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The person who said yes had seen something else."""
    found = find_garbage

    def find_then_resume(*arguments: Any) -> Any:
        result = found(*arguments)
        desk.run("task", "resume", five["error"])
        return result

    monkeypatch.setattr("aloma_cli.cli.task.gc.find_garbage", find_then_resume)
    ended = desk.run("task", "gc", "--state", "error", "--yes")
    assert ended.err.startswith(f"aloma: skipped task {five['error']}: it has changed since\n")
    assert left(desk, five) == list(five)


def test_a_damaged_task_is_left_and_said_so(desk: Desk, five: dict[str, str]) -> None:
    journal = desk.root / ".aloma" / "tasks" / five["ignored"] / "journal.jsonl"
    journal.write_bytes(b"x" + journal.read_bytes())
    ended = desk.run("task", "gc", "--older-than", "0s", "--yes")
    assert f"skipped task {five['ignored']}: line 1 of {journal} is damaged" in ended.err
    assert left(desk, five) == ["ignored", "question", "limited"]


def test_what_killed_deletions_left_is_freed_by_the_next(desk: Desk, five: dict[str, str]) -> None:
    tasks = desk.root / ".aloma" / "tasks"
    (tasks / five["done"]).rename(tasks / f".{five['done']}")
    assert five["done"] not in desk.run("task", "list").out
    assert desk.run("task", "show", five["done"]).code == 9
    desk.run("task", "gc", "--dry-run")
    assert (tasks / f".{five['done']}").exists()
    desk.run("task", "gc", "--yes")
    assert sorted(path.name for path in tasks.iterdir()) == [task for state, task in five.items() if state != "done"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--older-than", "30"],
            "--older-than '30' is not an age\n  → use a number with s, m, h, d or w: 12h, 30d, 2w",
        ),
        (
            ["--older-than", "-1d"],
            "--older-than '-1d' is not an age\n  → use a number with s, m, h, d or w: 12h, 30d, 2w",
        ),
        (
            ["--larger-than", "big"],
            "--larger-than 'big' is not a size\n  → use a number with kB, MB or GB: 500kB, 10MB",
        ),
        (
            ["--larger-than", "5iB"],
            "--larger-than '5iB' is not a size\n  → use a number with kB, MB or GB: 500kB, 10MB",
        ),
        (["--state", "don"], "'don' is not a state\n  → did you mean `done`?"),
    ],
)
def test_what_makes_no_sense_is_refused(desk: Desk, five: dict[str, str], options: list[str], message: str) -> None:
    assert desk.run("task", "gc", "--yes", *options) == (2, "", f"aloma: {message}\n")
    assert left(desk, five) == list(five)
