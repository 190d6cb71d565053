"""A workflow that is killed at any moment, and again while it is resumed, ends as one that nobody disturbed."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.workspace import Workspace

STORIES = {
    "research": "examples/one-domain-fails",
    "hierarchy": "examples/one-agent-escalates",
    "planning": "examples/two-phases",
}
FEW, HUNDREDS = 6, 300
_VARIABLE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.+Z]+|coord_\d+|\b01[0-9a-z]{14}\b")


def options(example: str) -> list[str]:
    return ["--offline", "--responses", STORIES[example], "--delay", "0.05", "--json", "--quiet"]


@cache
def undisturbed(example: str, root: Path) -> tuple[Any, ...]:
    workspace = Workspace.copied_to(root)
    return outcome(workspace.aloma("task", "new", example, "-f", f"examples/{example}.json", *options(example)).json)


def outcome(record: dict[str, Any]) -> tuple[Any, ...]:
    """What a run comes to: its state, how often each step fired, how many calls were answered, and its document."""
    fired = {step["step"]: step["fired"] for step in record["steps"]}
    document = json.loads(_VARIABLE.sub("…", json.dumps(record["data"])))
    return record["state"], fired, record["usage"]["calls"], document


def killed(root: Path, seconds: float, *arguments: str) -> None:
    command = [sys.executable, "-m", "aloma_cli", *arguments]
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(seconds)
    process.kill()
    process.wait()


def kill_and_resume(seed: int, root: Path, reference: tuple[Any, ...], example: str) -> None:
    chance = random.Random(seed)
    workspace = Workspace.copied_to(root)
    new = ["task", "new", example, "-f", f"examples/{example}.json", *options(example)]
    killed(root, chance.uniform(0.25, 0.8), *new)
    if not list(root.glob(".aloma/tasks/*/journal.jsonl")):
        return  # it was killed before there was a task
    for _ in range(chance.choice([0, 0, 1, 2])):
        killed(root, chance.uniform(0.2, 0.6), "task", "resume", "@last", *options(example))
    ended = workspace.aloma("task", "resume", "@last", *options(example))
    assert outcome(ended.json) == reference, f"seed {seed}: {ended.err}"


@pytest.mark.parametrize("seed", range(FEW))
def test_a_killed_workflow_ends_as_an_undisturbed_one(
    seed: int, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    example = list(STORIES)[seed % len(STORIES)]
    kill_and_resume(seed, tmp_path, _reference(example, tmp_path_factory), example)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(FEW, FEW + HUNDREDS))
def test_a_killed_workflow_ends_as_an_undisturbed_one_hundreds_of_times(
    seed: int, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    example = list(STORIES)[seed % len(STORIES)]
    kill_and_resume(seed, tmp_path, _reference(example, tmp_path_factory), example)


def _reference(example: str, factory: pytest.TempPathFactory) -> tuple[Any, ...]:
    return undisturbed(example, factory.getbasetemp() / f"as-it-should-be-{example}")
