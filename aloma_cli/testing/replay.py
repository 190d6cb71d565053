"""Run a task again on its recorded answers."""

from __future__ import annotations

import asyncio

from aloma_cli.api.explaining import question
from aloma_cli.api.workspace import Workspace
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.connectors.table import open_connectors
from aloma_cli.content.lost import tasks_noticed
from aloma_cli.content.streams import lent_to_steps
from aloma_cli.errors import FiringError
from aloma_cli.explain.replay.replay import ReplayReport, replay
from aloma_cli.explain.replay.rerun import Tools
from aloma_cli.record.tree import Tree
from aloma_cli.testing.timeline import RealTime, Timeline


def replayed(home: Workspace, text: str, live: frozenset[str] = frozenset()) -> ReplayReport:
    """Run the task that `text` names again, on its recorded answers; the steps in `live` make their calls.

    Waiting costs no time, unless a step is live. Raises NotFoundError, JournalDamagedError, StepError for a broken
    file, and CredentialsError if a live step needs a key.
    """
    home.loaded.check()
    asked = question(home, text)
    offline = ModelSettings(offline=True, models=home.loaded.config.models)
    settings = home.setup.choice(Tree.of(asked.events)).settings if live else offline

    async def run() -> ReplayReport:
        connectors = open_connectors(settings, home.loaded.connector_modules, mcp=home.loaded.mcp_servers())
        tools = Tools(connectors, home.loaded.lib, home.loaded.environment, live)
        try:
            with tasks_noticed(asyncio.get_running_loop()), lent_to_steps(home.setup.redactor):
                return await replay(asked, tools, home.setup.redactor)
        finally:
            await connectors.aclose()

    clock = RealTime() if live else Timeline(home.clock.now())
    try:
        return clock.run(run())
    except AssertionError as error:
        raise FiringError(f"the replay cannot continue: {error}") from error
