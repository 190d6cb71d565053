"""What it costs to let a task wait for a person, and to answer it: counted, because seconds depend on the disk."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from aloma_cli import Workspace
from tests.web.test_answers import asking

_EVENTS = ("open", "os.rename", "os.mkdir")
_counting: list[Counter[str]] = []


def _audit(event: str, _: tuple[Any, ...]) -> None:
    if event in _EVENTS:
        for counts in _counting:
            counts[event] += 1


sys.addaudithook(_audit)


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """The syncs, and how often a file is opened or renamed, or a folder made."""
    counts: Counter[str] = Counter()
    sync = os.fsync

    def counting(file: int) -> None:
        counts["sync"] += 1
        sync(file)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", counting)
        _counting.append(counts)
        try:
            yield counts
        finally:
            _counting.remove(counts)


def test_a_waiting_task_takes_few_syncs_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Workspace([asking()], folder=tmp_path)
    first = asyncio.run(home.run("First", {"go": True}))
    asyncio.run(home.answer(first.id, value="yes"))
    with counted(monkeypatch) as parked:
        task = asyncio.run(home.run("Second", {"go": True}))
    assert task.state == "question"
    with counted(monkeypatch) as answered:
        asyncio.run(home.answer(task.id, value="yes"))
    # Its first line, the name of its file, that of its folder, and the question; one line.
    assert (parked.pop("sync"), answered.pop("sync")) == (4, 1)
    assert parked.total() <= 16
    assert answered.total() <= 13
