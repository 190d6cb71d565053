"""What is done to a claimed tree before it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from aloma_cli.budget import DAY
from aloma_cli.later import Later

if TYPE_CHECKING:
    from aloma_cli.api.setup import Setup
    from aloma_cli.budget import LimitRequest
    from aloma_cli.engine import expectation, failure, requests
    from aloma_cli.engine import limits as limiting
    from aloma_cli.engine.turn import Scheduler
    from aloma_cli.jsontext import JsonObject
else:
    expectation = Later("aloma_cli.engine.expectation")
    failure = Later("aloma_cli.engine.failure")
    limiting = Later("aloma_cli.engine.limits")
    requests = Later("aloma_cli.engine.requests")

Order = Callable[["Scheduler"], None]


def starting(setup: Setup, limits: Mapping[str, LimitRequest], expected: JsonObject | None = None) -> Order | None:
    """What a new tree begins with: these limits and those of the workspace, and its goal. None without any of them.

    `limits`: by their names in `budget.LIMITS`. `expected`: the condition that the document must meet.
    """
    limits = {**setup.loaded.config.limits.budget, **limits}
    if not limits and expected is None:
        return None
    return partial(_set, limits, setup.redactor.value(expected))


def resuming(
    setup: Setup, limits: Mapping[str, LimitRequest], expected: JsonObject | None = None, *, retry_failed: bool
) -> Order:
    """Let a tree continue that was stopped, limited, in error or without progress. The rest as for `starting`."""
    expected = setup.redactor.value(expected)

    def order(run: Scheduler) -> None:
        run.do(requests.resume)
        _set(limits, expected, run)
        if run.failed or retry_failed:
            run.do(failure.retry_failed)
        run.do(requests.release_cycles)

    return order


def on_another_day(run: Scheduler) -> None:
    """Continue a tree that the limit of a day has stopped; if it is still the same day, it will be stopped again."""
    if run.tree.limit is not None and run.tree.limit["name"] == DAY:
        run.do(limiting.set_limits, {})


def _set(limits: Mapping[str, LimitRequest], expected: JsonObject | None, run: Scheduler) -> None:
    if limits or run.tree.limited is not None:
        run.do(limiting.set_limits, limits)
    if expected is not None:
        run.do(expectation.expect, expected)
