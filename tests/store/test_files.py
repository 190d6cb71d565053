"""The files of a task: who may read them, who holds them, what is published."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aloma_cli.api.task import read_task
from aloma_cli.errors import NotFoundError, StoreError, TaskLockedError
from aloma_cli.store.files import claim as claim_module
from aloma_cli.store.files.checksum import checksum
from aloma_cli.store.files.disk import FileStore
from tests.store.test_stores import created, logged, texts

posix = pytest.mark.skipif(os.name != "posix", reason="permissions and signals of POSIX")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".aloma"


@pytest.fixture
def store(folder: Path) -> FileStore:
    return FileStore(folder)


LARGE = {"text": "x" * 5000}
"""More than a block."""


def document(store: FileStore, root: str) -> Any:
    """The document that was published."""
    published = store.published(root)
    assert published is not None
    return published[1]


# -- permissions -------------------------------------------------------------------------------------------------------


@posix
def test_files_are_0600_in_0700_folders_whatever_the_umask(store: FileStore, folder: Path) -> None:
    before = os.umask(0)
    try:
        claim = store.create("1", [created()])
        claim.publish({"state": "done"}, LARGE)
        store.post("1", {"kind": "stop"})
    finally:
        os.umask(before)
    modes = {path.relative_to(folder).as_posix(): stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}
    modes["."] = stat.S_IMODE(folder.stat().st_mode)
    folders = {".", "tasks", "tasks/1", "tasks/1/inbox"}
    assert {name: mode for name, mode in modes.items() if name in folders} == dict.fromkeys(folders, 0o700)
    files = modes.keys() - folders
    assert {"tasks/1/journal.jsonl", "tasks/1/data.json", "tasks/1/task.json", "tasks/1/lock"} <= files
    assert {name: oct(modes[name]) for name in files} == dict.fromkeys(files, "0o600")


def test_the_folder_keeps_itself_out_of_git(store: FileStore, folder: Path) -> None:
    store.create("1", [created()]).close()
    assert (folder / ".gitignore").read_text() == "*\n"


# -- the lock ----------------------------------------------------------------------------------------------------------

HOLD = """
import sys, time
from pathlib import Path
from aloma_cli.store.files.checksum import checksum
from aloma_cli.store.files.disk import FileStore
from tests.store.test_stores import logged
claim = FileStore(Path(sys.argv[1])).claim("1")
claim.commit([logged("from the other process")])
print("held", flush=True)
for number in range(int(sys.argv[2])):
    claim.commit([logged(str(number))], durable=number % 7 == 0)
