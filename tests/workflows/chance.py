"""A workflow run in virtual time, in which every answer takes a while that chance decides."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random
from typing import Any

from aloma_cli import Task
from aloma_cli import Workspace as Runner
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.loader.workspace import LoadedWorkspace
from tests.support.manual import manually, running_clock

LONGEST = 3.0
"""Seconds that an answer takes at most."""


def play_by_chance(loaded: LoadedWorkspace, data: Any, story: Path, random: Random, folder: Path) -> Task:
    """Run a task on `data` with the answers of `story`, each after a random time; `folder` is for scratch files."""
    for file in story.rglob("*.json"):
        path = folder / file.relative_to(story)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps([_delayed(entry, random) for entry in json.loads(file.read_text("utf-8"))]))
    models = ModelSettings(offline=True, responses=folder, concurrency=random.choice([1, 2, 16]))

    async def run() -> Task:
        return await Runner(loaded=loaded, models=models, clock=running_clock()).run("by chance", data)

    return manually(run())


def _delayed(entry: dict[str, Any], random: Random) -> dict[str, Any]:
    """A scripted entry with other delays; every third answer comes at once, so that some come at one moment."""
    if "calls" in entry:
        return entry | {"calls": [_delayed(reply, random) for reply in entry["calls"]]}
    return entry | {"delay": random.choice([0, random.uniform(0, LONGEST / 10), random.uniform(0, LONGEST)])}


def count(task: Task, what: str) -> dict[str, int]:
    """How often each step fired, looked, …; with those of the subtasks; without the zeros."""
    return {step["step"]: step[what] for step in task.record["steps"] if step[what]}


def steady(task: Task) -> str:
    """The document without what differs from run to run: times and ids."""
    text = json.dumps(task.data, sort_keys=True).replace(task.id, "ID")
    return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", "~", text)
