"""Leave a task to a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aloma_cli.api.session import write
from aloma_cli.api.task import Task, task_of
from aloma_cli.ids import root_of

if TYPE_CHECKING:
    from aloma_cli.api.orders import Order
    from aloma_cli.api.workspace import Workspace
    from aloma_cli.store.protocol import Claim


def leave_to_worker(home: Workspace, task_id: str, order: Order | None, claim: Claim | None = None) -> Task:
    """Write `order` into the record of a tree, and start nothing. Raises NotFoundError, TaskLockedError."""
    claim = claim or home.store.claim(root_of(task_id))
    tree = write(claim, home.setup, None, order)
    return task_of(home.store, tree, task_id)
