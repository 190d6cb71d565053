"""Questions about a task of a workspace, for the command line and for Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aloma_cli.explain.ledger import without_collector
from aloma_cli.explain.why import Inquiry
from aloma_cli.ids import root_of

if TYPE_CHECKING:
    from aloma_cli.api.workspace import Workspace


def question(home: Workspace, text: str) -> Inquiry:
    """What can be asked about the task that `text` names. Raises NotFoundError, JournalDamagedError."""
    task = home.find(text)
    with without_collector():
        events = [event for batch in home.store.read(root_of(task)) for event in batch.events]
    held = home.store.is_held(root_of(task))
    return Inquiry(events, task, home.steps, home.clock.now(), home.loaded.config.limits.concurrency, held)
