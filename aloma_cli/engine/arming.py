"""What every commit does in its task: the new document, the verdicts of conditions, arming, and withdrawing."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from aloma_cli.document.changes import LARGE, Change, InPlace, apply, apply_in_place, to_wire
from aloma_cli.document.held import WRITTEN
from aloma_cli.document.paths import MISSING, get
from aloma_cli.document.reserved import ERRORS
from aloma_cli.engine.agenda import UNWATCHED, Made
from aloma_cli.engine.transaction import Transaction
from aloma_cli.engine.working import WorkingFlight, WorkingTask
from aloma_cli.jsontext import JsonObject
from aloma_cli.record.events import Committed, FiringVoided


def commit(
    tx: Transaction,
    task: WorkingTask,
    changes: list[Change],
    *,
    by: str,
    author: str | None = None,
    ends: int | None = None,
    seconds: float = 0.0,
    redo: bool = False,
    drafted: int | None = None,
    more: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Bring `changes` onto the newest document. `more`: further fields of the event.

    `ends`: the firing that it ends. `drafted`: the same, if it made these changes and no others.
    """
    if task.agenda is UNWATCHED:
        tx.plan.watch(task)
    found = _in_place(task, changes, by, ends) if by == "landing" or len(task.document) > LARGE else None
    before, document = found or (task.document, apply(task.document, changes))
    if document.get(ERRORS) == {}:
        emptied = Change("remove", (ERRORS,))
        changes, document, drafted = [*changes, emptied], apply(document, [emptied]), None
    verdicts, armed = tx.plan.judged(task, changes, before, document, author)
    if ERRORS in before:
        armed |= _removed_errors(before, document) & task.disarmed
    if redo and author is not None:
        armed.add(author)
    if task.questions:
        answers = (*more.get("answers", ()), *_answered_by(task, before, document, changes))
        more = {**more, "answers": tuple(dict.fromkeys(answers))}
    task.made = Made(before, document, changes, verdicts, drafted)
    version, operations, names = task.version + 1, to_wire(changes), tuple(sorted(armed)) if armed else ()
    tx.add(Committed(tx.at, task.id, version, by, operations, names, ends, author, seconds, redo, **more))
    for flight in list(task.flights.values()) if task.flights else ():
        step = tx.plan.steps.get(flight.step)  # None: interrupted, and its file is away for now
        if step is not None and step.withdraw and step.name not in task.true:
            void(tx, task, flight, "withdrawn")


def _in_place(
    task: WorkingTask, changes: list[Change], by: str, ends: int | None
) -> tuple[JsonObject, JsonObject] | None:
    """The document before `changes`, at least in the fields that they touch, and the document altered in place.

    None where a firing under way may need to start from it again. Subtasks that land one after the other do not copy
    the object each time in which they land. Else only a large document is altered.
    """
    if by == "landing" and not task.flights:
        if task.landings is None or task.landings.document is not task.document:
            task.landings = InPlace(task.document)
        touched = task.landings.apply(changes)
        if touched is not None:
            return touched, task.landings.document
    if len(task.document) <= LARGE or not task.flights.keys() <= {ends}:
        return None
    touched = apply_in_place(task.document, changes)
    return None if touched is None else (touched, task.document)


def void(
    tx: Transaction,
    task: WorkingTask,
    flight: WorkingFlight,
    reason: str,
    *,
    again: bool = False,
    seconds: float = 0.0,
    paths: tuple[str, ...] = (),
    others: tuple[int, ...] = (),
) -> None:
    """End a firing that leaves nothing; `again`: it runs once more."""
    voided = FiringVoided(
        at=tx.at,
        task=task.id,
        firing=flight.firing,
        step=flight.step,
        reason=reason,
        again=again,
        seconds=seconds,
        paths=paths,
        others=others,
    )
    tx.add(voided)


def _removed_errors(before: JsonObject, after: JsonObject) -> set[str]:
    """The entries of `$errors` that a commit removes."""
    old, new = before.get(ERRORS), after.get(ERRORS)
    if new is old or not isinstance(old, dict):
        return set()
    return set(old) - (set(new) if isinstance(new, dict) else set())


def _answered_by(task: WorkingTask, before: JsonObject, document: JsonObject, changes: list[Change]) -> tuple[str, ...]:
    """The places of the questions that a commit answers which makes `document`: those at which it puts a value."""
    written = {place for place, why in task.held.touched(before, document, changes) if why == WRITTEN}
    places = ((name, tuple(asked["into"])) for name, asked in task.questions.items())
    return tuple(name for name, place in places if place in written and get(document, place) not in (MISSING, None))
