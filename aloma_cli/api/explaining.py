"""Questions about a task of a workspace, for the command line and for Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aloma_cli.api.task import read_events
from aloma_cli.errors import InputError, JournalDamagedError
from aloma_cli.explain.ledger import without_collector
from aloma_cli.explain.why import Inquiry
from aloma_cli.ids import root_of
from aloma_cli.record.events import TaskRested

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from aloma_cli.api.reader import AskedWorkspace
    from aloma_cli.api.task import Task
    from aloma_cli.api.workspace import Workspace
    from aloma_cli.engine.transaction import Emit
    from aloma_cli.explain.replay.people import KnownPeople
    from aloma_cli.record.events import Event


def question(home: AskedWorkspace, text: str) -> Inquiry:
    """What can be asked about the task that `text` names. Raises NotFoundError, JournalDamagedError."""
    task = home.find(text)
    with without_collector():
        events = [event for batch in home.store.read(root_of(task)) for event in batch.events]
    return _inquiry(home, task, events)


def readable_question(home: AskedWorkspace, text: str) -> tuple[Inquiry, JournalDamagedError | None]:
    """What can be asked about a task up to where its record is damaged, and that damage.

    Raises NotFoundError, and JournalDamagedError where nothing can be read.
    """
    task = home.find(text)
    with without_collector():
        events, damage = read_events(home.store, root_of(task))
    return _inquiry(home, task, events), damage


def _inquiry(home: AskedWorkspace, task: str, events: list[Event]) -> Inquiry:
    held = _has_work(events) and home.store.is_held(root_of(task))
    return Inquiry(events, task, home.steps, home.clock.now(), home.loaded.config.limits.concurrency, held)


def _has_work(events: Iterable[Event]) -> bool:
    """Whether some task of the tree is not at rest: only then can a process run it.

    Asking for its lock takes longer.
    """
    awake: set[str] = set()
    for event in events:
        (awake.discard if type(event) is TaskRested else awake.add)(event.task)
    return bool(awake)


async def continue_with_answers(home: Workspace, running: Awaitable[Task], people: KnownPeople, emit: Emit) -> Task:
    """Continue a run while `people` has answers to its questions; returns the task at rest."""
    task = await running
    while True:
        known = [(asked["task"], people.take(asked)) for asked in task.record["questions"] if asked["into"]]
        answers = [(asker, answer) for asker, answer in known if answer is not None]
        if not answers:
            return task
        for asker, answer in answers:
            try:
                await home.apply_and_run(asker, answer, emit)
            except InputError:
                continue  # what the step takes has changed, so a person decides
        task = home.task(task.id)
