"""What a task waits for."""

from __future__ import annotations

from collections.abc import Iterator

from aloma_cli.explain.obstacles import Moment, Obstacle, of_task, unsettled
from aloma_cli.record.tree import TaskFacts


def waiting(view: Moment) -> Iterator[Obstacle]:
    """What the task waits for, and what keeps all its steps from starting; that it waits for nothing, if so."""
    found = [*_flights(view), *_timers(view), *_questions(view), *_subtasks(view)]
    found += [obstacle for obstacle in of_task(view) if obstacle.kind not in ("parked", "awaited")]
    if not found and view.facts.rest is not None:
        found = [Obstacle("nothing", f"it waits for nothing: it is {view.facts.state}")]
    yield from found


def _flights(view: Moment) -> Iterator[Obstacle]:
    for flight in view.facts.flights.values():
        if flight.parked:
            yield from unsettled(view.task_id, flight)
            continue
        what = "runs" if flight.running else "will run again"
        yield Obstacle("running", f"{flight.step} {what} since {flight.at}")


def _timers(view: Moment) -> Iterator[Obstacle]:
    for step, retry in view.facts.retries.items():
        yield Obstacle("retry", f"{step} is tried again at {retry.at}: {retry.reason}")
    if view.facts.parked_until is not None:
        yield Obstacle("parked", f"it is parked until {view.facts.parked_until}, or until its data changes")


def _questions(view: Moment) -> Iterator[Obstacle]:
    for task in (view.facts, *view.ledger.tree.descendants(view.task_id)):
        for asked in task.questions.values():
            yield Obstacle("question", f"a person is asked: {asked['question']}", f"aloma task answer {task.id} VALUE")


def _subtasks(view: Moment) -> Iterator[Obstacle]:
    live = [view.ledger.tree.tasks[child] for child in view.facts.children if child in view.facts.live_children]
    if live:
        text = f"{len(live)} of {len(view.facts.children)} subtasks have not ended: {_names(live)}"
        yield Obstacle("subtasks", text)


def _names(tasks: list[TaskFacts], most: int = 3) -> str:
    more = ", …" if len(tasks) > most else ""
    return ", ".join(f"{task.name} ({task.id}, {task.state})" for task in tasks[:most]) + more
