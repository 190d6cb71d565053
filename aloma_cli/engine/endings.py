"""What the end of a firing leads to: a commit, a look, a void, another try, or an entry in `$errors`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from aloma_cli.content.job import Effects, Limited, Outcome, Raised, Returned, SubtaskOrder
from aloma_cli.content.retry import Retry
from aloma_cli.content.step import Step
from aloma_cli.document.changes import Change, apply
from aloma_cli.document.diff import diff
from aloma_cli.document.merge import alters, merge
from aloma_cli.engine import fields, requests
from aloma_cli.engine.ledger import Clash, Ledger
from aloma_cli.engine.plan import alone_in
from aloma_cli.engine.room import Room
from aloma_cli.engine.working import Revision, WorkingFlight, WorkingTask, WorkingTree, merge_settings
from aloma_cli.errors import InputError
from aloma_cli.jsontext import Json, JsonObject, Path, show_path
from aloma_cli.record import events as ev

MOST_GENERATIONS = 64
"""How many levels of subtasks a root may have below it."""


def take_all(ledger: Ledger, outcomes: list[Outcome]) -> list[Outcome]:
    """Take in what may land, and give back what must wait for a firing that runs alone."""
    while True:
        held = [outcome for outcome in outcomes if _must_wait(ledger, outcome)]
        if len(held) == len(outcomes):
            return held
        for outcome in outcomes:
            if outcome not in held:
                _take(ledger, outcome)
        outcomes = held


def _must_wait(ledger: Ledger, outcome: Outcome) -> bool:
    found = ledger.tree.flight(outcome.firing)
    return found is not None and alone_in(found[0]) not in (None, found[1])


def _take(ledger: Ledger, outcome: Outcome) -> None:
    found = ledger.tree.flight(outcome.firing)
    if found is None:
        return  # stopped or withdrawn meanwhile: whatever it returned is void
    task, flight = found
    if isinstance(outcome, Limited):
        ledger.pause(task, flight, outcome)
    elif isinstance(outcome, Raised):
        _fail(ledger, task, flight, outcome)
    elif outcome.changes or outcome.effects.trace:
        _land(ledger, task, flight, outcome)
    else:
        _look(ledger, task, flight, outcome)


def _look(ledger: Ledger, task: WorkingTask, flight: WorkingFlight, outcome: Returned) -> None:
    missed = [change for revision in task.since(flight.version) for change in revision.changes]
    ledger.add(
        ev.FiringLooked(
            at=ledger.now(),
            task=task.id,
            firing=flight.firing,
            step=flight.step,
            armed=flight.step in ledger.plan.readers(missed),
            seconds=outcome.seconds,
            figures=outcome.effects.figures,
        )
    )


def _land(ledger: Ledger, task: WorkingTask, flight: WorkingFlight, outcome: Returned) -> None:
    since = task.since(flight.version)
    changes, wishes, clash = _merge(ledger, task, flight, outcome, since)
    if clash is not None:
        ledger.void(task, flight, clash.reason, clash=clash, seconds=outcome.seconds)
        return
    try:
        fields.refuse_engine_fields(changes)
        _refuse_strangers(ledger, task, outcome.effects)
        effects = outcome.effects
        _refuse_too_deep(ledger.tree, task, effects.subtasks)
        room = Room(apply(task.document, changes), _taken(ledger, task, effects))
        places = fields.place_subtasks(room, effects.subtasks, effects.groups)
        asked = requests.place_questions(room, task, effects.questions, ledger.clock.now())
    except InputError as error:
        figures = outcome.effects.figures
        _fail(ledger, task, flight, Raised(flight.firing, _own_error(error), False, outcome.seconds, figures))
        return
    about = apply(task.about, wishes)
    _land_whole(ledger, task, flight, outcome, changes + room.changes, places, asked, about)


def _land_whole(
    ledger: Ledger,
    task: WorkingTask,
    flight: WorkingFlight,
    outcome: Returned,
    changes: list[Change],
    places: list[Path | None],
    asked: tuple[JsonObject, ...],
    about: Json,
) -> None:
    effects = outcome.effects
    ledger.commit(
        task,
        changes,
        by="firing",
        author=flight.step,
        redo=effects.redo,
        firing=flight.firing,
        seconds=outcome.seconds,
        name=None if effects.name is None else about["name"],
        tags=None if effects.tags is None else tuple(about["tags"]),
        completed=effects.completed,
        stopped=effects.stops or None,
        settings=effects.settings or None,
        parked_until=ledger.after(effects.park),
        expires_at=ledger.after(effects.timeout),
        asked=asked,
        figures=effects.figures,
    )
    for order, place in zip(effects.subtasks, places, strict=True):
        ledger.create(task, order, place)
    for child_id, reason in effects.stops.items():
        ledger.stop(ledger.tree.tasks[child_id], reason)
    if effects.completed is not None and effects.cancel:
        for other in list(task.flights.values()):
            ledger.void(task, other, "stopped")


def _merge(
    ledger: Ledger, task: WorkingTask, flight: WorkingFlight, outcome: Returned, since: list[Revision]
) -> tuple[list[Change], list[Change], Clash | None]:
    """The changes of the document, and of what the task is besides it, as they apply to the newest; or why not."""
    wishes = diff(flight.about, _about_after(flight.about, outcome.effects))
    if not since:
        return outcome.changes, wishes, None
    theirs = [(change, revision.firing) for revision in since for change in revision.changes]
    changes, places, rivals = _bring(outcome.changes, theirs, task.document)
    others = [(change, revision.firing) for revision in since for change in revision.about]
    wishes, more_places, more_rivals = _bring(wishes, others, task.about)
    if places or more_places:
        paths = _shown([*places, *(("task", *place) for place in more_places)])
        return [], [], Clash("conflict", paths, _known(rivals | more_rivals))
    condition = ledger.plan.steps[flight.step].condition
    own = [change for change in outcome.changes if alters(change, condition.paths, flight.base)]
    if own and not ledger.truth[task.id][flight.step]:
        return [], [], Clash("lost", _shown(change.place for change in own), _known(firing for _, firing in theirs))
    return changes, wishes, None


def _about_after(about: JsonObject, effects: Effects) -> JsonObject:
    """What a task is besides its document (`WorkingTask.about`) after what a firing asked for."""
    return {
        "name": about["name"] if effects.name is None else effects.name,
        "tags": about["tags"] if effects.tags is None else list(effects.tags),
        "settings": merge_settings(about["settings"], effects.settings),
        "questions": about["questions"] | {show_path(asked.into): asked.question for asked in effects.questions},
    }


def _bring(
    ours: list[Change], theirs: list[tuple[Change, int | None]], current: Json
) -> tuple[list[Change], list[Path], set[int | None]]:
    """Our changes as they apply to `current`, the places of conflicts, and the firings whose changes are there."""
    merged, conflicts = merge(ours, [change for change, _ in theirs], current)
    rivals = {theirs[at][1] for conflict in conflicts for at in conflict.rivals}
    return merged, [conflict.path for conflict in conflicts], rivals


def _fail(ledger: Ledger, task: WorkingTask, flight: WorkingFlight, outcome: Raised) -> None:
    retry = retry_of(ledger.tree, task, ledger.plan.steps[flight.step])
    again = outcome.retryable and retry is not None and flight.attempt < retry.times
    wait = retry.wait_before(flight.attempt + 1) if retry and again else None
    ledger.add(
        ev.FiringFailed(
            at=ledger.now(),
            task=task.id,
            firing=flight.firing,
            step=flight.step,
            error=outcome.error,
            attempt=flight.attempt,
            retry_at=ledger.after(wait),
            seconds=outcome.seconds,
            figures=outcome.figures,
        )
    )
    if wait is None:
        entry = {
            "type": outcome.error["type"],
            "message": outcome.error["message"],
            "at": ledger.now(),
            "attempts": flight.attempt,
        }
        ledger.commit(task, fields.error_entry(task.document, flight.step, entry), by="engine", author=flight.step)


def _taken(ledger: Ledger, task: WorkingTask, effects: Effects) -> dict[Path, str]:
    """The places that are held in a task, and by whom; not looked up for a firing that wants none."""
    if not effects.subtasks and not effects.questions:
        return {}
    children = (ledger.tree.tasks[child] for child in task.live_children)
    held = {child.into: f"subtask {child.name!r}" for child in children if child.into is not None}
    return held | {tuple(asked["into"]): requests.who_answers(asked["question"]) for asked in task.questions.values()}


def _refuse_strangers(ledger: Ledger, task: WorkingTask, effects: Effects) -> None:
    if not effects.stops:
        return
    own = {child.id for child in ledger.tree.descendants(task.id)} | {order.id for order in effects.subtasks}
    for task_id in effects.stops:
        if task_id not in own:
            raise InputError(f"task {task_id} is no subtask of {task.id}; only those can be stopped from it")


def _refuse_too_deep(tree: WorkingTree, task: WorkingTask, orders: list[SubtaskOrder]) -> None:
    """A step that fires in the subtasks it makes would go on for ever."""
    if orders and tree.depth(task) >= MOST_GENERATIONS:
        raise InputError(
            f"subtask {orders[0].name!r} would stand {MOST_GENERATIONS + 1} levels below task {tree.root_id}; "
            f"at most {MOST_GENERATIONS} are possible (does a step fire in the subtasks it makes?)"
        )


def retry_of(tree: WorkingTree, task: WorkingTask, step: Step) -> Retry | None:
    """The tries that a step has in a task: its own, unless the task was told otherwise."""
    times = (tree.setting(task, "retries") or {}).get(step.name)
    return step.retry if times is None else replace(step.retry or Retry(), times=times)


def _shown(paths: Iterable[Path]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(show_path, paths)))


def _known(firings: Iterable[int | None]) -> tuple[int, ...]:
    return tuple(sorted({firing for firing in firings if firing is not None}))


def _own_error(error: InputError) -> JsonObject:
    return {"type": type(error).__name__, "message": str(error)}
