"""When a task comes to rest, in which state, and which steps came nearest to firing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from aloma_cli.content.step import Step
from aloma_cli.document.reserved import unhandled_errors
from aloma_cli.engine.cycles import Cycle, cycle_commits, reason_of, shown_cycle
from aloma_cli.engine.plan import alone_in, is_parked, to_repeat
from aloma_cli.engine.subtasks import end, rest_stopped
from aloma_cli.engine.transaction import Transaction
from aloma_cli.engine.unsettled import approvals, in_words, unknown
from aloma_cli.engine.working import WorkingTask
from aloma_cli.jsontext import JsonObject
from aloma_cli.later import Later
from aloma_cli.record.states import PAUSED
from aloma_cli.redact import Redactor

if TYPE_CHECKING:
    from aloma_cli.condition import slips
    from aloma_cli.engine import expectation
else:
    expectation = Later("aloma_cli.engine.expectation")
    slips = Later("aloma_cli.condition.slips")

SHOWN = 3
"""How many steps, and how many mismatches of each, are listed."""


def settle(tx: Transaction, task: WorkingTask, redactor: Redactor) -> None:
    """Let a task rest that has nothing in flight and nothing to start, unless something will come by itself."""
    if task.rest is not None or (task.completed is None and _has_busy_subtask(tx, task)):
        return
    if tx.tree.limited is not None and _would_continue(tx, task):
        _pause(tx, task, "limited")
        return
    if _waits_for_time(tx, task):
        return
    unended = _unended(tx, task)
    if unended is not None:
        _pause(tx, task, unended)
        return
    parent = tx.tree.tasks[task.parent] if task.parent else None
    if parent is not None and alone_in(parent) is not None:
        # The landing is a commit like any other: it queues until the firing that runs alone has landed.
        tx.postponed[task.id] = None
    elif task.trail.cycle is not None and task.completed is None:
        _end_cycle(tx, task, "incomplete", task.trail.cycle)
    else:
        _end(tx, task, redactor)


def rest_again(tx: Transaction, task: WorkingTask) -> None:
    """Let a task rest that asks, or is stopped, and was woken by a write that starts nothing.

    A task that has more to do does not rest, so that a worker takes it.
    """
    if task.rest is not None or any(flight.running for flight in task.flights.values()):
        return
    if tx.tree.stopped is not None:
        rest_stopped(tx, task, tx.tree.stopped)
    elif not _waits_for_time(tx, task) and not _would_continue(tx, task):
        busy = task.completed is None and _has_busy_subtask(tx, task)
        state = None if busy else _unended(tx, task)
        if state is not None:
            _pause(tx, task, state)


def _end(tx: Transaction, task: WorkingTask, redactor: Redactor) -> None:
    state, reason = _state_at_rest(task), None
    expects = state == "done" and tx.tree.expected is not None
    short = expectation.shortfall(tx.tree, task) if expects else None
    if short is not None:
        state, reason = "incomplete", redactor.text(short)
    elif state == "ignored":
        idle = sorted(name for name, one in task.figures.items() if one.looked)
        reason = f"ran, and changed nothing: {', '.join(idle)}" if idle else None
    else:
        end(tx, task, state)
        return
    missing = nearest_misses(tx.plan.steps.values(), task.document)
    # A condition may name a secret: conditions are not data, so no other check has seen them.
    end(tx, task, state, reason=reason, missing=tuple(map(redactor.value, missing)))


def _would_continue(tx: Transaction, task: WorkingTask) -> bool:
    return bool(to_repeat(task) or task.retries or tx.plan.to_start(task, now=tx.now, limit=1))


def _waits_for_time(tx: Transaction, task: WorkingTask) -> bool:
    return task.completed is None and (bool(task.retries and not task.awaited) or is_parked(task, tx.now))


def _has_busy_subtask(tx: Transaction, task: WorkingTask) -> bool:
    return any(tx.tree.tasks[child].rest is None for child in task.live_children)


def _unended(tx: Transaction, task: WorkingTask) -> str | None:
    """The state of a rest that is not an end: the task, or a subtask of it, waits for a person."""
    if approvals(task) or (task.questions and task.completed is None):
        return "question"
    if task.unsettled:
        return "unsettled"
    if task.completed is not None:
        return None
    states = {tx.tree.tasks[child].state for child in task.live_children}
    return next((state for state in PAUSED if state in states), None)


def _pause(tx: Transaction, task: WorkingTask, state: str) -> None:
    """Let a task rest that has not ended."""
    if state == "question" and task.trail.cycle is not None:
        _end_cycle(tx, task, state, task.trail.cycle)
    else:
        end(tx, task, state, reason=_why(tx, task, state))


def _why(tx: Transaction, task: WorkingTask, state: str) -> str | None:
    if state == "unsettled":
        return in_words(unknown(task)) or None
    return tx.tree.limited if state == "limited" else None


def _end_cycle(tx: Transaction, task: WorkingTask, state: str, cycle: Cycle) -> None:
    commits = cycle_commits(tx.history(), task.id, cycle)
    end(tx, task, state, reason=reason_of(commits, cycle), cycle=shown_cycle(commits))


def _state_at_rest(task: WorkingTask) -> str:
    if unhandled_errors(task.document):
        return "error"
    matched = task.completed is not None or any(
        figures.fired or figures.failed or figures.voided for figures in task.figures.values()
    )
    return "done" if matched else "ignored"


def nearest_misses(steps: Iterable[Step], document: JsonObject) -> tuple[JsonObject, ...]:
    """The steps that came nearest, best first: [{step, missing: [sentence, …], more: how many are left out}]."""
    ranked = sorted(
        (step for step in steps if not step.condition.matches(document)),
        key=lambda step: step.condition.nearness(document),
        reverse=True,
    )
    return tuple(_miss(step, document) for step in ranked[:SHOWN])


def _miss(step: Step, document: JsonObject) -> JsonObject:
    sentences = [f"{mismatch}{slips.slip(mismatch, document)}" for mismatch in step.condition.mismatches(document)]
    return {"step": step.name, "missing": sentences[:SHOWN], "more": max(0, len(sentences) - SHOWN)}
