"""The pytest plugin: fixtures that play a workspace's tasks in memory.

It is loaded in every run of pytest, so nothing else is imported before a fixture is used.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from aloma_cli.testing.play import Home, Play
    from aloma_cli.testing.script import Script

_PLAY = pytest.StashKey["Play"]()


@pytest.fixture
def workspace(request: pytest.FixtureRequest) -> Home:
    """The workspace around the file of the test; a fixture of the same name may return another `Home`."""
    from aloma_cli.loader.layout import find_workspace
    from aloma_cli.testing.play import Home

    return Home.open(find_workspace(None, request.path.parent))


@pytest.fixture
def script(workspace: Home) -> Script:
    """What calls are answered with: `script.on("step").answers({…})`."""
    from aloma_cli.testing.script import Script

    return Script(workspace.root)


@pytest.fixture
def play(request: pytest.FixtureRequest, workspace: Home, script: Script) -> Play:
    """Run a task of the workspace: `played = play({"message": "…"})`."""
    from aloma_cli.testing.play import Play

    made = Play(workspace, script)
    request.node.stash[_PLAY] = made
    return made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to the report of a test that failed what happened in the tasks it played."""
    report = yield
    if report.when == "call" and report.failed and _PLAY in item.stash:
        for played in item.stash[_PLAY].plays:
            # An error that tells the story itself need not tell it twice.
            if "what happened:" not in report.longreprtext:
                report.sections.append(("aloma", played.story()))
    return report
