"""The examples as their reader starts them."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.workflows.workspace import REPOSITORY, Output, Workspace

STEPS = {
    "adaptation/applier",
    "adaptation/controller",
    "research/agent",
    "research/coordinator",
    "research/finisher",
    "research/synthesis",
}
NEW_RESEARCH = ("task", "new", "Multi-Agent Research Project", "-f", "examples/research.json")
STORY = "examples/one-domain-fails"


def program(folder: Path, *arguments: str) -> Output:
    """Run the program itself, in a process of its own."""
    command = [sys.executable, "-m", "aloma_cli", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    return Output(done.returncode, done.stdout, done.stderr)


def commands(page: str) -> list[str]:
    """The lines of a page's shell blocks that call aloma."""
    blocks = re.findall(r"```sh\n(.*?)```", (REPOSITORY / page).read_text(encoding="utf-8"), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith("aloma ")]


def test_the_commands_of_the_page_work_one_after_the_other(workspace: Workspace) -> None:
    lines = commands("examples/README.md")
    assert len(lines) == 6
    for line in lines:
        ended = workspace.aloma(*shlex.split(line)[1:])
        assert (line, ended.code) == (line, 0)
        assert ended.out


def test_the_repository_is_a_workspace_in_which_every_step_loads(workspace: Workspace) -> None:
    listed = workspace.aloma("step", "list", "--json", "-w", str(REPOSITORY))
    assert (listed.code, listed.err) == (0, "")
    assert {step["name"] for step in listed.json} >= STEPS


def test_in_the_story_one_domain_fails_and_the_others_are_reported(workspace: Workspace) -> None:
    [line] = commands(f"{STORY}/README.md")
    ended = workspace.aloma(*shlex.split(line)[1:])
    played = workspace.played(ended.out.strip(), ended)
    report = played.record["result"]
    assert (ended.code, played.state) == (0, "done")
    assert (report["synthesis"]["parallelAgentsUsed"], report["synthesis"]["failedAgents"]) == (3, 1)
    assert "customer_needs" not in report["completedDomains"]
    assert "(scripted)" in report["synthesis"]["executiveSummary"]


def test_the_story_is_written_for_steps_that_there_are() -> None:
    folder = REPOSITORY / STORY
    assert {path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.json")} <= STEPS


def test_the_program_prints_the_id_and_nothing_else_on_stdout(workspace: Workspace) -> None:
    ended = program(workspace.root, *NEW_RESEARCH)
    assert ended.code == 0
    assert re.fullmatch(r"[0-9a-z]{16}\n", ended.out)
    assert "research/synthesis" in ended.err


def test_a_second_process_reads_what_the_first_one_wrote(workspace: Workspace) -> None:
    task = program(workspace.root, *NEW_RESEARCH, "--quiet").out.strip()
    shown = program(workspace.root / "examples", "task", "show", task, "--json")
    assert (shown.json["state"], shown.json["usage"]["calls"]) == ("done", 5)


def test_the_stream_of_events_has_all_that_the_journal_has(workspace: Workspace) -> None:
    """Each answer and each log line of every task is in it, once, and nothing of it ends in a step's log."""
    streamed = [json.loads(line) for line in program(workspace.root, *NEW_RESEARCH, "--events").out.splitlines()]
    played = workspace.played("@last")
    for kind in ("call_answered", "logged", "committed"):
        recorded = [event for task in (played, *played.children) for event in task.events(kind)]
        ordered = sorted(map(json.dumps, recorded))
        assert sorted(json.dumps(event) for event in streamed if event["event"] == kind) == ordered
    assert played.count("calls") == {"research/agent": 4, "research/synthesis": 1}
