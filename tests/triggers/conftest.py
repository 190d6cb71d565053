"""A workspace on disk, with triggers and a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from aloma_cli.api.workspace import Workspace
from aloma_cli.clock import Clock
from aloma_cli.loader.triggers import TriggerConfig
from aloma_cli.loader.workspace import load_workspace
from aloma_cli.triggers.triggers import opened

STEP = """
condition = {"seen": None}


async def content(data):
    data["seen"] = True
"""


class SetClock:
    """A clock that shows what it is set to."""

    def __init__(self, at: str) -> None:
        self.set(at)

    def set(self, at: str) -> None:
        self.moment = datetime.fromisoformat(at).timestamp()

    def now(self) -> float:
        return self.moment

    def elapsed(self) -> float:
        return self.moment


class Home:
    """A workspace with one trigger `t`."""

    def __init__(self, folder: Path, settings: str, clock: Clock | None) -> None:
        self.folder = folder
        (folder / "aloma.yaml").write_text(f"offline: true\ntriggers:\n  t:\n{_indented(settings)}")
        loaded = load_workspace(folder, folder, {"HOOK": "s3cret-words"})
        self.workspace = Workspace(folder=folder, loaded=loaded, clock=clock)

    @property
    def config(self) -> TriggerConfig:
        return self.workspace.loaded.config.triggers[0]

    def open(self) -> Any:
        """The trigger, as a process that starts now has it."""
        return opened(self.workspace, self.config)

    def made(self, key: str) -> list[Any]:
        """This value of the data of each task, oldest first."""
        return [task.data.get(key) for task in self.workspace.tasks()]

    @property
    def noted(self) -> Any:
        return self.workspace.store.note("trigger.t")


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.strip().splitlines())


@pytest.fixture
def home(tmp_path: Path) -> Callable[..., Home]:
    """Make the workspace, or open it again with other settings."""

    def make(settings: str, clock: Clock | None = None) -> Home:
        (tmp_path / "steps").mkdir(exist_ok=True)
        (tmp_path / "steps" / "see.py").write_text(STEP)
        (tmp_path / "inbox").mkdir(exist_ok=True)
        return Home(tmp_path, settings, clock)

    return make


MakeHome = Callable[..., Home]
