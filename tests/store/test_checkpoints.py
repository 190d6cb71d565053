"""`checkpoint.json`: a long journal is not read from its beginning, and no checkpoint is trusted over the journal."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aloma_cli import Step, Workspace, run
from aloma_cli.api.task import read_tree
from aloma_cli.clock import SystemClock
from aloma_cli.engine import loop
from aloma_cli.engine.plan import Plan
from aloma_cli.engine.turn import Scheduler
from aloma_cli.engine.working import WorkingTree, read_working
from aloma_cli.errors import JournalDamagedError
from aloma_cli.record import checkpoint as state
from aloma_cli.record.batch import Batch
from aloma_cli.record.codec import decode
from aloma_cli.record.repeats import Earlier
from aloma_cli.store.files import claim
from aloma_cli.store.files.disk import FileStore
from tests.support.deeply import differences

LINES = 30
"""Lines of a journal after which a checkpoint is written here."""


async def content(data: dict[str, Any], step: Any) -> None:
    data["n"] += 1
    if data["n"] % 50:
        step.redo()


COUNT = Step("count", {"n": int}, content)


class Long:
    """A task of about 50 lines with a checkpoint, and of some more lines if `more` was called."""

    def __init__(self, folder: Path) -> None:
        self.workspace = Workspace([COUNT], folder=folder)
        self.id = run(self.workspace, "A task", {"n": 0}).id
        self.store = FileStore(folder / ".aloma")
        self.folder = folder / ".aloma" / "tasks" / self.id
        self.checkpoint = self.folder / "checkpoint.json"
        self.journal = self.folder / "journal.jsonl"

    def more(self) -> None:
        """A commit by a person, which is after the checkpoint."""
        self.workspace.submit(self.id, {"kind": "set", "set": [[["x"], 1]], "unset": []})

    def decoded(self, monkeypatch: pytest.MonkeyPatch) -> int:
        """How many lines are decoded to read the tree, which is as its journal tells."""
        lines: list[bytes] = []

        def counted(line: bytes, earlier: Earlier) -> Batch:
            lines.append(line)
            return decode(line, earlier)

        with monkeypatch.context() as patch:
            patch.setattr("aloma_cli.store.files.journal.decode", counted)
            tree = read_tree(self.store, self.id)
        assert differences(tree, read_working(None, lambda: self.store.read(self.id))) == []
        return len(lines)

    @property
    def length(self) -> int:
        return self.journal.read_bytes().count(b"\n")


@pytest.fixture
def long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Long:
    monkeypatch.setattr(claim, "_LONG", LINES)
    monkeypatch.setattr(loop, "_PUBLISH", 1e9)  # only the end of a run is published, however slow the machine is
    return Long(tmp_path)


def test_only_the_lines_after_the_checkpoint_are_read(long: Long, monkeypatch: pytest.MonkeyPatch) -> None:
    assert json.loads(long.checkpoint.read_bytes())["lines"] == long.length
    assert long.decoded(monkeypatch) == 0
    long.more()
    assert long.decoded(monkeypatch) == 1


def test_a_short_task_has_no_checkpoint(tmp_path: Path) -> None:
    assert not Long(tmp_path).checkpoint.exists()


def test_a_task_continues_from_its_checkpoint(long: Long) -> None:
    long.more()
    task = run_again(long)
    assert (task.data, task.record["steps"][0]["fired"]) == ({"n": 100, "x": 1}, 100)


def test_the_next_checkpoint_is_written_after_as_many_lines_again(long: Long, monkeypatch: pytest.MonkeyPatch) -> None:
    before = long.checkpoint.read_bytes()
    long.more()
    assert long.checkpoint.read_bytes() == before
    run_again(long)
    assert long.checkpoint.read_bytes() != before
    assert long.decoded(monkeypatch) == 0


def test_what_is_not_in_the_journal_yet_is_neither_published_nor_kept(long: Long) -> None:
    long.checkpoint.unlink()
    before = long.store.published(long.id)
    with contextlib.closing(long.store.claim(long.id)) as claimed:
        scheduler = Scheduler(claimed, Plan([COUNT]), clock=SystemClock(), emit=lambda _: None)
        scheduler.carry_out({"kind": "set", "task": long.id, "set": [[["x"], 1]], "unset": []})
        scheduler.publish()
        assert long.store.published(long.id) == before
        assert not long.checkpoint.exists()
        scheduler.write()
    assert long.checkpoint.exists()


def run_again(long: Long) -> Any:
    long.workspace.submit(long.id, {"kind": "redo", "step": "count"})
    return asyncio.run(long.workspace.resume(long.id))


def flip(text: bytes, at: int) -> bytes:
    return text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :]


DAMAGES: dict[str, Callable[[bytes], bytes | None]] = {
    "missing": lambda _: None,
    "empty": lambda _: b"",
    "zeros": lambda text: b"\0" * len(text),
    "cut": lambda text: text[: len(text) // 2],
    "without its end": lambda text: text[:-1],
    "other bytes": lambda text: flip(text, text.index(b'"fired"') + 9),
    "no object": lambda _: b"[]\n",
    "of a newer format": lambda text: text.replace(b'"format":1', b'"format":2'),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_checkpoint_that_is_lost_or_damaged_is_not_used(
    long: Long, monkeypatch: pytest.MonkeyPatch, damage: Callable[[bytes], bytes | None]
) -> None:
    left = damage(long.checkpoint.read_bytes())
    long.checkpoint.unlink() if left is None else long.checkpoint.write_bytes(left)
    assert long.decoded(monkeypatch) == long.length
    assert run_again(long).data == {"n": 100}


def test_a_checkpoint_of_another_task_is_not_used(long: Long, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Long(tmp_path / "other")
    long.checkpoint.write_bytes(other.checkpoint.read_bytes())
    assert long.decoded(monkeypatch) == long.length


def test_an_older_checkpoint_is_continued_from(long: Long, monkeypatch: pytest.MonkeyPatch) -> None:
    older = long.checkpoint.read_bytes()
    run_again(long)
    long.checkpoint.write_bytes(older)
    assert 0 < long.decoded(monkeypatch) < long.length


def test_a_checkpoint_of_another_program_is_not_used(long: Long, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "program", lambda: "another")
    assert long.decoded(monkeypatch) == long.length


def test_a_checkpoint_of_another_program_is_replaced_by_the_next_run(
    long: Long, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(state, "program", lambda: "another")
        long.more()
        assert json.loads(long.checkpoint.read_bytes())["state"]["program"] == "another"
    long.more()
    assert long.decoded(monkeypatch) == 0


def test_damage_before_the_checkpoint_is_found(long: Long) -> None:
    text = long.journal.read_bytes()
    long.journal.write_bytes(flip(text, len(text) // 2))
    with pytest.raises(JournalDamagedError, match=r"line 2[0-9] of"):
        read_tree(long.store, long.id)
    with pytest.raises(JournalDamagedError):
        long.store.claim(long.id)


def test_damage_after_the_checkpoint_is_told_with_its_line(long: Long) -> None:
    long.more()
    text = long.journal.read_bytes()
    long.journal.write_bytes(flip(text, len(text) - 40))
    with pytest.raises(JournalDamagedError, match=f"line {long.length} of"):
        read_tree(long.store, long.id)


def test_a_journal_that_lost_its_end_is_read_from_its_beginning(long: Long, monkeypatch: pytest.MonkeyPatch) -> None:
    text = long.journal.read_bytes()
    long.journal.write_bytes(text[: text.rindex(b"\n", 0, -1) + 1])
    assert long.decoded(monkeypatch) == long.length


def test_what_went_back_to_its_last_good_line_is_read_without_the_checkpoint(
    long: Long, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = long.journal.read_bytes()
    long.journal.write_bytes(flip(text, len(text) // 2))
    assert long.store.salvage(long.id, WorkingTree().take) is not None
    assert long.decoded(monkeypatch) == long.length