print("written", flush=True)
time.sleep(60)
"""

ASK = """
import sys
from pathlib import Path
from aloma_cli.store.files.checksum import checksum
from aloma_cli.store.files.disk import FileStore
FileStore(Path(sys.argv[1])).post("1", {"kind": "stop"})
"""


@pytest.fixture
def other(store: FileStore, folder: Path) -> Iterator[Any]:
    """Starts another process that holds task 1 and writes so many lines."""
    store.create("1", [created()]).close()
    started: list[subprocess.Popen[str]] = []

    def start(lines: int = 0) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(folder), str(lines)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@posix
def test_a_task_held_by_another_process_is_refused_and_the_process_named(store: FileStore, other: Any) -> None:
    process = other()
    with pytest.raises(TaskLockedError, match=f"process {process.pid} on "):
        store.claim("1")
    assert str(process.pid) in (store.holder("1") or "")


@posix
def test_the_lock_is_freed_by_kill_9(store: FileStore, other: Any) -> None:
    process = other()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert store.holder("1") is None
    claim = store.claim("1")
    claim.commit([logged("mine")])
    assert texts(store) == [[], ["from the other process"], ["mine"]]


@posix
def test_a_journal_can_be_read_while_another_process_writes_it(store: FileStore, other: Any) -> None:
    process = other(2000)
    counts: list[int] = []
    until = time.monotonic() + 10
    while (not counts or counts[-1] < 2002) and time.monotonic() < until:
        found = texts(store)
        counts.append(len(found))
        assert found[2:] == [[str(number)] for number in range(len(found) - 2)]
    assert process.poll() is None
    assert counts[-1] == 2002
    assert counts == sorted(counts)


@posix
def test_a_request_of_one_process_reaches_another(store: FileStore, folder: Path) -> None:
    claim = store.create("1", [created()])
    subprocess.run([sys.executable, "-c", ASK, str(folder)], check=True, cwd=Path(__file__).parents[2])
    assert [request.body for request in claim.requests()] == [{"kind": "stop"}]


def test_a_request_that_is_no_json_is_passed_on_as_unknown(store: FileStore, folder: Path) -> None:
    """One broken file must not end a run."""
    claim = store.create("1", [created()])
    (folder / "tasks" / "1" / "inbox").mkdir()
    (folder / "tasks" / "1" / "inbox" / "0.json").write_text("{")
    (folder / "tasks" / "1" / "inbox" / "1.json").write_text("[1]")
    assert [request.body["kind"] for request in claim.requests()] == ["unknown", "unknown"]
    for request in claim.requests():
        claim.fulfilled(request)
    assert claim.requests() == []


def test_the_journal_of_a_new_tree_is_not_read_back(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *_: Any, **__: Any) -> Any:
        raise AssertionError(f"{path} is read")

    monkeypatch.setattr(Path, "open", refuse)
    assert [batch.events for batch in store.create("1", [created()]).batches()] == [(created(),)]


def test_a_request_is_posted_also_while_a_closing_claim_removes_the_empty_inbox(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.create("1", [created()]).close()
    mkdir, made = Path.mkdir, list[Path]()

    def close_then(path: Path, **options: Any) -> None:
        mkdir(path, **options)
        made.extend([path] if path.name == "inbox" else ())
        if len(made) == 1 and path.name == "inbox":
            store.claim("1").close()

    monkeypatch.setattr(Path, "mkdir", close_then)
    assert store.is_waiting("1", store.post("1", {"kind": "stop"}))
    assert len(made) == 2


def test_a_run_whose_folder_is_gone_hears_so_when_it_looks_for_requests(store: FileStore, folder: Path) -> None:
    claim = store.create("1", [created()])
    (folder / "tasks" / "1").rename(folder / "tasks" / "elsewhere")
    with pytest.raises(StoreError, match="inbox could not be read: No such file"):
        claim.requests()


def test_a_claim_closed_twice_leaves_the_next_holder_alone(store: FileStore, folder: Path) -> None:
    claim = store.create("1", [created()])
    claim.close()
    with contextlib.closing(store.claim("1")):
        claim.close()
        assert (folder / "tasks" / "1" / "holder").exists()


def test_looking_who_holds_a_task_does_not_keep_others_from_taking_it(store: FileStore) -> None:
    store.create("1", [created()]).close()
    for _ in range(5):
        assert store.holder("1") is None
        store.claim("1").close()


# -- what is published -------------------------------------------------------------------------------------------------


def test_a_small_document_is_published_with_the_record_and_a_large_one_beside_it(
    store: FileStore, folder: Path
) -> None:
    claim = store.create("1", [created()])
    record, data = (folder / "tasks" / "1" / name for name in ("task.json", "data.json"))
    for document in ({"é": [1]}, LARGE, {"é": [2]}):
        claim.publish({"state": "done"}, document)
        assert store.published("1") == ({"state": "done"}, document)
        assert store.record("1") == {"state": "done"}
        holder = data if document is LARGE else record
        written = json.loads(holder.read_text(encoding="utf-8"))
        assert (written if document is LARGE else written["data"]) == document
        assert data.exists() == (document is LARGE)


def test_a_task_at_rest_takes_three_blocks(store: FileStore, folder: Path) -> None:
    """Its folder, its journal, and its record with a small document."""
    claim = store.create("1", [created()])
    store.post("1", {"kind": "stop"})
    claim.fulfilled(*claim.requests())
    claim.publish({"state": "question"}, {"name": "Ada"})
    claim.close()
    sizes = {path.name: path.stat().st_size for path in (folder / "tasks" / "1").iterdir()}
    assert sizes.pop("lock", 0) == 0
    assert sizes.keys() == {"journal.jsonl", "task.json"}
    assert max(sizes.values()) <= 4096


def test_a_document_of_an_earlier_program_is_read_beside_its_record(store: FileStore, folder: Path) -> None:
    store.create("1", [created()]).close()
    task = folder / "tasks" / "1"
    (task / "inbox").mkdir()
    (task / "data.json").write_text('{\n  "x": 1\n}\n')
    record = {"state": "done", "journal_bytes": (task / "journal.jsonl").stat().st_size}
    record["data_sum"] = checksum((task / "data.json").read_bytes())
    (task / "task.json").write_text(json.dumps(record))
    assert store.published("1") == ({"state": "done"}, {"x": 1})
    store.claim("1").close()
    assert not (task / "inbox").exists()


def test_what_is_published_is_read_as_it_was_whatever_texts_it_holds(store: FileStore) -> None:
    claim = store.create("1", [created()])
    texts = {"half": "a\ud800", "controls": "\x00\u2028", "": "é日"}
    for document in (texts, texts | LARGE):
        claim.publish(texts, document)
        assert store.published("1") == (texts, document)


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", '{"journal_bytes": 1}'])
def test_a_damaged_record_is_none(store: FileStore, folder: Path, damage: str) -> None:
    store.create("1", [created()]).publish({"state": "done"}, {})
    (folder / "tasks" / "1" / "task.json").write_text(damage)
    assert store.record("1") is None


def test_a_record_is_stale_as_soon_as_the_journal_has_one_byte_more(store: FileStore, folder: Path) -> None:
    claim = store.create("1", [created()])
    claim.publish({"state": "done"}, {})
    with (folder / "tasks" / "1" / "journal.jsonl").open("ab") as file:
        file.write(b"{")
    assert store.record("1") is None


@pytest.mark.parametrize("found", [None, b"", b"\0" * 13, b'{\n  "x', b'{\n  "x": 2\n}\n'])
def test_a_document_that_is_not_the_one_published_is_not_taken_for_it(
    store: FileStore, folder: Path, found: bytes | None
) -> None:
    store.create("1", [created()]).publish({"state": "done"}, LARGE)
    assert store.published("1") is not None
    path = folder / "tasks" / "1" / "data.json"
    path.unlink() if found is None else path.write_bytes(found)
    assert store.published("1") is None


@pytest.mark.parametrize("second", [{"n": 2}, {"n": 2, **LARGE}], ids=["small", "large"])
def test_a_record_and_a_document_of_two_moments_are_not_taken_together(
    store: FileStore, monkeypatch: pytest.MonkeyPatch, second: dict[str, Any]
) -> None:
    claim = store.create("1", [created()])
    claim.publish({"n": 1}, {"n": 1, **LARGE})
    read = Path.read_bytes

    def read_later(path: Path) -> bytes:
        if path.name == "data.json":
            claim.publish({"n": 2}, second)
        return read(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", read_later)
        assert store.published("1") is None
    assert document(store, "1") == second


def test_a_reader_sees_the_old_document_or_the_new_one(store: FileStore, folder: Path) -> None:
    claim = store.create("1", [created()])
    claim.publish({"n": 1}, {"n": 1, **LARGE})
    old = (folder / "tasks" / "1" / "data.json").open()
    claim.publish({"n": 2}, {"n": 2, **LARGE})
    with old:
        assert json.load(old) == {"n": 1, **LARGE}
    assert document(store, "1") == {"n": 2, **LARGE}
    names = {path.name for path in (folder / "tasks" / "1").iterdir()}
    assert names == {"journal.jsonl", "data.json", "task.json", "lock", "holder"}


# -- deleting ----------------------------------------------------------------------------------------------------------


def test_a_deleted_task_leaves_no_files(store: FileStore, folder: Path) -> None:
    claim = store.create("1", [created()])
    claim.publish({"state": "done"}, {})
    store.post("1", {"kind": "stop"})
    claim.delete()
    assert list((folder / "tasks").iterdir()) == []


def test_who_waits_for_the_lock_of_a_task_that_is_deleted_hears_so_and_leaves_no_files(
    store: FileStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks for a lock makes its folder, if need be."""
    claim = store.create("1", [created()])
    lock = claim_module.lock_folder

    def lock_later(folder: Path, **options: Any) -> Any:
        claim.delete()
        return lock(folder, **options)

    monkeypatch.setattr(claim_module, "lock_folder", lock_later)
    with pytest.raises(NotFoundError, match="there is no task 1"):
        store.claim("1")
    assert list((folder / "tasks").iterdir()) == []


