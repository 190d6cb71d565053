"""The operating system refuses something: each time with a defined end, one sentence, and a task that can continue."""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from aloma_cli.errors import StoreError
from aloma_cli.store.files.disk import FileStore
from aloma_cli.store.files.os_errors import refused
from tests.cli.conftest import desk
from tests.cli.desk import Desk, Ended
from tests.faults.order import NEW, RESUME, write_order
from tests.store.test_stores import created

__all__ = ["desk"]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc to know what is written")

FULL, QUOTA, RIGHTS, READ_ONLY, BROKEN, HANDLES, LONG = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EACCES,
    errno.EROFS,
    errno.EIO,
    errno.EMFILE,
    errno.ENAMETOOLONG,
)


@contextmanager
def refusing(function: str, path: str, number: int, nth: int = 1) -> Iterator[None]:
    """From the `nth` time on `os.function` fails for what matches `path`, counted from the workspace's `.aloma`."""
    count = 0
    real: Callable[..., Any] = getattr(os, function)

    def refuse(what: Any, *more: Any, **options: Any) -> Any:
        nonlocal count
        name = str(Path(f"/proc/self/fd/{what}").readlink() if isinstance(what, int) else Path(what).absolute())
        inside = re.fullmatch(path, name.partition("/.aloma")[2]) if "/.aloma" in name else None
        count += inside is not None
        if inside is not None and count >= nth:
            raise OSError(number, os.strerror(number), None if isinstance(what, int) else what)
        return real(what, *more, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, function, refuse)
        yield


@pytest.fixture
def order(desk: Desk) -> Desk:
    (desk.root / "steps" / "greet.py").unlink()
    write_order(desk.root)
    return desk


def sent(desk: Desk) -> Counter[str]:
    calls = desk.root / "calls"
    return Counter(calls.read_text().split() if calls.exists() else ())


def on_record(desk: Desk) -> list[str]:
    (journal,) = desk.root.glob(".aloma/tasks/*/journal.jsonl")
    events = [event for line in journal.read_text().splitlines() for event in json.loads(line)["events"]]
    return [f"{e['task']}-{e['firing']}-{e['key']}" for e in events if e["event"] == "call_answered"]


def one_sentence(ended: Ended, number: int) -> None:
    assert ended.code == 1
    sentence, hint = ended.err.splitlines()
    assert sentence.startswith("aloma: ")
    assert os.strerror(number) in sentence
    assert hint.startswith("  → ")


NOT_CREATED = [
    ("mkdir", "", RIGHTS),
    ("mkdir", "", READ_ONLY),
    ("mkdir", "/tasks", QUOTA),
    ("open", "/README", FULL),
    ("mkdir", r"/tasks/\w+", FULL),
    ("mkdir", r"/tasks/\w+", LONG),
    ("open", r"/tasks/\w+/lock", HANDLES),
    ("open", r"/tasks/\w+/.journal.jsonl.new", HANDLES),
    ("write", r"/tasks/\w+/.journal.jsonl.new", FULL),
    ("fsync", r"/tasks/\w+/.journal.jsonl.new", BROKEN),
    ("replace", r"/tasks/\w+/.journal.jsonl.new", FULL),
    ("fsync", r"/tasks/\w+", BROKEN),
    ("open", r"/tasks/\w+/.holder.new", FULL),
    ("open", r"/tasks/\w+/journal.jsonl", HANDLES),
]


@pytest.mark.parametrize(("function", "path", "number"), NOT_CREATED)
def test_a_task_that_cannot_be_created_leaves_nothing_and_has_not_begun(
    order: Desk, function: str, path: str, number: int
) -> None:
    with refusing(function, path, number):
        ended = order.run(*NEW)
    one_sentence(ended, number)
    assert (ended.out, order.tasks, sent(order)) == ("", [], Counter())
    assert order.run(*NEW).code == 0, "nothing is in the way of another"


CUT_SHORT = [
    *(("write", r"/tasks/\w+/journal.jsonl", FULL, nth) for nth in range(1, 12)),
    ("write", r"/tasks/\w+/journal.jsonl", QUOTA, 4),
    *(("fsync", r"/tasks/\w+/journal.jsonl", BROKEN, nth) for nth in range(1, 12)),
    ("scandir", r"/tasks/\w+/inbox", HANDLES, 1),
    ("scandir", r"/tasks/\w+/inbox", BROKEN, 2),
]


