"""One firing, run again on the document that it started from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from aloma_cli.budget import Amount
from aloma_cli.clock import from_iso
from aloma_cli.connectors.base import Connectors, Function
from aloma_cli.content.cancellation import Cancellation
from aloma_cli.content.content import Toolbox
from aloma_cli.content.job import Job, Outcome
from aloma_cli.content.step import Step
from aloma_cli.explain.ledger import FiringRecord, Ledger
from aloma_cli.explain.replay.tape import Tape, recorded
from aloma_cli.jsontext import JsonObject
from aloma_cli.record.events import AnEvent, CallAnswered, Committed, Event
from aloma_cli.record.summary import figures
from aloma_cli.values import dataclass


@dataclass(frozen=True, slots=True)
class Tools:
    """What steps are given. `live`: the names of the steps whose calls are really made."""

    connectors: Connectors
    lib: object
    config: Callable[..., Any]
    live: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RecordedTime:
    """The clock of a replay: it stands at the moment when the firing began."""

    at: float

    def now(self) -> float:
        return self.at

    def elapsed(self) -> float:
        return self.at


class ReplayHost:
    """What a replayed firing may ask for: the figures of that moment, and nothing that is written or paid."""

    def __init__(self, ledger: Ledger, firing: FiringRecord, tape: Tape | None) -> None:
        self.clock = RecordedTime(from_iso(firing.started.at))
        self.answered: list[CallAnswered] = []
        self._ledger = ledger
        self._tape = tape

    def note(self, event: Event) -> None:
        if isinstance(event, CallAnswered) and event.replayed and self._tape is not None:
            self._tape.repeat(event.key)

    async def keep(self, event: AnEvent) -> AnEvent:
        if isinstance(event, CallAnswered):
            self.answered.append(event)
        return event

    def later(self, seconds: float, action: Callable[[], None]) -> Callable[[], None]:  # noqa: ARG002  (time stands)
        return lambda: None

    async def enter(
        self,
        function: Function,  # noqa: ARG002
        step: str,  # noqa: ARG002
        arguments: JsonObject,  # noqa: ARG002
        waits: Callable[[], None] = lambda: None,  # noqa: ARG002
    ) -> Amount:
        return Amount()

    def leave(self, held: Amount) -> None:
        """Nothing was reserved."""

    def figures(self, task: str) -> JsonObject:
        return figures(self._ledger.tree, task, self.clock)


@dataclass(frozen=True, slots=True)
class Rerun:
    """How a firing ended today. `tape`: None for a step that ran live; then `answered` are its calls."""

    job: Job
    outcome: Outcome
    tape: Tape | None
    answered: list[CallAnswered]


async def run_again(ledger: Ledger, whole: Ledger, firing: FiringRecord, step: Step, tools: Tools) -> Rerun:
    """Run a firing that begins at the last event of `ledger`; `whole` has its answers, too."""
    own = whole.firings[firing.number]
    tape = None if firing.step in tools.live else Tape.of(whole, own)
    tapes = {} if tape is None else {firing.number: tape}
    host = ReplayHost(ledger, firing, tape)
    toolbox = Toolbox(recorded(tools.connectors, tapes), tools.lib, tools.config)
    job = _job(ledger, firing, step, {} if tape is None else tape.calls)
    work = step.content.run(job, toolbox, host, Cancellation(asyncio.get_running_loop()))
    return Rerun(job, await work, tape, host.answered)


def _job(ledger: Ledger, firing: FiringRecord, step: Step, calls: Mapping[str, CallAnswered]) -> Job:
    started = firing.started
    task, facts = ledger.tasks[started.task], ledger.tree.tasks[started.task]
    is_newest = started.version == task.version
    return Job(
        firing=firing.number,
        task=started.task,
        task_name=facts.name,
        tags=facts.tags,
        parent=facts.parent,
        created_at=facts.created_at,
        step=firing.step,
        at=firing.at,
        base=task.document if is_newest else task.document_at(started.version),
        attempt=started.attempt,
        retry=step.retry,
        timeout=step.timeout,
        calls=calls,
        models=_models(ledger, started.task),
    )


def _models(ledger: Ledger, task: str) -> Mapping[str, str]:
    """The models that `task.adapt` set for a task, or for the nearest one above it."""
    above: str | None = task
    while above is not None:
        set_here: dict[str, str] = {}
        for wrote in ledger.tasks[above].writes.values():
            if isinstance(wrote.event, Committed):
                set_here |= (wrote.event.settings or {}).get("models", {})
        if set_here:
            return set_here
        above = ledger.tree.tasks[above].parent
    return {}
