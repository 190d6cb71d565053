"""A journal grows with what changes, not with the document it changes."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from aloma_cli import Step, Workspace, run
from aloma_cli.jsontext import dumps

LARGE = {"results": {f"r{n}": {"title": "t" * 60, "text": "x" * 720} for n in range(100)}}
"""A document of 80 KB."""

EMPTY: dict[str, Any] = {}


def counter(last: int) -> Step:
    """A step that counts in one field, commit by commit."""

    async def content(data: dict[str, Any], step: Any) -> None:
        data["n"] += 1
        if data["n"] < last:
            step.redo()

    return Step("count", {"n": int}, content)


@cache
def written(commits: int, *, large: bool) -> int:
    """The bytes that a journal has grown by so many commits, its first line not counted."""
    with TemporaryDirectory() as folder:
        workspace = Workspace([counter(commits)], folder=folder)
        task = run(workspace, "A task", {"n": 0, **(LARGE if large else EMPTY)})
        assert (task.data["n"], task.record["version"]) == (commits, commits)
        lines = (Path(folder) / ".aloma" / "tasks" / task.id / "journal.jsonl").read_bytes().splitlines()
        return sum(map(len, lines[1:]))


def test_the_document_these_tests_speak_of_has_80_kb() -> None:
    assert 80_000 < len(dumps(LARGE)) < 90_000


def test_a_small_change_of_a_large_document_is_a_small_line() -> None:
    assert written(50, large=True) < 50 * 600


def test_what_a_change_costs_does_not_depend_on_the_document() -> None:
    assert written(50, large=True) == pytest.approx(written(50, large=False), rel=0.02)


def test_twice_the_changes_take_twice_the_bytes() -> None:
    sizes = [written(commits, large=True) for commits in (25, 50, 100)]
    assert [more / fewer for fewer, more in pairwise(sizes)] == pytest.approx([2, 2], rel=0.05)


def test_the_five_hundredth_change_costs_what_the_fiftieth_did() -> None:
    assert written(500, large=False) / 500 == pytest.approx(written(50, large=False) / 50, rel=0.05)