@pytest.mark.parametrize(("function", "path", "number", "nth"), CUT_SHORT)
def test_a_run_that_is_cut_short_says_why_and_goes_on_from_there(
    order: Desk, function: str, path: str, number: int, nth: int
) -> None:
    with refusing(function, path, number, nth):
        ended = order.run(*NEW)
    one_sentence(ended, number)
    (task,) = order.tasks
    assert ended.json["id"] == task
    assert ended.err.endswith(f"then: aloma task resume {task}\n")
    before, kept = sent(order), on_record(order)
    assert _resumed(order)["data"]["sum"] == 11
    after = sent(order)
    assert {key: after[key] for key in kept} == {key: before[key] for key in kept}, "nothing on record is paid again"


def _resumed(desk: Desk) -> dict[str, Any]:
    ended = desk.run(*RESUME)
    while ended.code == 8:  # it asks, until the time for the answer is up
        ended = desk.run(*RESUME)
    assert (ended.code, ended.json["state"]) == (0, "done"), ended
    record: dict[str, Any] = ended.json
    return record


@pytest.mark.parametrize("nth", range(1, 4))
def test_a_resume_that_is_cut_short_can_be_resumed(order: Desk, nth: int) -> None:
    with refusing("write", r"/tasks/\w+/journal.jsonl", FULL, 6):
        order.run(*NEW)
    with refusing("write", r"/tasks/\w+/journal.jsonl", FULL, nth):
        one_sentence(order.run(*RESUME), FULL)
    assert _resumed(order)["result"] == "sent"


NEW_LARGE = tuple(word.replace("a cup", "x" * 5000) for word in NEW)
"""A document that is published in a file of its own."""

UNPUBLISHED = [
    ("open", r"/tasks/\w+/.data.json.new", FULL),
    ("replace", r"/tasks/\w+/.data.json.new", READ_ONLY),
    ("open", r"/tasks/\w+/.task.json.new", HANDLES),
    ("replace", r"/tasks/\w+/.task.json.new", RIGHTS),
]


