"""A step that failed: another try, or an entry in `$errors`; and what can no longer land at its place."""

from __future__ import annotations

from dataclasses import replace

from aloma_cli.content.job import Raised
from aloma_cli.content.retry import Retry
from aloma_cli.content.step import Step
from aloma_cli.document.changes import Change
from aloma_cli.document.held import MOVED, WRITTEN
from aloma_cli.document.reserved import ERRORS, unhandled_errors
from aloma_cli.engine.arming import commit
from aloma_cli.engine.transaction import Transaction
from aloma_cli.engine.working import WorkingFlight, WorkingTask
from aloma_cli.jsontext import Json, JsonObject, Path, show_path
from aloma_cli.record.events import FiringFailed

STRANDED_DEPTH = 3
"""The depth in the document of a value that could not land: `$errors`, its entry, the field in it."""

_DAY = 86_400.0

GONE = "gone"
_LOST = {
    GONE: ("PlaceGoneError", "is gone"),
    MOVED: (
        "PlaceMovedError",
        "may be another item now: items of its list were inserted, removed or moved; use keys instead of positions",
    ),
    WRITTEN: ("PlaceWrittenError", "was changed meanwhile, and the new value is kept"),
}
"""The type and the reason of an error, by what happened to the place at which a value was to land."""


def fail(tx: Transaction, task: WorkingTask, flight: WorkingFlight, outcome: Raised) -> None:
    """Try again later where the step's `retry` allows it, else write the error into `$errors`."""
    retry = retry_of(tx.plan.steps[flight.step], tx.tree.settings_of(task))
    again = outcome.retryable and retry is not None and flight.attempt < retry.times
    # The other system may have named a later time; a day later is as good as never.
    asked = min(outcome.error.get("retry_after", 0.0), _DAY)
    wait = max(asked, retry.wait_before(flight.attempt + 1)) if retry and again else None
    failed = FiringFailed(
        at=tx.at,
        task=task.id,
        firing=flight.firing,
        step=flight.step,
        error=outcome.error,
        attempt=flight.attempt,
        retry_at=None if wait is None else tx.after(wait),
        seconds=outcome.seconds,
        figures=outcome.figures,
        read=tx.plan.steps[flight.step].condition.beside(outcome.read),
    )
    tx.add(failed)
    if wait is None:
        told = {name: outcome.error[name] for name in ("type", "message")}
        entry = {**told, "at": tx.at, "attempts": flight.attempt}
        changes = error_entry(task.document, flight.step, entry)
        commit(tx, task, changes, by="engine", author=flight.step)


def retry_of(step: Step, settings: JsonObject) -> Retry | None:
    """The tries of a step in a task with these `settings`: its own, unless `task.adapt` set others."""
    times = (settings.get("retries") or {}).get(step.name)
    return step.retry if times is None else replace(step.retry or Retry(), times=times)


def retry_failed(tx: Transaction) -> None:
    """Remove the unhandled errors of every task that is not closed, so that the failed steps fire again."""
    for task in tx.tree.tasks.values():
        # Other entries are not failed steps: they may hold a result that had no place to land.
        failed = [step for step in unhandled_errors(task.document) if step in tx.plan.steps]
        if failed and not task.closed:
            commit(tx, task, _without_errors(task.document, failed), by="person")


def error_entry(document: JsonObject, key: str, entry: JsonObject) -> list[Change]:
    """The changes that write `$errors.<key>`."""
    errors = document.get(ERRORS)
    if not isinstance(errors, dict):
        return [Change("add", (ERRORS,), {key: entry})]
    return [Change("replace" if key in errors else "add", (ERRORS, key), entry)]


def _without_errors(document: JsonObject, keys: list[str]) -> list[Change]:
    if set(keys) == set(document[ERRORS]):
        return [Change("remove", (ERRORS,))]
    return [Change("remove", (ERRORS, key)) for key in keys]


def stranded(document: JsonObject, key: str, who: str, place: Path, lost: str, **kept: Json) -> list[Change]:
    """The changes that write `$errors.<key>` for a value (`kept`) that cannot land at its place; `lost` says why."""
    kind, reason = _LOST[lost]
    message = f"{show_path(place)}, where {who} was to land, {reason}"
    return error_entry(document, key, {"type": kind, "message": message, "place": show_path(place), **kept})