def test_a_document_that_is_deleted_while_it_is_read_is_not_found(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = store.create("1", [created()])
    claim.publish({"state": "done"}, LARGE)
    read = Path.read_bytes

    def read_later(path: Path) -> bytes:
        if path.name == "data.json":
            claim.delete()
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", read_later)
    with pytest.raises(NotFoundError, match="there is no task 1"):
        read_task(store, "1")


def test_a_folder_that_cannot_be_deleted_is_a_task_as_before(
    store: FileStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = store.create("1", [created()])

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(StoreError, match="could not be deleted: Permission denied"):
        claim.delete()
    store.claim("1").commit([logged("a")])
    assert texts(store) == [[], ["a"]]


def test_sweeping_frees_what_killed_programs_left_but_not_what_is_being_made(store: FileStore, folder: Path) -> None:
    store.create("1", [created()]).close()
    tasks = folder / "tasks"
    for name in (".2", "3", "4"):
        (tasks / name / "inbox").mkdir(parents=True)
    (tasks / ".2" / "journal.jsonl").write_bytes((tasks / "1" / "journal.jsonl").read_bytes())
    long_ago = time.time() - 7200
    for name in ("1", "3"):
        os.utime(tasks / name, (long_ago, long_ago))
    assert store.roots() == list(store.newest_first().ids) == ["1"]
    store.sweep()
    assert sorted(path.name for path in tasks.iterdir()) == ["1", "4"]


DIE = """
import os, signal, sys
from pathlib import Path
from aloma_cli.store.files.checksum import checksum
from aloma_cli.store.files.disk import FileStore
store = FileStore(Path(sys.argv[1]), fsync=False)
for number, root in enumerate(store.roots()):
    if os.fork() == 0:
        steps = iter(range(number))
        claim = store.claim(root)
        def die(event, arguments):
            if event in ("os.rename", "os.remove", "os.rmdir", "os.scandir") and next(steps, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(die)
        claim.delete()
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"""


@posix
def test_killed_before_any_of_its_steps_a_deletion_leaves_the_whole_task_or_none(
    store: FileStore, folder: Path
) -> None:
    roots = [f"{number:02}" for number in range(20)]
    for root in roots:
        claim = store.create(root, [created(root)])
        claim.publish({"state": "done"}, {"x": 1})
        store.post(root, {"kind": "stop"})
        claim.close()
    command = [sys.executable, "-c", DIE, str(folder)]
    died = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    codes = [int(line) for line in died.stdout.splitlines()]
    assert codes == sorted(codes)
    assert codes[0] == -signal.SIGKILL
    assert codes[-1] == 0
    assert store.roots() == ["00"]
    assert (texts(store, "00"), document(store, "00")) == ([[]], {"x": 1})
    assert len(store.claim("00").requests()) == 1
    names = [path.name for path in (folder / "tasks").iterdir()]
    assert len(names) == codes.count(-signal.SIGKILL)
    store.sweep()
    assert [path.name for path in (folder / "tasks").iterdir()] == ["00"]


def test_a_note_that_a_loss_of_power_tore_counts_as_none(tmp_path: Path) -> None:
    store = FileStore(tmp_path / ".aloma")
    store.write_note("a", {"number": 1})
    (tmp_path / ".aloma" / "notes" / "a.json").write_text('{"num')
    assert store.note("a") is None
    store.write_note("a", {"number": 2})
    assert store.note("a") == {"number": 2}


@pytest.mark.parametrize("still_held", [True, False])
def test_a_task_that_another_process_makes_in_the_same_moment_is_left_alone(
    store: FileStore, folder: Path, monkeypatch: pytest.MonkeyPatch, *, still_held: bool
) -> None:
    lock = claim_module.lock_folder

    def lock_late(path: Path) -> Any:
        monkeypatch.setattr(claim_module, "lock_folder", lock)
        other = FileStore(folder).create("1", [created()])
        if not still_held:
            other.close()
        return lock(path)

    monkeypatch.setattr(claim_module, "lock_folder", lock_late)
    with pytest.raises((StoreError, TaskLockedError)):
        store.create("1", [created()])
    assert len(list(store.read("1"))) == 1
