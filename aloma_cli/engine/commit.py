"""The end of a firing that returned: merged onto the newest document, tested against it, and committed; or a look."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from aloma_cli.content.job import NO_EFFECTS, Effects, Raised, Returned
from aloma_cli.document.changes import Change, apply
from aloma_cli.document.diff import diff
from aloma_cli.document.merge import alters, merge
from aloma_cli.document.reserved import refuse_engine_fields
from aloma_cli.engine.arming import commit, void
from aloma_cli.engine.transaction import Transaction
from aloma_cli.engine.working import Revision, WorkingFlight, WorkingTask
from aloma_cli.errors import InputError
from aloma_cli.jsontext import Json, JsonObject, Path, show_path
from aloma_cli.later import Later
from aloma_cli.record.events import FiringLooked
from aloma_cli.record.tree import merge_settings

if TYPE_CHECKING:
    from aloma_cli.engine import failure, requests, subtasks
else:
    subtasks = Later("aloma_cli.engine.subtasks")
    failure = Later("aloma_cli.engine.failure")
    requests = Later("aloma_cli.engine.requests")


class Rejection(NamedTuple):
    """Why a firing cannot land: the reason, the places, and the firings that wrote there first."""

    reason: str
    paths: tuple[str, ...]
    others: tuple[int, ...]


def returned(tx: Transaction, task: WorkingTask, flight: WorkingFlight, outcome: Returned) -> None:
    """Commit what a firing left; void it where it conflicts with what others committed meanwhile."""
    if not (outcome.changes or outcome.effects.trace):
        _close_look(tx, task, flight, outcome)
        return
    effects, changes = outcome.effects, outcome.changes
    wishes = [] if effects is NO_EFFECTS else _wishes(flight.about, effects)
    since = task.since(flight.version) if task.history else []
    if since:
        merged = _merge(tx, task, flight, changes, wishes, since)
        if isinstance(merged, Rejection):
            again = flight.step in task.true and task.completed is None
            why, paths, others = merged
            void(tx, task, flight, why, again=again, seconds=outcome.seconds, paths=paths, others=others)
            return
        changes, wishes = merged
    _land(tx, task, flight, outcome, changes, wishes)


def _land(
    tx: Transaction,
    task: WorkingTask,
    flight: WorkingFlight,
    outcome: Returned,
    changes: list[Change],
    wishes: list[Change],
) -> None:
    effects = outcome.effects
    more: dict[str, Any] = {}
    places: list[Path | None] = []
    try:
        refuse_engine_fields(changes)
        if effects is not NO_EFFECTS:
            subtasks.check_orders(tx.tree, task, effects)
            more = _wanted(tx, effects, apply(task.about, wishes) if wishes else task.about)
            changes, places, more["asked"] = _with_room(tx, task, changes, effects)
    except InputError as error:
        told = {"type": type(error).__name__, "message": str(error)}
        failed = Raised(flight.firing, told, False, outcome.seconds, effects.figures, outcome.read)
        failure.fail(tx, task, flight, failed)
        return
    if outcome.read:
        more["read"] = tx.plan.steps[flight.step].condition.beside(outcome.read)
    commit(
        tx,
        task,
        changes,
        by="firing",
        author=flight.step,
        ends=flight.firing,
        seconds=outcome.seconds,
        redo=effects.redo,
        drafted=None if outcome.cleaned or changes is not outcome.changes else flight.firing,
        more=more,
    )
    if effects is not NO_EFFECTS:
        _follow(tx, task, effects, places)


def _wanted(tx: Transaction, effects: Effects, about: JsonObject) -> dict[str, Any]:
    """What a firing asked of its task, as fields of its commit; `about` has that merged with what others asked."""
    return {
        "name": None if effects.name is None else about["name"],
        "tags": None if effects.tags is None else tuple(about["tags"]),
        "completed": effects.completed,
        "stopped": effects.stops or None,
        "settings": effects.settings or None,
        "parked_until": None if effects.park is None else tx.after(effects.park),
        "expires_at": None if effects.timeout is None else tx.after(effects.timeout),
        "figures": effects.figures,
    }


def _follow(tx: Transaction, task: WorkingTask, effects: Effects, places: list[Path | None]) -> None:
    """What a firing asked for besides its changes, once these are committed."""
    for order, place in zip(effects.subtasks, places, strict=True):
        subtasks.create(tx, task, order, place)
    for child_id, reason in effects.stops.items():
        subtasks.stop(tx, tx.tree.tasks[child_id], reason)
    if effects.completed is not None and effects.cancel:
        for other in list(task.flights.values()):
            void(tx, task, other, "stopped")


def _close_look(tx: Transaction, task: WorkingTask, flight: WorkingFlight, outcome: Returned) -> None:
    missed = [change for revision in task.since(flight.version) for change in revision.changes]
    looked = FiringLooked(
        at=tx.at,
        task=task.id,
        firing=flight.firing,
        step=flight.step,
        rearmed=bool(missed) and tx.plan.reads(flight.step, missed),
        seconds=outcome.seconds,
        figures=outcome.effects.figures,
        read=tx.plan.steps[flight.step].condition.beside(outcome.read),
    )
    tx.add(looked)


def _merge(
    tx: Transaction,
    task: WorkingTask,
    flight: WorkingFlight,
    changes: list[Change],
    wishes: list[Change],
    since: list[Revision],
) -> tuple[list[Change], list[Change]] | Rejection:
    """The changes and the wishes of a firing as they apply after the commits `since` it started."""
    theirs = [(change, revision.firing) for revision in since for change in revision.changes]
    merged, places, rivals = _bring(changes, theirs, task.document)
    others = [(change, revision.firing) for revision in since for change in revision.about]
    wishes, more_places, more_rivals = _bring(wishes, others, task.about)
    if places or more_places:
        paths = _shown([*places, *(("task", *place) for place in more_places)])
        return Rejection("conflict", paths, _known(rivals | more_rivals))
    condition = tx.plan.steps[flight.step].condition
    own = [change for change in changes if alters(change, condition.paths, flight.base)]
    if own and flight.step not in task.true:
        return Rejection("lost", _shown(change.place for change in own), _known(firing for _, firing in theirs))
    return merged, wishes


def _bring(
    ours: list[Change], theirs: list[tuple[Change, int | None]], current: Json
) -> tuple[list[Change], list[Path], set[int | None]]:
    """Our changes rebased onto `current`, the places of conflicts, and the firings that changed them."""
    merged, conflicts = merge(ours, [change for change, _ in theirs], current)
    rivals = {theirs[at][1] for conflict in conflicts for at in conflict.rivals}
    return merged, [conflict.path for conflict in conflicts], rivals


def _wishes(about: JsonObject, effects: Effects) -> list[Change]:
    """What a firing asked for as changes of `WorkingTask.about`."""
    if effects.name is None and effects.tags is None and not effects.settings and not effects.questions:
        return []
    after = {
        "name": about["name"] if effects.name is None else effects.name,
        "tags": about["tags"] if effects.tags is None else list(effects.tags),
        "settings": merge_settings(about["settings"], effects.settings),
        "questions": about["questions"] | {show_path(asked.into): asked.question for asked in effects.questions},
    }
    return diff(about, after)


def _with_room(
    tx: Transaction, task: WorkingTask, changes: list[Change], effects: Effects
) -> tuple[list[Change], list[Path | None], tuple[JsonObject, ...]]:
    """The changes with the room for what lands later, the places of subtasks, and the questions as recorded."""
    if not (effects.subtasks or effects.questions or effects.groups):
        return changes, [], ()
    room = subtasks.Room(apply(task.document, changes), _taken(tx, task))
    places = subtasks.place_subtasks(room, effects.subtasks, effects.groups)
    asked = requests.place_questions(room, task, effects.questions, tx.now)
    return changes + room.changes, places, asked


def _taken(tx: Transaction, task: WorkingTask) -> dict[Path, str]:
    """The places in use in a task, and by what."""
    children = (tx.tree.tasks[child] for child in task.live_children)
    held = {child.into: f"subtask {child.name!r}" for child in children if child.into is not None}
    return held | {tuple(asked["into"]): requests.who_answers(asked["question"]) for asked in task.questions.values()}


def _shown(paths: Iterable[Path]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(show_path, paths)))


def _known(firings: Iterable[int | None]) -> tuple[int, ...]:
    return tuple(sorted({firing for firing in firings if firing is not None}))