@pytest.mark.parametrize(("function", "path", "number"), UNPUBLISHED)
def test_a_record_that_cannot_be_published_is_told_of_once_and_read_from_the_journal(
    order: Desk, function: str, path: str, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    with refusing(function, path, number), caplog.at_level(logging.WARNING):
        ended = order.run(*NEW_LARGE)
    assert (ended.code, ended.json["state"]) == (0, "done")
    (warning,) = caplog.messages
    assert f"could not be written: {os.strerror(number)}; the run continues" in warning
    shown = order.run("task", "show", "--json").json
    assert (shown["state"], shown["data"]) == ("done", ended.json["data"])


NOT_POSTED = [
    ("mkdir", r"/tasks/\w+/inbox", QUOTA),
    ("open", r"/tasks/\w+/inbox/.*", FULL),
    ("replace", r"/tasks/\w+/inbox/.*", RIGHTS),
    ("fsync", r"/tasks/\w+/inbox", BROKEN),
    ("fsync", r"/tasks/\w+", BROKEN),
]


@pytest.mark.parametrize(("function", "path", "number"), NOT_POSTED)
def test_a_request_that_cannot_be_posted_is_refused_to_its_sender(
    tmp_path: Path, function: str, path: str, number: int
) -> None:
    store = FileStore(tmp_path / ".aloma")
    store.create("1", [created()])
    with refusing(function, path, number), pytest.raises(StoreError, match=os.strerror(number)) as error:
        store.post("1", {"kind": "stop"})
    assert error.value.hint
    assert store.is_waiting("1", store.post("1", {"kind": "stop"}))


def test_a_request_that_cannot_be_dropped_is_carried_out_once(order: Desk) -> None:
    with refusing("unlink", r"/tasks/\w+/inbox/.*", READ_ONLY):
        assert order.run(*NEW).code == 0
    _resumed(order)
    requests = [event for event in order.run("task", "log", "--json").json if "request" in event]
    assert len(requests) == 1


@pytest.mark.parametrize("command", ["show", "log", "resume", "stop", "clone"])
@pytest.mark.parametrize("number", [RIGHTS, BROKEN, HANDLES])
def test_a_journal_that_cannot_be_read_is_one_sentence(
    order: Desk, command: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    order.run(*NEW)
    (summary,) = order.root.glob(".aloma/tasks/*/task.json")
    summary.unlink()
    real = Path.open

    def refuse(path: Path, *more: Any, **options: Any) -> Any:
        if path.name == "journal.jsonl":
            raise OSError(number, os.strerror(number), str(path))
        return real(path, *more, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        ended = order.run("task", command, "@last")
        one_sentence(ended, number)
        listed = order.run("task", "list")
        assert (listed.code, os.strerror(number) in listed.err) == (1, True)


def test_a_folder_that_may_not_be_looked_into_hides_no_other_task(order: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (order.run(*NEW).json["id"] for _ in range(2))

    def guarded(name: str) -> Any:
        real = getattr(Path, name)

        def call(path: Path, *more: Any, **options: Any) -> Any:
            if first in path.parts:
                raise PermissionError(RIGHTS, os.strerror(RIGHTS), str(path))
            return real(path, *more, **options)

        return call

    with monkeypatch.context() as patch:
        for name in ("is_file", "open", "read_bytes", "stat"):
            patch.setattr(Path, name, guarded(name))
        listed = order.run("task", "list")
    assert (listed.code, second in listed.out, first in listed.out) == (1, True, False)
    assert os.strerror(RIGHTS) in listed.err


def test_a_run_for_which_there_is_no_event_loop_can_be_resumed(order: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes a few open files."""
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)  # it is silenced on the way out

    def refuse() -> None:
        raise OSError(HANDLES, os.strerror(HANDLES))

    with monkeypatch.context() as patch:
        patch.setattr("asyncio.new_event_loop", refuse)
        ended = order.run(*NEW)
    one_sentence(ended, HANDLES)
    assert ended.json["state"] == "created"
    assert ended.err.endswith(f"then: aloma task resume {ended.json['id']}\n")
    assert _resumed(order)["id"] == ended.json["id"]


# -- as it is, without anything injected -------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [NEW, ("task", "list"), ("task", "show"), ("task", "show", "--json"), RESUME])
def test_a_file_where_the_folder_should_be_is_one_sentence(order: Desk, command: tuple[str, ...]) -> None:
    order.write(".aloma", "a file")
    ended = order.run(*command)
    assert (ended.code, ended.out) == (1, "")
    assert str(order.root / ".aloma") in ended.err
    assert ended.err.endswith("\n  → move the file away: a folder must be in its place\n")


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root; NOT_CREATED has the same, injected")
def test_a_workspace_that_may_not_be_written_is_one_sentence(order: Desk) -> None:
    order.root.chmod(0o500)
    try:
        ended = order.run(*NEW)
    finally:
        order.root.chmod(0o700)
    one_sentence(ended, RIGHTS)


def test_a_name_of_any_length_is_no_file_name(order: Desk) -> None:
    ended = order.run("task", "new", "x" * 100_000, *NEW[3:])
    assert (ended.code, len(ended.json["name"])) == (0, 100_000)


@pytest.mark.parametrize("what", [".aloma", "."], ids=["the tasks", "the whole workspace"])
def test_a_folder_that_is_deleted_while_a_task_runs_ends_the_run(order: Desk, what: str) -> None:
    order.step("deletes", '{"plan": str}', f"import shutil; shutil.rmtree({what!r}, ignore_errors=True)")
    ended = order.run(*NEW)
    assert (ended.code, ended.out) == (1, "")
    sentence, hint = ended.err.splitlines()[-2:]
    assert re.fullmatch(r"aloma: .*/inbox could not be read: No such file or directory", sentence)
    assert hint == "  → run `aloma task list`: the folder was moved or deleted"
    assert "Traceback" not in ended.err


def test_every_reason_that_is_known_has_a_hint(tmp_path: Path) -> None:
    for number in (FULL, QUOTA, RIGHTS, READ_ONLY, BROKEN, HANDLES, LONG, errno.ENOENT, errno.ENOTDIR):
        error = refused(tmp_path, "written", OSError(number, os.strerror(number)))
        assert str(error) == f"{tmp_path} could not be written: {os.strerror(number)}"
        assert error.hint
