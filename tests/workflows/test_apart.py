"""Workflows are kept apart: in one workspace, side by side, and even in one document no agent fires in another's."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.workspace import REPOSITORY, Played, Workspace

OWN = {
    "adaptation": {"adaptation"},
    "analytics": {"analytics", "research"},
    "hierarchy": {"hierarchy"},
    "planning": {"planning"},
    "recovery": {"briefing"},
    "research": {"research"},
}
"""The folders whose agents each example is for; those of `recovery` are at work only when something fails, and
of `adaptation` in analytics only when a score is too low."""

PAIRS = list(combinations(OWN, 2))

BOTH = """
condition = {"both": list, "done": None}

async def content(data, task):
    for number, one in enumerate(data["both"]):
        task.subtask(f"task {number}", one, into=f"done.{number}")
"""


def at_work(played: Played) -> set[str]:
    """The folders of the agents that did anything at all, in this task or its subtasks."""
    return {step["step"].partition("/")[0] for step in played.record["steps"]}


def merged(one: Any, other: Any) -> Any:
    """One document with the fields of two."""
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return other
    return {**one, **{key: merged(one.get(key), value) for key, value in other.items()}}


def test_every_example_is_looked_at_here() -> None:
    assert {path.stem for path in Path(REPOSITORY / "examples").glob("*.json")} == OWN.keys()


@pytest.mark.parametrize("example", OWN)
def test_an_example_wakes_all_agents_of_its_folders_and_no_others(workspace: Workspace, example: str) -> None:
    played = workspace.run(example, workspace.example(example))
    assert (played.ended.code, played.state) == (0, "done")
    assert at_work(played) == OWN[example]


@pytest.mark.parametrize("example", OWN)
def test_asking_for_recovery_changes_nothing_where_nothing_fails(workspace: Workspace, example: str) -> None:
    data = workspace.example(example)
    plain = workspace.run(example, merged(data, {"workflow": {"recover": False}}))
    asking = workspace.run(example, merged(data, {"workflow": {"recover": True}}))
    assert asking.count("fired") == plain.count("fired")
    assert asking.count("looked") == plain.count("looked")


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_side_by_side_two_workflows_do_what_they_do_alone(workspace: Workspace, one: str, other: str) -> None:
    """As subtasks of one task: each agent fires as often as when nobody else is there."""
    (workspace.root / "steps" / "both.py").write_text(BOTH, encoding="utf-8")
    data = [workspace.example(one), workspace.example(other)]
    alone = [workspace.run("alone", example).count("fired") for example in data]
    both = workspace.run("both", {"both": data})
    assert both.state == "done"
    assert [child.count("fired") for child in both.children] == alone


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_in_one_document_two_workflows_wake_only_their_own_agents(workspace: Workspace, one: str, other: str) -> None:
    """The first of them to complete the task ends both; until then each does its work."""
    played = workspace.run("both", merged(workspace.example(one), workspace.example(other)))
    assert (played.ended.code, played.state) == (0, "done")
    assert at_work(played) <= OWN[one] | OWN[other]
    assert at_work(played) & OWN[one]
    assert at_work(played) & OWN[other]
