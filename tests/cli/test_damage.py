"""A damaged journal: what can still be seen of the task, and how it continues."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from aloma_cli.record import events as ev
from aloma_cli.record.batch import Batch
from aloma_cli.record.codec import encode
from aloma_cli.store.files.disk import FileStore
from tests.cli.desk import Desk
from tests.store.test_stores import logged

Damage = Callable[[list[bytes]], list[bytes]]


def flipped(line: bytes) -> bytes:
    return line[:20] + bytes([line[20] ^ 1]) + line[21:]


def foreign(seq: int) -> bytes:
    """A whole line, with the right number, of another task (which is called 1)."""
    return encode(Batch(seq, (logged("from elsewhere"),)))


DAMAGES: dict[str, tuple[Damage, int, str]] = {
    "a flipped byte": (lambda lines: [*lines[:2], flipped(lines[2]), *lines[3:]], 3, "its checksum does not fit"),
    "a missing line": (lambda lines: [*lines[:2], *lines[3:]], 3, "it has number 3, and 2 was expected"),
    "a line that stands twice": (lambda lines: [*lines[:3], *lines[2:]], 4, "it has number 2, and 3 was expected"),
    "a line of another task": (lambda lines: [*lines[:2], foreign(2), *lines[3:]], 3, "it belongs to task 1"),
    "garbage": (lambda lines: [*lines[:2], b"\x93\x00\xff\n", *lines[3:]], 3, "its checksum does not fit"),
}
"""What is done to the lines, the line that is then damaged, and why."""

HOPELESS: dict[str, tuple[Damage, str]] = {
    "the first line": (lambda lines: [flipped(lines[0]), *lines[1:]], "is damaged: its checksum does not fit"),
    "an empty file": (lambda lines: [], "is damaged: the file is empty"),
    "nothing but garbage": (lambda lines: [b"\x93\x00\xff"], "is damaged: it is incomplete"),
}


@pytest.fixture
def task(desk: Desk) -> str:
    """A task with a subtask that is done."""
    desk.step(
        "splits", '{"greeting": str, "$children": None}', "task.subtask('part', {'x': 1}, into='part')", asks="task"
    )
    desk.step("works", '{"x": 1, "y": None}', "data['y'] = 2")
    return desk.new().out.strip()


def journal_of(desk: Desk, task: str) -> Path:
    return desk.root / ".aloma" / "tasks" / task / "journal.jsonl"


def damage(desk: Desk, task: str, how: Damage) -> Path:
    journal = journal_of(desk, task)
    journal.write_bytes(b"".join(how(journal.read_bytes().splitlines(keepends=True))))
    return journal


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_task_is_refused_with_the_place_and_the_command_that_helps(desk: Desk, task: str, kind: str) -> None:
    how, line, why = DAMAGES[kind]
    journal = damage(desk, task, how)
    message = f"aloma: line {line} of {journal} is damaged: {why}\n  → aloma task resume {task} --from-last-good   ("
    for command in (["resume", task], ["set", task, "a=1", "--no-run"], ["stop", task], ["log", task]):
        ended = desk.run("task", *command)
        assert ended.code == 1, command
        assert message in ended.err, command
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_task_goes_on_from_its_last_good_line_and_the_damaged_file_is_kept(
    desk: Desk, task: str, kind: str
) -> None:
    before = desk.run("task", "show", task, "--data").json
    how, line, _ = DAMAGES[kind]
    good = journal_of(desk, task).read_bytes().splitlines(keepends=True)[: line - 1]
    journal = damage(desk, task, how)
    damaged = journal.read_bytes()
    ended = desk.run("task", "resume", task, "--from-last-good", "--json")
    assert (ended.code, ended.json["state"], ended.json["data"]) == (0, "done", before)
    (aside,) = journal.parent.glob("journal.jsonl.damaged-*")
    assert aside.read_bytes() == damaged
    assert aside.stat().st_mode & 0o777 == 0o600
    assert journal.read_bytes().startswith(b"".join(good))
    lost = damaged.count(b"\n") - (line - 1)
    assert f"aloma: {line - 1} lines of the journal kept, {lost} lost; all are in {aside}\n" in ended.err
    again = desk.run("task", "resume", task, "--from-last-good")
    assert "aloma: the journal is not damaged: nothing is lost\n" in again.err


def test_what_is_lost_is_said_as_far_as_it_can_be_read(desk: Desk, task: str) -> None:
    damage(desk, task, DAMAGES["a flipped byte"][0])
    told = desk.run("task", "resume", task, "--from-last-good").err
    assert "  lost (as far as readable): " in told
    assert re.search(r"readable\): \d commits \(.*works, landing\), .*\d starts? \(.*works\), \d other events", told), (
        told
    )


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_what_can_be_read_of_a_damaged_task_is_shown_before_the_error(
    desk: Desk, task: str, as_json: tuple[str, ...]
) -> None:
    damage(desk, task, lambda lines: [*lines[:4], *lines[5:]])
    shown, log = desk.run("task", "show", task, *as_json), desk.run("task", "log", task, *as_json)
    assert (shown.code, log.code) == (1, 1)
    assert "Hello, Ada!" in shown.out
    assert "task_created" in log.out if as_json else "created" in log.out
    assert "line 5" in shown.err
    assert "line 5" in log.err


def test_a_report_of_a_damaged_task_has_what_can_be_read_and_says_where_it_ends(desk: Desk, task: str) -> None:
    damage(desk, task, lambda lines: [*lines[:4], *lines[5:]])
    ended = desk.run("task", "report", task, "-o", "run.html")
    assert (ended.code, ended.out) == (1, "run.html\n")
    assert "line 5 of" in ended.err
    page = (desk.root / "run.html").read_text(encoding="utf-8")
    assert "Hello, Ada!" in page
    assert "The record of this task is damaged." in page
    assert "This page ends after entry 1." in page
    assert f"<code>aloma task log {task}</code>" in page


@pytest.mark.parametrize("options", [(), ("--speed", "1000")])
def test_a_damaged_task_is_watched_up_to_the_damage(desk: Desk, task: str, options: tuple[str, ...]) -> None:
    damage(desk, task, lambda lines: [*lines[:4], *lines[5:]])
    ended = desk.run("task", "watch", task, *options)
    assert (ended.code, ended.out) == (1, "")
    assert "greeting" in ended.err
    assert "line 5 of" in ended.err.splitlines()[-2]
    assert f"→ aloma task resume {task} --from-last-good" in ended.err.splitlines()[-1]


def test_a_line_that_follows_from_nothing_ends_a_report_as_well(desk: Desk, task: str) -> None:
    lost = ev.FiringFailed(
        task=task,
        at="2030-01-01T00:00:00.000Z",
        firing=77,
        step="greet",
        error={"type": "E", "message": "m"},
        attempt=1,
    )
    damage(desk, task, lambda lines: [*lines[:4], encode(Batch(4, (lost,)))])
    ended = desk.run("task", "report", task, "-o", "run.html")
    assert (ended.code, ended.out) == (1, "run.html\n")
    assert "it does not follow from the lines before it" in ended.err


@pytest.mark.parametrize("command", [["why"], ["graph"], ["blame", "greeting"]], ids=" ".join)
def test_a_line_that_follows_from_nothing_is_told_by_what_explains(desk: Desk, task: str, command: list[str]) -> None:
    lost = ev.Committed(
        task=task,
        at="2030-01-01T00:00:00.000Z",
        version=9,
        by="command",
        changes=({"op": "add", "path": "/no/where", "value": 1},),
    )
    damage(desk, task, lambda lines: [*lines[:4], encode(Batch(4, (lost,)))])
    ended = desk.run("task", command[0], task, *command[1:])
    assert (ended.code, ended.out) == (1, "")
    assert f"the record of task {task} is damaged: what happened at 2030-01-01T00:00:00.000Z does not" in ended.err


def test_a_subtask_of_a_damaged_task_can_be_seen_where_it_stands_before_the_damage(desk: Desk, task: str) -> None:
    (child,) = (record["id"] for record in desk.run("task", "list", "--all", "--json").json if record["parent"])
    damage(desk, task, lambda lines: [*lines[:-1], b"?\n"])
    shown = desk.run("task", "show", child, "--json")
    assert (shown.code, shown.json["name"]) == (1, "part")


def test_a_subtask_that_may_stand_behind_the_damage_is_not_said_to_be_none(desk: Desk, task: str) -> None:
    (child,) = (record["id"] for record in desk.run("task", "list", "--all", "--json").json if record["parent"])
    damage(desk, task, lambda lines: [*lines[:2], b"?\n", *lines[3:]])
    for command in ("show", "log", "stop"):
        ended = desk.run("task", command, child)
        assert (ended.code, ended.out, "line 3 of" in ended.err) == (1, "", True), command
    again = desk.run("task", "resume", child, "--from-last-good")
    assert "aloma: 2 lines of the journal kept" in again.err


@pytest.mark.parametrize("kind", [*DAMAGES, *HOPELESS])
@pytest.mark.parametrize("options", [(), ("--all",)])
def test_one_damaged_task_does_not_keep_the_others_from_being_listed(
    desk: Desk, task: str, kind: str, options: tuple[str, ...]
) -> None:
    other = desk.new("{}").out.strip()
    journal = damage(desk, task, DAMAGES[kind][0] if kind in DAMAGES else HOPELESS[kind][0])
    listed = desk.run("task", "list", *options)
    assert listed.code == (0 if task in listed.out else 1)
    assert other in listed.out
    assert (task in listed.out) != (f"of {journal} is damaged" in listed.err), "it is listed, or told of"


@pytest.mark.parametrize("kind", HOPELESS)
def test_where_nothing_stands_before_the_damage_that_is_said_and_nothing_is_touched(
    desk: Desk, task: str, kind: str
) -> None:
    how, why = HOPELESS[kind]
    journal = damage(desk, task, how)
    before = {path.name: path.read_bytes() for path in journal.parent.iterdir() if path.is_file()}
    for options in ((), ("--from-last-good",)):
        ended = desk.run("task", "resume", task, *options)
        assert (ended.code, ended.out) == (1, "")
        last = journal.with_name("task.json")
        hint = f"this journal cannot be recovered; the last published document may still be in {last}"
        assert ended.err.endswith(f"aloma: line 1 of {journal} {why}\n  → {hint}\n")
    after = {path.name: path.read_bytes() for path in journal.parent.iterdir() if path.is_file()}
    assert after == before


def test_a_task_whose_journal_is_gone_is_told_of_and_not_begun_anew(desk: Desk, task: str) -> None:
    journal_of(desk, task).unlink()
    for command in (["resume", task], ["resume", task, "--from-last-good"], ["show", task], ["log", task]):
        ended = desk.run("task", *command)
        assert (ended.code, ended.out) == (1, ""), command
        assert f"aloma: {journal_of(desk, task)} is missing\n  → this journal cannot be recovered;" in ended.err
    assert f"{journal_of(desk, task)} is missing" in desk.run("task", "list").err
    assert not journal_of(desk, task).exists()


def test_a_damaged_task_that_another_process_holds_is_left_alone(desk: Desk, task: str) -> None:
    claim = FileStore(desk.root / ".aloma").claim(task)
    journal = damage(desk, task, DAMAGES["a missing line"][0])
    before = journal.read_bytes()
    assert desk.run("task", "resume", task, "--from-last-good").code == 7
    assert journal.read_bytes() == before
    claim.close()


def test_a_salvage_that_cannot_be_written_changes_nothing(
    desk: Desk, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = damage(desk, task, DAMAGES["a missing line"][0])
    before = journal.read_bytes()

    def refuse(file: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", refuse)
        ended = desk.run("task", "resume", task, "--from-last-good")
    assert ended.code == 1
    assert "could not be written: No space left on device\n  → free some space" in ended.err
    assert journal.read_bytes() == before
    assert FileStore(desk.root / ".aloma").salvage(task, lambda _: None) is not None
