"""Questions about a task of a workspace, for the command line and for Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aloma_cli.api.task import read_events
from aloma_cli.errors import InputError, JournalDamagedError
from aloma_cli.explain.ledger import without_collector
from aloma_cli.explain.why import Inquiry
from aloma_cli.ids import root_of

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from aloma_cli.api.task import Task
    from aloma_cli.api.workspace import Workspace
    from aloma_cli.engine.transaction import Emit
    from aloma_cli.explain.replay.people import KnownPeople


def question(home: Workspace, text: str) -> Inquiry:
    """What can be asked about the task that `text` names. Raises NotFoundError, JournalDamagedError."""
    asked, damage = readable_question(home, text)
    if damage is not None:
        raise damage
    return asked


def readable_question(home: Workspace, text: str) -> tuple[Inquiry, JournalDamagedError | None]:
    """What can be asked about a task up to where its record is damaged, and that damage.

    Raises NotFoundError, and JournalDamagedError where nothing can be read.
    """
    task = home.find(text)
    with without_collector():
        events, damage = read_events(home.store, root_of(task))
    held = home.store.is_held(root_of(task))
    limits = home.loaded.config.limits
    return Inquiry(events, task, home.steps, home.clock.now(), limits.concurrency, held), damage


async def answered_as_before(home: Workspace, running: Awaitable[Task], people: KnownPeople, emit: Emit) -> Task:
    """Let a run go on as long as `people` know the answers to what it asks; gives the task as it rests then."""
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
