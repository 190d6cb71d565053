"""One holder at a time, however the lock was lost."""

from __future__ import annotations

import gc
import os
import threading
from pathlib import Path

import pytest

from aloma_cli.store.files.lock import FileLock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


def test_the_second_one_waits_until_the_first_is_free(path: Path) -> None:
    first, second = FileLock(path), FileLock(path)
    assert first.acquire(0)
    assert not second.acquire(0.03)
    assert (first.is_locked, second.is_locked) == (True, False)
    threading.Timer(0.05, first.release).start()
    assert second.acquire(30)
    second.release()
    assert first.acquire(0)


def test_a_file_that_is_deleted_while_one_waits_locks_nothing(path: Path) -> None:
    first, second = FileLock(path), FileLock(path)
    assert first.acquire(0)
    waiting = threading.Thread(target=second.acquire, args=(30,))
    waiting.start()
    path.unlink()
    path.touch()
    first.release()
    waiting.join()
    assert not FileLock(path).acquire(0)
    second.release()
    assert FileLock(path).acquire(0)


def test_a_lock_that_is_forgotten_is_free(path: Path) -> None:
    assert FileLock(path).acquire(0)
    gc.collect()
    assert FileLock(path).acquire(0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_child_keeps_no_lock(path: Path) -> None:
    lock, (reader, writer) = FileLock(path), os.pipe()
    assert lock.acquire(0)
    child = os.fork()
    if not child:
        os.read(reader, 1)
        os._exit(lock.is_locked)
    lock.drop()  # as if the parent was killed
    assert FileLock(path).acquire(5)
    os.write(writer, b"x")
    assert os.waitpid(child, 0)[1] == 0


def test_it_is_not_made_where_there_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        FileLock(tmp_path / "gone" / "lock").acquire(0)
    assert not list(tmp_path.iterdir())
