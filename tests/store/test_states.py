"""The tasks in a state are found without a look at the others, and none is missed whatever happened meanwhile."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aloma_cli.errors import NotFoundError, TaskLockedError
from aloma_cli.store.files import states as module
from aloma_cli.store.files.disk import FileStore
from aloma_cli.store.protocol import Claim
from tests.cli.looks import LISTED, looks
from tests.store.test_stores import created, logged

pytestmark = pytest.mark.skipif(not module._BOOT.exists(), reason="an index needs to know of a loss of power")


_MOMENTS = count(1_000_000_000)


@pytest.fixture(autouse=True)
def for_few_tasks_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FEW", 0)


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / ".aloma", fsync=False)


def make(store: FileStore, root: str, state: str) -> None:
    end(store.create(root, [created(root)]), state)


def end(claim: Claim, state: str) -> None:
    claim.commit([logged(state, claim.root)])
    claim.publish({"state": state}, {})
    claim.close()


def found(store: FileStore, *states: str) -> list[str]:
    newest = store.newest_first(states)
    assert newest.narrowed
    return list(newest.ids)


def settle(store: FileStore) -> None:
    """Let the names of the tasks be old enough for the index to go by the time of their folder."""
    moment = next(_MOMENTS)
    os.utime(store._tasks, (moment, moment))


def test_only_tasks_that_may_be_in_the_state_are_looked_at(
    store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(9):
        make(store, f"{number}", "error" if number in (2, 5) else "done")
    settle(store)
    assert found(store, "error") == ["5", "2"]
    with looks(tmp_path / ".aloma" / "tasks", monkeypatch) as counts:
        assert found(store, "error") == ["5", "2"]
        assert found(store, "question") == []
    assert (counts.pop(LISTED, 0), {*counts}) == (0, {"2", "5"})
    end(store.claim("5"), "done")
    end(store.claim("7"), "error")
    with looks(tmp_path / ".aloma" / "tasks", monkeypatch) as counts:
        assert found(store, "error", "stopped")[:1] == ["7"]
    assert {*counts} - {LISTED} <= {"2", "5", "7"}


OPS = st.one_of(
    st.tuples(st.sampled_from(["make", "change"]), st.sampled_from("1234"), st.sampled_from(["done", "error"])),
    st.tuples(
        st.sampled_from(["hold", "leave", "kill", "delete", "settle", "find", "restart"]), st.sampled_from("1234")
    ),
)


@given(st.lists(OPS, max_size=14))
@settings(max_examples=2 * settings().max_examples)
def test_no_task_in_a_state_is_missed(ops: list[tuple[str, ...]]) -> None:
    with TemporaryDirectory() as folder:
        store = FileStore(Path(folder) / ".aloma", fsync=False)
        held: dict[str, Any] = {}
        for kind, root, *state in ops:
            with contextlib.suppress(FileNotFoundError, NotFoundError, TaskLockedError, KeyError):
                act(store, held, kind, root, *state)
        for name in ("done", "error"):
            # One that a process runs is found by its state on record as well.
            there = {root for root in store.roots() if (store.record(root) or {}).get("state") == name}
            assert there <= {*store.newest_first([name]).ids}
        for claim in held.values():
            claim.close()


def act(store: FileStore, held: dict[str, Any], kind: str, root: str, state: str = "done") -> None:
    match kind:
        case "make" if root not in store.roots():
            make(store, root, state)
        case "change" if root in held:
            claim = held[root]
            claim.commit([logged(state, root)])
            claim.publish({"state": state}, {})
        case "change":
            end(store.claim(root), state)
        case "hold":
            held[root] = store.claim(root)
        case "leave":
            held.pop(root).close()
        case "kill":
            held[root]._lock.release()
            held.pop(root)._journal.close()
        case "delete":
            store.claim(root).delete()
        case "settle":
            settle(store)
        case "find":
            list(store.newest_first(["done"]).ids)
        case "restart":
            (store._folder / "changed").write_text("another-boot.1234\n")


def test_a_task_that_changes_while_the_index_is_made_is_found(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(store, "1", "done")
    make(store, "2", "done")
    look, late = store._state_at_rest, ["1"]

    def looks_and_is_late(root: str) -> str | None:
        state = look(root)
        if root in late:
            end(store.claim(late.pop()), "error")
        return state

    monkeypatch.setattr(store, "_state_at_rest", looks_and_is_late)
    settle(store)
    found(store, "error")
    assert found(store, "error") == ["1"]


def test_a_change_that_is_noted_in_a_replaced_index_is_noted_again(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(store, "1", "done")
    settle(store)
    found(store, "done")
    write: Callable[[int, bytes], int] = os.write
    others = [store]

    def late(file: int, data: bytes) -> int:
        if others and data == b"1\n":
            (store._folder / "states.json").unlink()
            found(others.pop(), "done")  # makes a new index
        return write(file, data)

    monkeypatch.setattr(os, "write", late)
    end(store.claim("1"), "error")
    assert found(store, "error") == ["1"]


@pytest.mark.parametrize("text", ["", "{", '{"format":1}', "[]"])
@pytest.mark.parametrize("name", ["changed", "states.json"])
def test_a_torn_index_is_made_again(store: FileStore, name: str, text: str) -> None:
    make(store, "1", "error")
    settle(store)
    found(store, "error")
    (store._folder / name).write_text(text)
    make(store, "2", "error")
    end(store.claim("1"), "done")
    assert found(store, "error") == ["2"]


def test_a_folder_that_was_copied_or_deleted_by_hand_is_noticed_at_once(store: FileStore) -> None:
    make(store, "1", "error")
    assert found(store, "error") == ["1"]
    shutil.copytree(store._tasks / "1", store._tasks / "2")
    assert found(store, "error") == ["2", "1"]
    shutil.rmtree(store._tasks / "1")
    assert found(store, "error") == ["2"]


def test_a_change_that_cannot_be_noted_leaves_no_index(store: FileStore, tmp_path: Path) -> None:
    make(store, "1", "done")
    settle(store)
    found(store, "done")
    (store._folder / "changed").unlink()
    (store._folder / "changed").symlink_to(tmp_path / "elsewhere")
    end(store.claim("1"), "error")
    assert not (tmp_path / "elsewhere").exists()
    assert found(store, "error") == ["1"]


def test_a_change_that_is_noted_in_part_leaves_no_index(
    store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the next change would continue its line, and both would be lost."""
    make(store, "1111", "done")
    make(store, "2222", "done")
    settle(store)
    assert found(store, "done") == ["2222", "1111"]
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, text: write(file, text[:2] if text == b"1111\n" else text))
    end(store.claim("1111"), "error")
    monkeypatch.undo()
    assert not (tmp_path / ".aloma" / "changed").exists()
    end(store.claim("2222"), "error")
    monkeypatch.setattr(module, "_FEW", 0)
    assert found(store, "error") == ["2222", "1111"]


def test_a_folder_that_is_a_link_gets_no_index(store: FileStore, tmp_path: Path) -> None:
    make(store, "1", "done")
    (tmp_path / ".aloma").rename(tmp_path / "other")
    (tmp_path / ".aloma").symlink_to(tmp_path / "other")
    newest = store.newest_first(["done"])
    assert (newest.narrowed, [*newest.ids]) == (False, ["1"])
    assert not (tmp_path / "other" / "changed").exists()
