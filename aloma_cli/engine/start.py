"""How firings start: new ones, those that run once more, and those of a process that died."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from aloma_cli.clock import from_iso
from aloma_cli.content.job import Job
from aloma_cli.engine.arming import void
from aloma_cli.engine.plan import to_repeat
from aloma_cli.later import Later
from aloma_cli.record.events import CallAnswered, FiringStarted, StepsArmed

if TYPE_CHECKING:
    from aloma_cli.content.step import Step
    from aloma_cli.engine import failure, limits, unsettled
    from aloma_cli.engine.transaction import Transaction
    from aloma_cli.engine.working import WorkingFlight, WorkingTask
    from aloma_cli.jsontext import JsonObject
else:
    failure = Later("aloma_cli.engine.failure")
    limits = Later("aloma_cli.engine.limits")
    unsettled = Later("aloma_cli.engine.unsettled")

MOST_STARTS = 1000
"""After this many firings a step counts as looping."""

_NONE: Mapping[str, CallAnswered] = {}


def start_more(tx: Transaction, task: WorkingTask, concurrency: int) -> None:
    """Start what may start in a task, with at most `concurrency` firings in flight unless the task sets another."""
    # When one that ran alone is over, the others may continue.
    while voided := to_repeat(task) if task.flights else []:
        for flight in voided:
            _repeat(tx, task, flight)
    most = tx.tree.settings_of(task).get("concurrency") or concurrency
    for step in tx.plan.to_start(task, now=tx.now, limit=most):
        if task.starts.get(step.name, 0) >= MOST_STARTS:
            limits.limit(tx, f"{step.name} has fired {MOST_STARTS:,} times, which looks like a loop")
            return
        _launch(tx, task, step, None, version=task.version)


def _repeat(tx: Transaction, task: WorkingTask, flight: WorkingFlight) -> None:
    """Run a voided firing once more on the newest document, if its condition holds there and the task continues.

    One that waited for a person continues from where it started, so that it makes the same calls.
    """
    ended = task.completed is not None and flight.voids  # one without voids is paused by a limit, and still runs
    if flight.parked and flight.step in tx.plan.steps:
        _launch(tx, task, tx.plan.steps[flight.step], flight, version=flight.version)
    elif flight.step in task.true and not ended:
        _launch(tx, task, tx.plan.steps[flight.step], flight, version=task.version)
    else:
        void(tx, task, flight, "superseded")


def _launch(tx: Transaction, task: WorkingTask, step: Step, flight: WorkingFlight | None, *, version: int) -> None:
    """Start a step, or run its voided or interrupted `flight` once more, on the document as of `version`."""
    name, condition, code = step.name, step.condition.fingerprint, step.content.fingerprint
    if flight is not None:
        firing, attempt, run, continues = flight.firing, flight.attempt, flight.run + 1, None
    else:
        retry = task.retries.get(name)
        firing, attempt, run = tx.tree.last_firing + 1, retry.attempt + 1 if retry else 1, 1
        continues = (task.retried if retry else task.standing).get(name)
    tx.add(FiringStarted(tx.at, task.id, firing, name, version, attempt, run, continues, condition, code))
    tx.jobs[firing] = _job(tx, task, task.flights[firing], step)


def recover(tx: Transaction) -> None:
    """Arm what has a new condition, and repeat what a process that died had started."""
    for task in tx.tree.tasks.values():
        changed = [] if task.closed else tx.plan.rearmed_on_opening(task)
        if changed:
            arm(tx, task, changed, "their condition changed")
    unsettled.park_interrupted(tx)
    for task, flight in tx.tree.flights():
        step = tx.plan.steps.get(flight.step)
        if flight.unanswered or (flight.parked and step is not None):
            continue
        if step is None or not step.condition.matches(flight.base):
            void(tx, task, flight, "superseded")
        elif flight.running:
            _launch(tx, task, step, flight, version=flight.version)


def give_up_retries(tx: Transaction, task: WorkingTask) -> None:
    """Cancel due tries whose condition no longer holds; their steps are armed for the next match."""
    due = [name for name, retry in task.retries.items() if from_iso(retry.at) <= tx.now]
    lapsed = [name for name in due if name not in task.true]
    if lapsed:
        arm(tx, task, lapsed, "their condition no longer holds")


def arm(
    tx: Transaction,
    task: WorkingTask,
    steps: Iterable[str],
    reason: str,
    request: str | None = None,
    who: JsonObject | None = None,
) -> None:
    """Arm steps other than by a commit; `reason` says why, in words."""
    tx.add(StepsArmed(at=tx.at, task=task.id, steps=tuple(steps), reason=reason, request=request, who=who))


def _job(tx: Transaction, task: WorkingTask, flight: WorkingFlight, step: Step) -> Job:
    """What a runner needs to run a firing."""
    calls, settings = tx.tree.calls.get(flight.firing), tx.tree.settings_of(task)
    # Without the names of its fields, because that takes half the time.
    return Job(
        flight.firing,
        task.id,
        flight.about["name"],
        tuple(flight.about["tags"]),
        task.parent,
        task.created_at,
        step.name,
        flight.at,
        flight.base,
        flight.attempt,
        failure.retry_of(step, settings) if settings else step.retry,
        step.timeout,
        dict(calls) if calls else _NONE,
        settings.get("models") or {},
        task.drafted if flight.base is task.document else None,
    )
