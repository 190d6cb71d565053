"""What to know about a task before it is resumed."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from aloma_cli.clock import Clock
from aloma_cli.content.step import Step, change_since
from aloma_cli.engine.plan import Plan
from aloma_cli.engine.turn import Scheduler
from aloma_cli.engine.working import WorkingTree
from aloma_cli.errors import TaskLockedError
from aloma_cli.store.protocol import Claim, Store


def is_over(tree: WorkingTree) -> bool:
    """Whether every task of a tree is at rest: subtasks of a task that completed may not be."""
    return all(task.rest is not None for task in tree.tasks.values())


def republish(store: Store, root: str, clock: Clock) -> None:
    """Write the readable files of a tree that is over, if they are missing because the program was killed."""
    if store.published(root) is not None:
        return
    with contextlib.suppress(TaskLockedError), contextlib.closing(store.claim(root)) as claim:
        publish(claim, clock)


def publish(claim: Claim, clock: Clock) -> None:
    """Write the readable files of the tree of a claim."""
    Scheduler(claim, Plan(()), clock=clock, emit=lambda _: None).publish()


def changed_steps(steps: Mapping[str, Step], tree: WorkingTree) -> dict[str, str]:
    """The steps that fired in a tree and have changed since, each with what changed.

    That is "condition" (then the step is armed again), "content", or "gone".
    """
    begun = sorted({name: begun for task in tree.tasks.values() for name, begun in task.begun.items()}.items())
    found = {name: change_since(steps[name], one) if name in steps else "gone" for name, one in begun}
    return {name: change for name, change in found.items() if change is not None}
