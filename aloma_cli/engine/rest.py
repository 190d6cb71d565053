"""When a task comes to rest, in which state, and which steps came closest to firing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from aloma_cli.content.step import Step
from aloma_cli.document.reserved import unhandled_errors
from aloma_cli.engine.arming import commit
from aloma_cli.engine.cycles import Cycle, cycle_commits, reason_of, shown_cycle
from aloma_cli.engine.plan import alone_in, is_parked, to_repeat
from aloma_cli.engine.transaction import Transaction
from aloma_cli.engine.working import WorkingTask
from aloma_cli.jsontext import JsonObject
from aloma_cli.later import Later
from aloma_cli.record.events import TaskRested
from aloma_cli.record.states import UNENDED
from aloma_cli.redact import Redactor

if TYPE_CHECKING:
    from aloma_cli.condition import slips
    from aloma_cli.engine import expectation, landing, unsettled
else:
    expectation = Later("aloma_cli.engine.expectation")
    landing = Later("aloma_cli.engine.landing")
    slips = Later("aloma_cli.condition.slips")
    unsettled = Later("aloma_cli.engine.unsettled")

SHOWN = 3
"""How many steps, and how many mismatches of each, are listed."""


def settle(tx: Transaction, task: WorkingTask, redactor: Redactor) -> None:
    """Let a task rest that has nothing in flight and nothing to start, unless something will come by itself."""
    open_ends = task.live_children or task.flights or task.questions or task.retries or task.parked_until
    if task.rest is not None or ((open_ends or tx.tree.limited is not None) and _stays_open(tx, task)):
        return
    parent = tx.tree.tasks[task.parent] if task.parent else None
    if parent is not None and alone_in(parent) is not None:
        # The landing is a commit like any other: it queues until the firing that runs alone has landed.
        tx.postponed[task.id] = None
    elif task.trail.cycle is not None and task.completed is None:
        _end_cycle(tx, task, "incomplete", task.trail.cycle)
    else:
        _end(tx, task, redactor)


def let_rest(
    tx: Transaction,
    task: WorkingTask,
    state: str,
    *,
    closed: bool = False,
    reason: str | None = None,
    missing: tuple[JsonObject, ...] = (),
    cycle: tuple[JsonObject, ...] = (),
) -> None:
    """Let a task rest; a subtask that ended lands in its parent, and is closed like a completed task."""
    parent = tx.tree.tasks[task.parent] if task.parent else None
    was_live = parent is not None and task.id in parent.live_children
    rested = TaskRested(
        at=tx.at,
        task=task.id,
        state=state,
        closed=state not in UNENDED and (closed or parent is not None or task.completed is not None),
        result=task.completed.get("result") if task.completed else None,
        reason=reason,
        missing=missing,
        cycle=cycle,
    )
    tx.add(rested)
    if parent is not None and was_live and state not in UNENDED:
        commit(tx, parent, landing.landing(parent, task, rested), by="landing", more={"child": task.id})


def rest_stopped(tx: Transaction, task: WorkingTask, reason: str) -> None:
    """Let a task rest whose tree a person stopped; it has not ended, and does not land."""
    tx.add(TaskRested(at=tx.at, task=task.id, state="stopped", reason=reason))


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
        let_rest(tx, task, state)
        return
    missing = nearest_misses(tx.plan.steps.values(), task.document)
    # A condition may name a secret: conditions are not data, so no other check has seen them.
    let_rest(tx, task, state, reason=reason, missing=tuple(map(redactor.value, missing)))


def _stays_open(tx: Transaction, task: WorkingTask) -> bool:
    """Whether a task does not end: something will come by itself, or it rests because it waits for a person."""
    if task.completed is None and _has_busy_subtask(tx, task):
        return True
    if tx.tree.limited is not None and _would_continue(tx, task):
        state: str | None = "limited"
    elif _waits_for_time(tx, task):
        return True
    else:
        state = _unended(tx, task)
    if state is not None:
        _pause(tx, task, state)
    return state is not None


def _would_continue(tx: Transaction, task: WorkingTask) -> bool:
    return bool(to_repeat(task) or task.retries or tx.plan.to_start(task, now=tx.now, limit=1))


def _waits_for_time(tx: Transaction, task: WorkingTask) -> bool:
    return task.completed is None and (bool(task.retries and not task.awaited) or is_parked(task, tx.now))


def _has_busy_subtask(tx: Transaction, task: WorkingTask) -> bool:
    return any(tx.tree.tasks[child].rest is None for child in task.live_children)


def _unended(tx: Transaction, task: WorkingTask) -> str | None:
    """The state of a rest that is not an end: the task, or a subtask of it, waits for a person."""
    if unsettled.approvals(task) or (task.questions and task.completed is None):
        return "question"
    if task.unsettled:
        return "unsettled"
    if task.completed is not None:
        return None
    states = {tx.tree.tasks[child].state for child in task.live_children}
    return next((state for state in UNENDED if state in states), None)


def _pause(tx: Transaction, task: WorkingTask, state: str) -> None:
    """Let a task rest that has not ended."""
    if state == "question" and task.trail.cycle is not None:
        _end_cycle(tx, task, state, task.trail.cycle)
    else:
        let_rest(tx, task, state, reason=_why(tx, task, state))


def _why(tx: Transaction, task: WorkingTask, state: str) -> str | None:
    if state == "unsettled":
        return unsettled.in_words(unsettled.unknown(task)) or None
    return tx.tree.limited if state == "limited" else None


def _end_cycle(tx: Transaction, task: WorkingTask, state: str, cycle: Cycle) -> None:
    commits = cycle_commits(tx.history(), task.id, cycle)
    let_rest(tx, task, state, reason=reason_of(commits, cycle), cycle=shown_cycle(commits))


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
