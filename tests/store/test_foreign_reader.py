"""`docs/format.md` tells enough to read a task in another language: a reader made from it alone agrees with ours."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from aloma_cli.api.reader import Records
from aloma_cli.api.task import read_tree
from tests.store import foreign_hours, foreign_reader
from tests.workflows.workspace import Workspace

STORIES = {
    "research": ["examples/one-domain-fails"],
    "planning": ["examples/two-phases"],
    "hierarchy": ["examples/one-agent-escalates"],
    "recovery": ["examples/recovery/skip"],
    "adaptation": [],
}


def test_the_reader_imports_nothing_of_ours() -> None:
    tree = ast.parse(Path(foreign_reader.__file__).read_text(encoding="utf-8"))
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert not any(name.startswith(("aloma", "tests")) for name in imported)


def test_the_reader_is_short() -> None:
    lines = Path(foreign_reader.__file__).read_text(encoding="utf-8").splitlines()
    assert sum(bool(line.strip()) for line in lines) <= 60


@pytest.mark.parametrize("example", STORIES)
def test_it_reads_every_task_of_a_story_as_we_do(example: str, tmp_path: Path) -> None:
    workspace = Workspace.copied_to(tmp_path)
    responses = [word for folder in STORIES[example] for word in ("--responses", folder)]
    workspace.aloma("task", "new", example, "-f", f"examples/{example}.json", "--offline", "-q", *responses)
    (journal,) = tmp_path.glob(".aloma/tasks/*/journal.jsonl")
    _agree(journal, tmp_path)


def test_it_reads_a_journal_cut_anywhere_as_we_do(tmp_path: Path) -> None:
    workspace = Workspace.copied_to(tmp_path)
    workspace.aloma("task", "new", "research", "-f", "examples/research.json", "--offline", "-q")
    (journal,) = tmp_path.glob(".aloma/tasks/*/journal.jsonl")
    whole = journal.read_bytes()
    first = whole.index(b"\n") + 1
    for size in range(first, len(whole), 997):
        journal.write_bytes(whole[:size])
        _agree(journal, tmp_path)


def _agree(journal: Path, root: Path) -> None:
    tree = read_tree(Records.at(root).store, journal.parent.name)
    assert foreign_hours.working(journal) == pytest.approx(tree.working, abs=1e-3)
    ours = tree.tasks
    theirs: dict[str, Any] = foreign_reader.read(journal)
    assert list(theirs) == list(ours)
    for name, task in ours.items():
        read = theirs[name]
        assert read["data"] == task.document
        assert read["disarmed"] == task.disarmed
        assert set(read["flying"]) == set(task.flights)
        assert (read["result"] or {}).get("result") == (task.completed or {}).get("result")
        assert (read["rest"] or {}).get("state") == (task.rest.state if task.rest else None)
