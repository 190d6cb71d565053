"""What all runs of a workspace share: its steps, model server, clock, secrets, limit of a day, notices and traces."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict, field
from functools import lru_cache
from typing import TYPE_CHECKING

from aloma_cli.engine.plan import Plan
from aloma_cli.later import Later
from aloma_cli.loader.answering import NEW, Answering, Past
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from aloma_cli.api import notifying
    from aloma_cli.api.notifying import Notices
    from aloma_cli.clock import Clock
    from aloma_cli.connectors import table
    from aloma_cli.connectors.base import Connectors
    from aloma_cli.connectors.settings import ModelSettings
    from aloma_cli.content.step import Step
    from aloma_cli.engine import day, requests
    from aloma_cli.engine.turn import Scheduler
    from aloma_cli.loader import notify, otel
    from aloma_cli.loader.models import ModelChoice
    from aloma_cli.loader.workspace import LoadedWorkspace
    from aloma_cli.record.tree import Tree
    from aloma_cli.redact import Redactor
    from aloma_cli.store.protocol import Store
    from aloma_cli.telemetry import live, otlp
    from aloma_cli.telemetry.live import LiveTraces
else:
    day = Later("aloma_cli.engine.day")
    live = Later("aloma_cli.telemetry.live")
    notifying = Later("aloma_cli.api.notifying")
    notify = Later("aloma_cli.loader.notify")
    otel = Later("aloma_cli.loader.otel")
    otlp = Later("aloma_cli.telemetry.otlp")
    requests = Later("aloma_cli.engine.requests")
    table = Later("aloma_cli.connectors.table")

Intercept = Callable[["Connectors"], "Connectors"]
"""Wraps the connectors of a run."""


@dataclass(slots=True)
class Setup:
    """`choose`: the model server for a task with this past. `intercept` may wrap the connectors of every run, to answer
    their calls in another way. `tells`: whether notices and traces are sent, which a test must not do."""

    loaded: LoadedWorkspace
    steps: Mapping[str, Step]
    store: Store
    clock: Clock
    redactor: Redactor
    choose: Callable[[Past], ModelChoice]
    intercept: Intercept
    tells: bool = False
    _planned: Callable[[tuple[Step, ...]], Plan] = field(default_factory=lambda: lru_cache(maxsize=1)(Plan))
    _day: day.DayLimit | None = None
    _traces: LiveTraces | None = None

    @property
    def plan(self) -> Plan:
        """The steps as the engine asks for them; worked out once for the same steps."""
        return self._planned(tuple(self.steps.values()))

    def choice(self, like: Tree | None = None) -> ModelChoice:
        """The model server for a new task, or for one with the past of `like`.

        Raises CredentialsError, also if a task with real answers would get simulated ones; InputError, ConfigError.
        """
        return self.choose(NEW if like is None else Past.of(like))

    def check(self, like: Tree | None = None) -> ModelChoice:
        """Raise what would keep a task from running: the StepError of a broken file, a ConfigError.

        The task is a new one, or one with the past of `like`. Gives its model server.
        """
        self.loaded.check()
        choice, mcp = self.choice(like), self.loaded.mcp_servers()
        scripts = choice.settings.responses if choice.settings.offline else None
        if self.plan.asks_for("connectors") or (scripts is not None and scripts.is_dir()):
            table.open_connectors(choice.settings, self.loaded.connector_modules, mcp=mcp)
        self.notices()
        self.traces()
        return choice

    def answering(self, run: Scheduler) -> ModelSettings:
        """The model server for a tree that is about to run. A change of it goes into the record."""
        settings = self.choice(run.tree).settings
        now, kept = Answering.of(settings, self.loaded.root), run.tree.answering
        if asdict(now) != kept:
            before = None if kept is None else Answering.from_json(kept)
            reason = f"model server: {now.words}" if before is None else before.changes_to(now)
            run.do(requests.set_answering, asdict(now), reason)
        return settings

    def notices(self) -> Notices | None:
        """Who gets notices of questions and ends; None for nobody. Raises ConfigError."""
        loaded = self.loaded
        if not (self.tells and loaded.config.notify):
            return None
        entries = notify.equipped(loaded.config.notify, loaded.root, loaded.environment)
        return notifying.notices_of(loaded, entries, self.clock)

    def traces(self) -> LiveTraces | None:
        """Where spans go; None for nowhere. Raises ConfigError."""
        if not (self.tells and self.loaded.config.otel):
            return None
        settings = otel.equipped(self.loaded.config.otel, self.loaded.environment)
        if self._traces is None:
            self._traces = live.LiveTraces(otlp.Collector(settings), texts=settings.prompts)
        return self._traces

    def day_limit(self) -> day.DayLimit | None:
        """The limit that all runs on one event loop share; None if there is none."""
        most = self.loaded.config.limits.per_day
        if most is not None and (self._day is None or self._day.loop is not asyncio.get_running_loop()):
            self._day = day.DayLimit(most, self.store, self.clock)
        return self._day
