"""A task is written into one file, and read from it in another workspace."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aloma_cli.api.archive import exported, read_archive
from aloma_cli.errors import InputError, StoreError
from aloma_cli.jsontext import loads
from aloma_cli.record.events import Committed, TaskCreated
from aloma_cli.store.memory import MemoryStore
from tests.cli.desk import Desk

ROOT = "01jd3k0000abcdef"
AT = "2026-11-22T08:00:00.000Z"


@pytest.fixture
def other(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another workspace, with the same steps."""
    folder = tmp_path_factory.mktemp("other")
    (folder / "steps").mkdir()
    for step in (desk.root / "steps").iterdir():
        (folder / "steps" / step.name).write_bytes(step.read_bytes())
    return folder


def journal(root: Path, task: str) -> bytes:
    return (root / ".aloma/tasks" / task / "journal.jsonl").read_bytes()


def test_a_task_arrives_with_its_journal_byte_for_byte(desk: Desk, other: Path) -> None:
    desk.step(
        "make", '{"greeting": "Hello, Ada!"}', "task.subtask('Child', {'name': 'Bob'}, into='bob')", asks="data, task"
    )
    task = desk.new().out.strip()
    assert desk.run("task", "export", "-o", "order.jsonl").code == 0
    assert desk.run("task", "import", "order.jsonl", "-w", str(other)).out.strip() == task
    assert journal(other, task) == journal(desk.root, task)
    there, here = (desk.run("task", "show", "--json", *more).out for more in (("-w", str(other)), ()))
    assert there == here
    assert len(desk.run("task", "list", "--all", "--json", "-w", str(other)).json) == 2


def test_a_pipe_carries_a_task(desk: Desk, other: Path) -> None:
    task = desk.new().out.strip()
    assert desk.shell(f"aloma task export | aloma task import - -w {other}").out.strip() == task


def test_a_terminal_gets_no_record(desk: Desk) -> None:
    task = desk.new().out.strip()
    code, _, screen = desk.at_terminal("task", "export")
    assert (code, screen.rstrip().split("\n")[-1]) == (2, f"  → use -o {task}.jsonl, or a pipe")


def test_a_named_pipe_and_a_link_are_written_to_and_not_replaced(desk: Desk) -> None:
    desk.new()
    whole = desk.run("task", "export").out
    pipe, link, target = desk.root / "pipe", desk.root / "link.jsonl", desk.root / "target.jsonl"
    os.mkfifo(pipe)
    with desk.started("task", "export", "-o", "pipe") as process:
        assert pipe.read_text() == whole
    assert process.returncode == 0
    assert pipe.is_fifo()
    link.symlink_to(target)
    assert desk.run("task", "export", "-o", "link.jsonl").code == 0
    assert link.is_symlink()
    assert target.read_text() == whole


def test_a_task_that_was_killed_continues_elsewhere_and_pays_nothing_twice(desk: Desk, other: Path) -> None:
    task = desk.new('{"name": "Ada"}', "--queue").out.strip()
    desk.run("task", "export", "-o", "t.jsonl")
    desk.run("task", "import", "t.jsonl", "-w", str(other))
    assert desk.run("task", "resume", task, "-w", str(other)).code == 0
    assert desk.run("task", "show", "--path", "greeting", "-w", str(other)).out == "Hello, Ada!\n"


def test_a_task_that_exists_is_not_replaced(desk: Desk) -> None:
    task = desk.new().out.strip()
    desk.run("task", "export", "-o", "t.jsonl")
    ended = desk.run("task", "import", "t.jsonl")
    assert (ended.code, f"task {task} already exists" in ended.err, "--as-new" in ended.err) == (2, True, True)


def test_a_task_gets_a_new_id_on_request_with_its_subtasks(desk: Desk) -> None:
    desk.step(
        "make", '{"greeting": "Hello, Ada!"}', "task.subtask('Child', {'name': 'Bob'}, into='bob')", asks="data, task"
    )
    task = desk.new().out.strip()
    desk.run("task", "export", "-o", "t.jsonl")
    copy = desk.run("task", "import", "t.jsonl", "--as-new").out.strip()
    assert copy != task
    shown = desk.run("task", "show", copy, "--json").json
    assert shown["data"]["bob"]["task"] == shown["children"][0]["id"] == f"{copy}.2.1"
    assert task not in journal(desk.root, copy).decode()
    assert desk.run("task", "log", copy).code == 0
    assert desk.run("task", "show", task, "--json").json["children"][0]["id"] == f"{task}.2.1"


