"""What it costs to let a task wait for a person, and to answer it: counted, because seconds depend on the disk."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from aloma_cli import Workspace
from tests.web.test_answers import asking

_counting: list[Counter[str]] = []


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    for counts in _counting:
        counts[event] += 1


sys.addaudithook(_audit)


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """The syncs, and the files that are opened and renamed."""
    counts: Counter[str] = Counter()
    sync: Callable[[int], None] = os.fsync

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
    asyncio.run(home.answer(first.id, value=first.record["questions"][0].get("default", "x")))
    with counted(monkeypatch) as parked:
        task = asyncio.run(home.run("Second", {"go": True}))
    assert task.state == "question"
    with counted(monkeypatch) as answered:
        asyncio.run(home.answer(task.id, value="x"))
    print(parked, answered)
    # Its first line, the names of its file and of its folder, and the question.
    assert (parked["sync"], answered["sync"]) == (4, 1)
