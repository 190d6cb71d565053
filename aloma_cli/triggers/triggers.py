"""All triggers of a workspace, as a worker runs them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from aloma_cli.triggers import webhook
from aloma_cli.triggers.cron import Cron
from aloma_cli.triggers.done import Done
from aloma_cli.triggers.ends import Ends
from aloma_cli.triggers.files import Files
from aloma_cli.triggers.trigger import Trigger, TriggerReport, report_nothing
from aloma_cli.triggers.webhook import Webhook

if TYPE_CHECKING:
    from aloma_cli.api.workspace import Workspace
    from aloma_cli.jsontext import JsonObject
    from aloma_cli.loader.triggers import TriggerConfig
    from aloma_cli.triggers.event import TriggerEvent

Source = Cron | Files | Done | Webhook


def opened(home: Workspace, config: TriggerConfig, tell: Callable[[TriggerReport], object] = report_nothing) -> Source:
    """A trigger, checked. Raises ConfigError, and CredentialsError where the secret of a webhook has no value."""
    trigger = Trigger(home, config, tell)
    match config.kind:
        case "cron":
            return Cron(trigger)
        case "files":
            return Files(trigger)
        case "done":
            return Done(trigger)
    return Webhook(trigger, time.monotonic)


def example(home: Workspace, config: TriggerConfig) -> TriggerEvent:
    """An event as this trigger gets them. Raises as `opened`; the secret of a webhook is not needed."""
    return webhook.EXAMPLE if config.kind == "webhook" else opened(home, config).example()


class Triggers:
    """`tell` gets each task that is made, and each error once. Raises as `opened`."""

    def __init__(self, home: Workspace, tell: Callable[[TriggerReport], object]) -> None:
        sources = [opened(home, config, tell) for config in home.loaded.config.triggers]
        self._crons = [one for one in sources if isinstance(one, Cron)]
        self._folders = [one for one in sources if isinstance(one, Files)]
        self._ends = Ends(home, [one for one in sources if isinstance(one, Done)])
        self.webhooks = {one.trigger.config.name: one for one in sources if isinstance(one, Webhook)}

    async def catch_up(self) -> None:
        """Make the tasks of what happened while no worker ran."""
        self._ends.look()
        for cron in self._crons:
            cron.look()
        for folder in self._folders:
            await folder.catch_up()

    async def run(self) -> None:
        """Until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._ends.run())
            for cron in self._crons:
                group.create_task(cron.run())
            for folder in self._folders:
                group.create_task(folder.run())

    def see(self, record: JsonObject) -> None:
        """The record of a task that a worker has left."""
        self._ends.see(record)
