"""What is done to a claimed tree before it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from aloma_cli.budget import DAY
from aloma_cli.engine import failure, requests
from aloma_cli.engine.limits import set_limits

if TYPE_CHECKING:
    from aloma_cli.budget import LimitRequest
    from aloma_cli.engine.turn import Scheduler

Order = Callable[["Scheduler"], None]


def limiting(limits: Mapping[str, LimitRequest]) -> Order:
    """Set limits, by their names in `budget.LIMITS`."""
    return lambda run: run.do(set_limits, limits)


def resuming(limits: Mapping[str, LimitRequest], *, retry_failed: bool) -> Order:
    """Let a tree continue that was stopped, limited, in error or without progress."""

    def order(run: Scheduler) -> None:
        run.do(requests.resume)
        run.do(set_limits, limits)
        if run.failed or retry_failed:
            run.do(failure.retry_failed)
        run.do(requests.release_cycles)

    return order


def on_another_day(run: Scheduler) -> None:
    """Continue a tree that the limit of a day has stopped; if it is still the same day, it will be stopped again."""
    if run.tree.limit is not None and run.tree.limit["name"] == DAY:
        run.do(set_limits, {})
