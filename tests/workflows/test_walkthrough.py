"""What docs/workflows.md and the stories show happens, agent by agent and word by word."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.workflows.workspace import REPOSITORY, Played, Workspace

PAGE = (REPOSITORY / "docs/workflows.md").read_text(encoding="utf-8")
LISTINGS = [block for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL) if "task log --logs" in block]
STORIES = sorted(path for path in (REPOSITORY / "examples").rglob("README.md") if path.parent.name != "examples")
FAILING = {"too-few-agents"}


def start(workspace: Workspace, line: str) -> Played:
    """Run the `aloma task new` that a line of a page shows."""
    ended = workspace.aloma(*shlex.split(line.removeprefix("$ "))[1:])
    return workspace.played(ended.out.strip(), ended)


def shown(listing: str) -> tuple[list[str], list[str]]:
    """The agents that fire in a listing, in their order, and the lines they log."""
    fired = re.findall(r"^ *\d+  [\d:]+  ✓ (\S+/\S+) ", listing, re.MULTILINE)
    logged = re.findall(r"^ +│ (.*)$", listing, re.MULTILINE)
    return fired, logged


@pytest.mark.parametrize("listing", LISTINGS, ids=lambda listing: listing.split('"')[1])
def test_a_run_on_the_page_is_what_happens(workspace: Workspace, listing: str) -> None:
    """The same agents in the same order, and what they log; of simulated texts, which vary, only the beginning."""
    played = start(workspace, listing.splitlines()[0])
    fired, logged = shown(listing)
    assert [event["step"] for event in played.events("committed", by="firing")] == fired
    texts = [event["text"] for event in played.events("logged")]
    assert len(texts) <= len(logged)
    wrapped = " ".join(logged)
    assert [text for text in texts if text.partition("(simulated)")[0].strip() not in wrapped] == []


def test_every_workflow_has_its_run_on_the_page() -> None:
    started = {re.findall(r"examples/(\w+)\.json", listing)[0] for listing in LISTINGS}
    assert started == {path.stem for path in (REPOSITORY / "examples").glob("*.json")}


def test_the_page_points_only_at_what_there_is() -> None:
    targets = re.findall(r"\]\(([^)#]+)", PAGE)
    assert [target for target in targets if not (REPOSITORY / "docs" / target).exists()] == []


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.parent.name)
def test_a_story_ends_as_its_page_says(workspace: Workspace, story: Path) -> None:
    """`done`, unless it is told for its failure; and each of its files is for an agent that there is."""
    for line in re.findall(r"^aloma .*$", story.read_text(encoding="utf-8"), re.MULTILINE):
        code = workspace.aloma(*shlex.split(line)[1:]).code
        assert (line, code) == (line, 1 if story.parent.name in FAILING else 0)
    steps = {path.relative_to(REPOSITORY / "steps").with_suffix("") for path in (REPOSITORY / "steps").rglob("*.py")}
    scripted = {Path(*path.with_suffix("").parts[-2:]) for path in story.parent.rglob("*.json")}
    assert scripted
    assert scripted <= steps
