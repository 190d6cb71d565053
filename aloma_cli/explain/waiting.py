"""What a task waits for, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from aloma_cli.explain.obstacles import View, of_task
from aloma_cli.record.tree import TaskFacts


def waiting(view: View) -> Iterator[str]:
    """What the task waits for; one sentence if it is for nothing."""
    lines = [*_flights(view), *_timers(view), *_questions(view), *_subtasks(view)]
    lines += [obstacle.text for obstacle in of_task(view) if obstacle.kind not in ("parked", "awaited")]
    yield from lines or ([f"it waits for nothing: it is {view.facts.state}"] if view.facts.rest is not None else [])


def _flights(view: View) -> Iterator[str]:
    for flight in view.facts.flights.values():
        yield f"{flight.step} {'runs' if flight.running else 'will run again'} since {flight.at}"


def _timers(view: View) -> Iterator[str]:
    for step, retry in view.facts.retries.items():
        yield f"{step} is tried again at {retry.at}: {retry.reason}"
    if view.facts.parked_until is not None:
        yield f"it is parked until {view.facts.parked_until}, or until its data changes"


def _questions(view: View) -> Iterator[str]:
    for task in (view.facts, *view.ledger.tree.descendants(view.task_id)):
        for asked in task.questions.values():
            yield f"a person is asked: {asked['question']} (aloma task answer {task.id} VALUE)"


def _subtasks(view: View) -> Iterator[str]:
    live = [view.ledger.tree.tasks[child] for child in view.facts.children if child in view.facts.live_children]
    if live:
        yield f"{len(live)} of {len(view.facts.children)} subtasks have not ended: {_names(live)}"


def _names(tasks: list[TaskFacts], most: int = 3) -> str:
    more = ", …" if len(tasks) > most else ""
    return ", ".join(f"{task.name} ({task.id}, {task.state})" for task in tasks[:most]) + more
