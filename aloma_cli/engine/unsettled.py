"""Firings that wait for a person: a call of theirs was sent, has no answer, and must not be sent twice."""

from __future__ import annotations

from collections.abc import Iterable

from aloma_cli.engine.arming import void
from aloma_cli.engine.transaction import Transaction
from aloma_cli.engine.working import WorkingFlight, WorkingTask, WorkingTree
from aloma_cli.errors import InputError
from aloma_cli.jsontext import Json, JsonObject
from aloma_cli.record.events import CallAnswered, CallReleased, CallSent
from aloma_cli.record.tree import SentCall

BY_PERSON: JsonObject = {"provider": "person"}


def park(tx: Transaction, task: WorkingTask, flight: WorkingFlight, seconds: float = 0.0) -> None:
    """Let a firing wait until a person has settled its calls; then it continues from where it started."""
    reason = "asking" if all(call.asks for call in flight.unanswered) else "unknown"
    void(tx, task, flight, reason, again=True, seconds=seconds)


def park_interrupted(tx: Transaction) -> None:
    """Park the firings of a process that died, where they must not run again."""
    for task, flight in tx.tree.flights():
        if flight.running and flight.unanswered:
            park(tx, task, flight)


def approvals(task: WorkingTask) -> list[SentCall]:
    """The calls that a person may allow or refuse."""
    return [call for call in task.unanswered if call.asks]


def unknown(task: WorkingTask) -> list[SentCall]:
    """The calls whose outcome is unknown."""
    return [call for call in task.unanswered if not call.asks]


def unknown_call(tree: WorkingTree, task: WorkingTask, number: int) -> tuple[WorkingTask, SentCall]:
    """The call of this number, of `task` or a subtask, whose outcome is unknown, and its task. Raises InputError."""
    for found in _open_calls(tree, task):
        if found[1].number == number:
            return found
    made = 1 <= number <= tree.calls_made
    raise InputError(
        f"call {number} of task {task.id} is not unsettled" if made else f"task {task.id} has no call {number}",
        hint=which_unsettled(tree, task),
    )


def which_unsettled(tree: WorkingTree, task: WorkingTask) -> str:
    """A hint with the numbers of the calls that `unknown_call` finds."""
    told = ", ".join(str(call.number) for _, call in _open_calls(tree, task))
    return f"use the number of an unsettled call: {told}" if told else "no call of it is unsettled"


def _open_calls(tree: WorkingTree, task: WorkingTask) -> list[tuple[WorkingTask, SentCall]]:
    return [(one, call) for one in [task, *tree.descendants(task.id)] for call in unknown(one)]


def in_words(calls: Iterable[SentCall]) -> str:
    """Why a task rests as unsettled."""
    return "; ".join(f"call {call.number}, {call.event.call}, was sent, and its outcome is unknown" for call in calls)


def settle(
    tx: Transaction,
    call: SentCall,
    value: Json,
    request: str | None,
    who: JsonObject | None,
    *,
    error: JsonObject | None = None,
) -> None:
    """Record how a call ended, as a person says. Raises InputError for a call that is under way."""
    sent = _settled(tx, call)
    answered = CallAnswered(
        at=tx.at,
        task=sent.task,
        firing=sent.firing,
        step=sent.step,
        call=sent.call,
        key=sent.key,
        arguments=sent.arguments or {},
        answer=value,
        error=error,
        about=BY_PERSON,
        request=request,
        who=who,
    )
    tx.add(answered)


def release(tx: Transaction, call: SentCall, request: str | None, who: JsonObject | None) -> None:
    """Let a call be sent again, as a person wishes. Raises InputError for a call that is under way."""
    sent = _settled(tx, call)
    tx.add(
        CallReleased(
            at=tx.at,
            task=sent.task,
            firing=sent.firing,
            step=sent.step,
            call=sent.call,
            key=sent.key,
            request=request,
            who=who,
        )
    )


def _settled(tx: Transaction, call: SentCall) -> CallSent:
    if call.event.firing in tx.tree.running:
        raise InputError(f"call {call.number} is still under way", hint="wait, or stop the task")
    return call.event
