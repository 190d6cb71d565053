"""A loss of power: what was promised is synced, what was not is not trusted. And links that lead elsewhere."""

from __future__ import annotations

import io
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from aloma_cli.store.files.disk import FileStore
from tests.cli.conftest import desk
from tests.cli.desk import SLEEPS, Desk, running
from tests.store.test_stores import created

__all__ = ["desk"]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc to know what is synced")

Deed = tuple[str, str]
"""What was done, and to which path, from the workspace on."""


@contextmanager
def deeds(root: Path) -> Iterator[list[Deed]]:
    """What is done to the files of a workspace meanwhile."""
    done: list[Deed] = []

    def watched(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(what: Any, *more: Any, **options: Any) -> Any:
            path = os.readlink(f"/proc/self/fd/{what}") if isinstance(what, int) else str(Path(what).absolute())  # noqa: PTH115
            result = real(what, *more, **options)
            done.append((name, os.path.relpath(path, root)))
            if name == "replace":
                done.append(("appears", os.path.relpath(Path(more[0]).absolute(), root)))
            return result

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in ("mkdir", "replace", "fsync"):
            patch.setattr(os, name, watched(name, getattr(os, name)))
        yield done


def lasts(done: list[Deed], name: str) -> bool:
    """Whether a name survives a loss of power after these deeds, with what is in it, if it is a file."""
    made = max(at for at, (kind, path) in enumerate(done) if kind in ("mkdir", "appears") and re.fullmatch(name, path))
    path = Path(done[made][1])
    synced = ("fsync", str(path.parent)) in done[made:]
    whole = done[made][0] == "mkdir" or ("fsync", done[made - 1][1]) in done[:made]
    return synced and whole


def type_in(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Put `text` on standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


TASK = r"\.aloma/tasks/\w+"

PROMISED = {
    ("task", "new", "X", "-d", '{"name": "Ada"}'): (
        r"\.aloma",
        r"\.aloma/tasks",
        TASK,
        rf"{TASK}/journal\.jsonl",
    ),
    ("secret", "set", "TOKEN"): (r"\.aloma", r"\.aloma/secrets\.json"),
}


@pytest.mark.parametrize("command", PROMISED, ids=" ".join)
def test_each_name_that_a_command_promises_is_synced(
    desk: Desk, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    type_in(monkeypatch, "a secret value")
    with deeds(desk.root) as done:
        assert desk.run(*command).code == 0
    assert [name for name in PROMISED[command] if not lasts(done, name)] == []


@pytest.mark.parametrize("command", [["set", "@last", "x=1"], ["stop", "@last"]], ids=" ".join)
def test_a_request_is_synced_before_somebody_else_is_said_to_carry_it_out(desk: Desk, command: list[str]) -> None:
    with running(desk, SLEEPS), deeds(desk.root) as done:
        assert desk.run("task", *command).code == 0
    assert lasts(done, rf"{TASK}/inbox")
    assert lasts(done, rf"{TASK}/inbox/\d+-.*\.json")


# -- what was not synced -----------------------------------------------------------------------------------------------

DAMAGES: dict[str, Callable[[bytes], bytes | None]] = {
    "missing": lambda _: None,
    "empty": lambda _: b"",
    "zeros": lambda data: b"\0" * len(data),
    "cut": lambda data: data[: len(data) // 2],
    "old": lambda _: b'{\n  "name": "Ada"\n}\n',
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("name", ["data.json", "task.json"])
def test_what_was_published_and_lost_is_read_from_the_journal(
    desk: Desk, name: str, damage: Callable[[bytes], bytes | None]
) -> None:
    desk.step("asks", '{"greeting": str}', "task.ask('Right?', into='right')", asks="task")
    desk.new('{"name": "Ada", "large": "%s"}' % ("x" * 5000))  # else the document is in task.json
    whole = desk.run("task", "show", "--json").json
    (path,) = desk.root.glob(f".aloma/tasks/*/{name}")

    def lose() -> None:
        left = damage(path.read_bytes())
        path.unlink() if left is None else path.write_bytes(left)

    lose()
    assert desk.run("task", "show", "--json") == (0, f"{_dumped(whole)}\n", "")
    (listed,) = desk.run("task", "list", "--json").json
    assert listed["state"] == "question"
    assert desk.run("task", "resume", "@last", "--json", "-q").json["data"] == whole["data"]
    lose()
    assert desk.run("task", "set", "@last", "more=1", "--json", "-q").json["data"] == whole["data"] | {"more": 1}
    lose()
    assert desk.run("task", "answer", "@last", "yes", "--json", "-q").json["data"]["right"] == "yes"
    assert desk.run("task", "show", "--data").json["right"] == "yes"


def _dumped(value: Any) -> str:
    from aloma_cli.jsontext import dumps

    return dumps(value)


# -- links -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def outside(desk: Desk) -> Path:
    """A file outside of the workspace's folder of tasks, which nobody may change."""
    return desk.write("outside/file", "as it was")


LINKED = [
    "secrets.lock",
    ".secrets.json.new",
    "tasks/ID/.data.json.new",
    "tasks/ID/.task.json.new",
    "tasks/ID/.holder.new",
    "tasks/ID/holder",
    "tasks/ID/data.json",
    "tasks/ID/lock",
    "tasks/ID/journal.jsonl",
]


@pytest.mark.parametrize("name", LINKED)
def test_a_link_in_the_folder_never_leads_what_we_write_elsewhere(
    desk: Desk, outside: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = desk.new().out.strip()
    path = desk.root / ".aloma" / name.replace("ID", task)
    path.unlink(missing_ok=True)
    path.symlink_to(outside)
    (desk.root / ".aloma" / "README").unlink()
    type_in(monkeypatch, "a secret value")
    commands = [("secret", "set", "TOKEN"), ("task", "set", task, "x=1", "-q"), ("task", "new", "X", "-q")]
    codes = [desk.run(*command).code for command in commands]
    assert (outside.read_text(), outside.stat().st_mode & 0o777) == ("as it was", 0o644)
    refused = {"secrets.lock": 0, "tasks/ID/lock": 1, "tasks/ID/journal.jsonl": 1}.get(name)
    assert [code != 0 for code in codes] == [number == refused for number in range(2)] + [True]


@pytest.mark.parametrize("name", ["tasks", "tasks/ID", "tasks/ID/inbox"])
def test_a_folder_that_is_a_link_is_read_and_not_written_to(desk: Desk, name: str) -> None:
    task = desk.new().out.strip()
    path = desk.root / ".aloma" / name.replace("ID", task)
    path.mkdir(exist_ok=True)  # the first request makes the inbox
    real = path.rename(desk.root / "elsewhere")
    path.symlink_to(real)
    before = {found: found.stat().st_mtime_ns for found in real.rglob("*")}
    assert desk.run("task", "show", task, "--path", "name").out == "Ada\n"
    ended = desk.run("task", "set", task, "x=1")
    assert (ended.code, "is a link" in ended.err, "  → " in ended.err) == (1, True, True)
    swept = desk.run("task", "gc", "--older-than", "0s", "--yes", "--json").json
    assert (swept["tasks"], [one["id"] for one in swept["skipped"]]) == ([], [task])
    assert {found: found.stat().st_mtime_ns for found in real.rglob("*")} == before


def test_what_a_killed_process_wrote_is_synced_before_it_is_continued(tmp_path: Path) -> None:
    """It may have been killed before its sync, and what follows from a line must not outlive the line."""
    store, journal = FileStore(tmp_path / ".aloma"), ".aloma/tasks/1/journal.jsonl"
    store.create("1", [created()]).close()
    with deeds(tmp_path) as done:
        store.claim("1").close()
    assert ("fsync", journal) not in done, "it was closed, so all of it is synced"
    claim: Any = store.claim("1")
    claim._lock.release()  # the process is killed
    with deeds(tmp_path) as done:
        store.claim("1").close()
    assert ("fsync", journal) in done


# -- what a kill leaves half written -----------------------------------------------------------------------------------


def test_what_killed_processes_left_half_written_is_removed_when_the_task_is_claimed(tmp_path: Path) -> None:
    store = FileStore(tmp_path / ".aloma")
    store.create("1", [created()]).close()
    folder = tmp_path / ".aloma" / "tasks" / "1"
    (folder / "inbox").mkdir()
    old, new = folder / "inbox" / ".1.json.new", folder / "inbox" / ".2.json.new"
    for path in (folder / ".data.json.new", folder / ".journal.jsonl.good", old, new):
        path.touch()
    os.utime(old, (time.time() - 3600, time.time() - 3600))
    store.claim("1").close()
    assert sorted(path.name for path in folder.rglob(".*")) == [new.name], "somebody may be writing that one now"