def test_a_subtask_is_exported_with_its_root(desk: Desk) -> None:
    desk.step("make", '{"greeting": "Hello, Ada!"}', "task.subtask('Child', {'name': 'Bob'})", asks="data, task")
    task = desk.new().out.strip()
    ended = desk.run("task", "export", f"{task}.2.1")
    assert (ended.code, f"aloma task export {task}" in ended.err) == (2, True)


def test_a_damaged_record_is_not_exported(desk: Desk) -> None:
    task = desk.new().out.strip()
    path = desk.root / ".aloma/tasks" / task / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b"Hello", b"Hullo"))
    ended = desk.run("task", "export", task, "-o", "t.jsonl")
    assert (ended.code, "is damaged" in ended.err, (desk.root / "t.jsonl").exists()) == (1, True, False)


def test_a_secret_of_the_workspace_does_not_come_in(desk: Desk, other: Path) -> None:
    desk.run("task", "new", "T", "-d", '{"name": "token-12345678"}')
    desk.run("task", "export", "-o", "t.jsonl")
    desk.shell(f"echo token-12345678 | aloma secret set TOKEN -w {other}")
    ended = desk.run("task", "import", "t.jsonl", "-w", str(other))
    assert (ended.code, "a secret of this workspace" in ended.err) == (1, True)
    assert "token-12345678" not in ended.err


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("", 2, "is not an exported task"),
        ("name,total\nAda,3\n", 2, "is not an exported task"),
        ('{"export":1,"lines":0}\n', 1, "it has no task"),
        ('{"export":2,"lines":0}\n', 1, "update"),
    ],
)
def test_another_file_is_refused(desk: Desk, text: str, code: int, said: str) -> None:
    desk.write("t.jsonl", text)
    ended = desk.run("task", "import", "t.jsonl")
    assert (ended.code, said in ended.err, desk.tasks) == (code, True, [])


def test_a_line_of_a_newer_program_is_refused(desk: Desk) -> None:
    desk.new()
    desk.run("task", "export", "-o", "t.jsonl")
    body = (desk.root / "t.jsonl").read_bytes().splitlines()[0][:-18].replace(b'"format":1', b'"format":2')
    import zlib

    desk.write("t.jsonl", body + b',"sum":"%08x"}\n{"export":1,"lines":1}\n' % zlib.crc32(body))
    ended = desk.run("task", "import", "t.jsonl")
    assert (ended.code, "has format 2" in ended.err, "update" in ended.err) == (1, True, True)


def test_a_file_that_cannot_be_written_or_read_is_named(desk: Desk) -> None:
    desk.new()
    for arguments in (("export", "-o", "no/such/t.jsonl"), ("import", "nothing.jsonl")):
        ended = desk.run("task", *arguments)
        assert (ended.code, arguments[-1] in ended.err) == (2, True)


def lines_of_a_task() -> list[bytes]:
    store = MemoryStore()
    claim = store.create(ROOT, [TaskCreated(at=AT, task=ROOT, name="a task", data={"a": 1})])
    for version in (1, 2, 3):
        change = {"op": "replace", "path": "/a", "value": version}
        claim.commit([Committed(at=AT, task=ROOT, version=version, by="person", changes=(change,))])
    return [*exported(store, ROOT)]


LINES = lines_of_a_task()


def test_the_last_line_counts_the_others() -> None:
    assert loads(LINES[-1]) == {"export": 1, "lines": 4}
    assert read_archive(LINES, "x").lines == LINES[:-1]


@settings(max_examples=300)
@given(st.integers(0, sum(map(len, LINES)) - 2), st.integers(1, 255))
def test_whatever_byte_changes_the_file_is_refused(at: int, flip: int) -> None:
    text = bytearray(b"".join(LINES))
    text[at] ^= flip
    refuses(bytes(text))


@settings(max_examples=100)
@given(st.integers(0, sum(map(len, LINES)) - 2))
def test_wherever_the_file_is_cut_it_is_refused(at: int) -> None:
    refuses(b"".join(LINES)[:at])


@settings(max_examples=100)
@given(st.permutations(range(4)).filter(lambda order: order != [0, 1, 2, 3]), st.integers(0, 4))
def test_lines_that_are_exchanged_or_left_out_are_refused(order: list[int], kept: int) -> None:
    refuses(b"".join([*(LINES[number] for number in order[:kept]), LINES[-1]]))


def refuses(text: bytes) -> None:
    try:
        archive = read_archive(text.splitlines(keepends=True), "x")
    except (InputError, StoreError):
        return
    # An unused space, or the like, in the last line.
    assert archive.lines == LINES[:-1]
