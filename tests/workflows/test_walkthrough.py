"""What docs/workflows.md and the stories show happens, agent by agent and word by word."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.workspace import REPOSITORY, Played, Workspace

PAGE = (REPOSITORY / "docs/workflows.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
LISTINGS = [block for block in BLOCKS if "task log --logs" in block]
STORIES = sorted(
    path
    for path in (REPOSITORY / "examples").rglob("README.md")
    if path.parent.name != "examples" and not (path.parent / "aloma.yaml").exists()  # a workspace of its own
)
COMMANDS = [
    line
    for story in STORIES
    for line in re.findall(r"^aloma task new .*$", story.read_text(encoding="utf-8"), re.MULTILINE)
]
FAILING = {"examples/too-few-agents"}
VOLATILE = {"seconds"}


def start(workspace: Workspace, line: str) -> Played:
    """Run the `aloma task new` that a line of a page shows."""
    ended = workspace.aloma(*shlex.split(line.removeprefix("$ "))[1:])
    return workspace.played(ended.out.strip(), ended)


def shown(listing: str) -> tuple[list[str], list[str]]:
    """The agents that fire in a listing, in their order, and the lines they log."""
    fired = re.findall(r"^ *\d+  [\d:]+  ✓ (\S+/\S+) ", listing, re.MULTILINE)
    logged = re.findall(r"^ +│ (.*)$", listing, re.MULTILINE)
    return fired, logged


def fields_after(listing: str) -> list[tuple[str, str]]:
    """The fields that the page shows of a run, each with its path, up to the next run."""
    following = BLOCKS[BLOCKS.index(listing) + 1 :]
    count = next((place for place, block in enumerate(following) if block in LISTINGS), len(following))
    found = [re.match(r"\$ aloma task show --path (\S+)\n(.*)\n$", block, re.DOTALL) for block in following[:count]]
    return [(match[1], match[2]) for match in found if match]


def steady(text: str) -> Any:
    """What `task show --path` prints, without what differs from run to run."""
    if not text.startswith(("{", "[")):
        return text
    value = json.loads(text)
    return {key: value[key] for key in value if key not in VOLATILE} if isinstance(value, dict) else value


def tasks_of(played: Played) -> list[Played]:
    """A task with all that is below it."""
    return [played, *(task for child in played.children for task in tasks_of(child))]


def story_of(command: str) -> str:
    return command.rpartition(" ")[2]


@pytest.mark.parametrize("listing", LISTINGS, ids=lambda listing: listing.split('"')[1])
def test_a_run_on_the_page_is_what_happens(workspace: Workspace, listing: str) -> None:
    """The same agents in the same order, what they log, how the task ends, and the fields that the page shows."""
    played = start(workspace, listing.splitlines()[0])
    fired, logged = shown(listing)
    assert [event["step"] for event in played.events("committed", by="firing")] == fired
    wrapped = " ".join(logged)
    assert [text for text in (event["text"] for event in played.events("logged")) if text not in wrapped] == []
    assert played.state == listing.rsplit(maxsplit=1)[-1]
    for path, text in fields_after(listing):
        printed = workspace.aloma("task", "show", played.id, "--path", path).out.rstrip("\n")
        assert (path, steady(printed)) == (path, steady(text))


def test_the_page_shows_fields_of_every_run() -> None:
    assert [listing.splitlines()[0] for listing in LISTINGS if not fields_after(listing)] == []


def test_every_workflow_has_its_run_on_the_page() -> None:
    started = {re.findall(r"examples/(\w+)\.json", listing)[0] for listing in LISTINGS}
    assert started == {path.stem for path in (REPOSITORY / "examples").glob("*.json")}


def test_the_first_command_of_the_readme_is_a_run_on_the_page() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    [command] = re.findall(r"\.venv/bin/(aloma task new .* examples/four-domains)$", readme, re.MULTILINE)
    assert f"$ {command}" in [listing.splitlines()[0] for listing in LISTINGS]


def test_the_page_points_only_at_what_exists() -> None:
    targets = [target for target in re.findall(r"\]\(([^)#]+)", PAGE) if "://" not in target]
    assert [target for target in targets if not (REPOSITORY / "docs" / target).exists()] == []


# -- the stories -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS, ids=story_of)
def test_a_story_ends_as_it_should_and_its_script_answers_each_call(workspace: Workspace, command: str) -> None:
    """`done`, unless it is told for its failure; and nothing in it, subtasks included, is made up on the way."""
    played = start(workspace, command)
    assert played.ended.code == (1 if story_of(command) in FAILING else 0)
    calls = [event for task in tasks_of(played) for event in task.events("call_answered")]
    assert calls
    assert [event["step"] for event in calls if "entry" not in event["about"]] == []
    assert "(simulated)" not in json.dumps([task.record for task in tasks_of(played)])


@pytest.mark.parametrize("command", COMMANDS, ids=story_of)
def test_each_answer_of_a_story_takes_its_time_and_says_that_it_is_scripted(command: str) -> None:
    files = list((REPOSITORY / story_of(command)).rglob("*.json"))
    assert files
    for file in files:
        for entry in json.loads(file.read_text(encoding="utf-8")):
            assert 1 <= entry["delay"] <= 4
            for reply in entry.get("calls", [entry]):
                assert "error" in reply or json.dumps(reply).count("(scripted) ") == 1


def test_each_file_of_a_story_is_for_an_agent_that_exists() -> None:
    steps = {path.relative_to(REPOSITORY / "steps").with_suffix("") for path in (REPOSITORY / "steps").rglob("*.py")}
    folders = [path for path in (REPOSITORY / "examples").iterdir() if not (path / "aloma.yaml").exists()]
    scripted = {Path(*path.with_suffix("").parts[-2:]) for folder in folders for path in folder.rglob("*.json")}
    assert scripted
    assert scripted <= steps


def test_a_synthesis_cites_what_its_domains_found(workspace: Workspace) -> None:
    """Each figure in it stands in the findings, or is computed from them."""
    [command] = [line for line in COMMANDS if line.endswith("four-domains")]
    execution = start(workspace, command).data["researchProject"]["parallelExecution"]
    found = json.dumps([landed["result"] for landed in execution["findings"].values()])
    insights = " ".join(execution["synthesis"]["crossDomainInsights"])
    computed = {"14", "22"}  # 40 - 26 buyers; 5 months in weeks
    assert set(re.findall(r"\d+", insights)) - computed <= set(re.findall(r"\d+", found))
    for domain in ("competitive_landscape", "market_trends", "customer_needs", "technology_assessment"):
        assert domain in insights


# -- the agents ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", sorted((REPOSITORY / "steps").rglob("*.py")), ids=lambda path: path.stem)
def test_an_agent_is_short_and_begins_with_who_does_what_when(step: Path) -> None:
    text = step.read_text(encoding="utf-8")
    assert re.match(r'"""[A-Z][\w ]+: when .+, .+\."""\n', text)
    assert 15 <= len(text.splitlines()) <= 110


def test_agents_give_reasons_of_their_own() -> None:
    """What they owe to ALOMA's guide, and where they differ from it, is in one table of the page."""
    sources = [path for folder in ("steps", "libraries") for path in (REPOSITORY / folder).rglob("*.py")]
    named = re.compile(r"\bguide\b")
    assert [path.name for path in sources if named.search(path.read_text(encoding="utf-8"))] == []
    assert not named.search(PAGE.partition("## Where these agents differ")[0])
