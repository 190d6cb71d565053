"""What a task waits for."""

from __future__ import annotations

from collections.abc import Iterator

from aloma_cli.explain.obstacles import Moment, Obstacle, of_task, unsettled
from aloma_cli.jsontext import first_few

_ENDED = {"error": "ended in error", "ignored": "was ignored", "stopped": "was stopped"}


def waiting(view: Moment) -> Iterator[Obstacle]:
    """What the task waits for, and what keeps all its steps from starting; or that it waits for nothing."""
    found = [*_flights(view), *_timers(view), *_questions(view), *_subtasks(view)]
    found[:0] = [obstacle for obstacle in of_task(view) if obstacle.kind not in ("parked", "awaited")]
    if not found and view.facts.rest is not None:
        found = [_nothing_awaited(view)]
    yield from found


def _nothing_awaited(view: Moment) -> Obstacle:
    state = view.facts.state
    cure = view.resume if state == "error" else None
    return Obstacle("nothing", f"the task waits for nothing: it {_ENDED.get(state, f'is {state}')}", cure)


def _flights(view: Moment) -> Iterator[Obstacle]:
    for task in (view.facts, *view.ledger.tree.descendants(view.task_id)):
        for flight in task.flights.values():
            if flight.parked:
                yield from unsettled(task.id, flight)
            elif task is view.facts:
                yield view.flying(flight, flight.step)


def _timers(view: Moment) -> Iterator[Obstacle]:
    for step, retry in view.facts.retries.items():
        yield Obstacle("retry", f"{step} is tried again at {retry.at}: {retry.reason}")
    if view.facts.parked_until is not None:
        yield Obstacle("parked", f"it is parked until {view.facts.parked_until}, or until its data changes")


def _questions(view: Moment) -> Iterator[Obstacle]:
    for asked in view.questions:
        yield Obstacle("question", f"a person is asked: {asked['question']}", view.answer(asked))


def _subtasks(view: Moment) -> Iterator[Obstacle]:
    live = [view.ledger.tree.tasks[child] for child in view.facts.children if child in view.facts.live_children]
    if live:
        names = first_few((f"{task.name} ({task.id}, {view.state_of(task)})" for task in live), 3)
        yield Obstacle("subtasks", f"{len(live)} of {len(view.facts.children)} subtasks have not ended: {names}")
