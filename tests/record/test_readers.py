"""All that read a record say the same of a run: the live view, `show`, `list`, `--json`, `task.figures()`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from aloma_cli.api.reader import Records
from aloma_cli.engine.working import WorkingTree
from aloma_cli.record.events import Event
from aloma_cli.record.summary import figures, summary
from aloma_cli.record.tree import Tree
from aloma_cli.view.entries import spent
from aloma_cli.view.history import History
from aloma_cli.view.live.screen import Screen
from tests.engine.test_laws import RUNS, perform
from tests.support.manual import HeldClock
from tests.view.story import ROOT, Story, is_recorded, research
from tests.workflows.test_examples import commands
from tests.workflows.workspace import REPOSITORY, Workspace

PAGES = sorted(
    page.relative_to(REPOSITORY)
    for page in REPOSITORY.glob("examples/**/README.md")
    if not (page.parent / "aloma.yaml").exists()  # a workspace of its own
)
LINES = [line for page in PAGES for line in commands(str(page)) if line.startswith("aloma task new")]


def said_by_view(screen: Screen, task: str) -> dict[str, Any]:
    node = screen.node(task)
    own = screen.tree.tasks[task].figures
    return {
        "name": node.name,
        "state": node.state,
        "steps": [{"step": step, **own[step].to_json()} for step in own],
        "running": sorted(firing.step for firing in screen.running.values() if firing.task == task),
        "waiting": sorted(step for owner, step in screen.retries if owner == task),
    }


def said_by_record(record: Any, tree: Tree, task: str) -> dict[str, Any]:
    rests = tree.tasks[task].rest is not None
    return {
        "name": record["name"],
        "state": record["state"],
        "steps": record["steps"],
        "running": sorted(
            one["step"]
            for one, flight in zip(record["running"], tree.tasks[task].flights.values(), strict=True)
            if flight.running
        ),
        "waiting": [] if rests else sorted(one["step"] for one in record["waiting"]),
    }


def check(events: Sequence[Event], tree: Tree) -> None:
    """Compare all readers after `events`, of which `tree` is the sum."""
    screen, recalled = Screen(), Screen.of(tree)
    for event in events:
        screen.fold(event)
    for task in tree.tasks:
        record = summary(tree, task, {})
        assert said_by_view(screen, task) == said_by_record(record, tree, task)
        assert said_by_view(recalled, task) == said_by_view(screen, task)
        assert recalled.node(task) == screen.node(task)
        assert figures(tree, task, HeldClock())["steps"] == {
            step.pop("step"): step for step in map(dict, record["steps"])
        }
        assert said_by_view(History([*filter(is_recorded, events)], task).screen, task) == said_by_view(screen, task)
    root = tree.tasks[tree.root_id]
    assert screen.total == root.total
    assert screen.worked() == tree.working


def fan_out() -> Story:
    story = Story()
    story.create(0, "fan")
    for index in range(3):
        story.create(1, f"topic {index}", f"{ROOT}.1.{index}", ROOT)
        story.start(1, index + 2, "analyst", f"{ROOT}.1.{index}")
    story.answer(2, 3, about={"model": "m", "simulated": True}, cost=None)
    story.answer(2, 4, error={"type": "ConnectorError", "message": "no"}, usage=None)
    story.fail(3, 4, "no", retry=9)
    return story


@pytest.mark.parametrize("story", [research(), fan_out()], ids=["research", "fan out"])
def test_a_story_is_told_alike_after_each_of_its_events(story: Story) -> None:
    for end in range(1, len(story.events) + 1):
        events = story.events[:end]
        check(events, Tree.of(filter(is_recorded, events)))


@given(**RUNS)
@settings(max_examples=25)
def test_any_run_is_told_alike_by_the_engine_and_by_all_readers(**run: Any) -> None:
    stage, _ = perform(run["drawn"], run["document"], run["order"], run["concurrency"])
    events = stage.journal()
    check(events, stage.tree)
    for end in range(1, len(events), max(1, len(events) // 5)):
        check(events[:end], WorkingTree.of(events[:end]))


@pytest.mark.slow
@pytest.mark.parametrize("line", LINES, ids=range(len(LINES)))
def test_an_example_is_told_alike_by_all_commands(tmp_path: Path, line: str) -> None:
    workspace = Workspace.copied_to(tmp_path)
    task = workspace.aloma(*shlex.split(line)[1:]).out.split()[0]
    shown = workspace.aloma("task", "show", task, "--json").json
    [listed] = [one for one in workspace.aloma("task", "list", "--json").json if one["id"] == task]
    records = Records.at(tmp_path)
    events = records.task(task).tree_journal
    tree = Tree.of(events)
    assert {name: shown[name] for name in shown if name != "data"} == {
        name: listed[name] for name in shown if name != "data"
    }
    assert summary(tree, task, shown["data"])["steps"] == shown["steps"]
    assert summary(tree, task, shown["data"])["usage"] == shown["usage"]
    check(events, tree)
    for phrase in spent(tree.root.total):
        if "simulated" in phrase:
            assert phrase in workspace.aloma("task", "show", task).out
