"""The pytest plugin: fixtures that play a workspace's tasks in memory.

It is loaded in every run of pytest, so nothing else is imported before a fixture is used.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from aloma_cli.later import Later

if TYPE_CHECKING:
    from aloma_cli.loader import layout
    from aloma_cli.testing import play as playing
    from aloma_cli.testing import script as scripts
    from aloma_cli.testing.play import Home, Play
    from aloma_cli.testing.script import Script
else:
    layout = Later("aloma_cli.loader.layout")
    playing = Later("aloma_cli.testing.play")
    scripts = Later("aloma_cli.testing.script")

_PLAY = pytest.StashKey["Play"]()


@pytest.fixture
def workspace(request: pytest.FixtureRequest) -> Home:
    """The workspace around the file of the test; a fixture of the same name may return another `Home`."""
    return playing.Home.open(layout.find_workspace(None, request.path.parent))


@pytest.fixture
def script(workspace: Home) -> Script:
    """What calls are answered with: `script.on("step").answers({…})`."""
    return scripts.Script(workspace.root)


@pytest.fixture
def play(request: pytest.FixtureRequest, workspace: Home, script: Script) -> Play:
    """Run a task of the workspace: `played = play({"message": "…"})`."""
    made = playing.Play(workspace, script)
    request.node.stash[_PLAY] = made
    return made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what happened in the tasks of a failed test to its report."""
    report = yield
    if report.when == "call" and report.failed and _PLAY in item.stash:
        for played in item.stash[_PLAY].plays:
            # An error that has the story already does not need it twice.
            if "what happened:" not in report.longreprtext:
                report.sections.append(("aloma", played.story()))
    return report
