"""One run of one firing: a draft, the content, and an outcome, whatever happens."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from aloma_cli.clock import Clock
from aloma_cli.content.calls import Calls
from aloma_cli.content.capture import prints_to
from aloma_cli.content.failure import describe, type_name
from aloma_cli.content.handles import Leash, Log, Toolbox, offer
from aloma_cli.content.host import Recorder
from aloma_cli.content.job import Effects, Job, Limited, Outcome, Raised, Returned
from aloma_cli.content.lost import Loose, watching
from aloma_cli.content.watchdog import on_a_thread
from aloma_cli.document.draft import Draft
from aloma_cli.errors import ContentError
from aloma_cli.threads import in_thread


async def fire(job: Job, toolbox: Toolbox, recorder: Recorder, clock: Clock, leash: Leash) -> Outcome:
    """Run the step's content on a draft of the job's document. Raises nothing but cancellation and Ctrl-C."""
    draft, effects, calls = Draft(job.base), Effects(), Calls(job, recorder, clock, toolbox.gate)
    log, loose = Log(job, recorder, clock, loop=leash.loop), Loose(job.step)
    started = clock.elapsed()
    try:
        with prints_to(log), watching(loose):
            loose.refuse(await _run(job, offer(job, toolbox, draft.data, effects, calls, log, leash, loose)))
        changes = draft.changes()
        effects.called = calls.any
        outcome: Outcome = Returned(job.firing, changes, effects, _since(started, clock))
    except BaseException as error:
        if _is_from_outside(job, leash, error):
            raise
        outcome = raised(job, _or_forgotten(error, loose), _since(started, clock), figures=effects.figures)
    finally:
        leash.over = True
        loose.cancel()
    # Whatever a step makes of a refused call: it goes on when the limit is raised.
    return outcome if calls.refused is None else Limited(job.firing, calls.refused, outcome.seconds)


def _may_be_pressed() -> bool:
    """Whether Ctrl-C reaches Python code as KeyboardInterrupt, so that it need not be the step that raised it."""
    handler = signal.getsignal(signal.SIGINT)
    return handler is signal.default_int_handler or isinstance(handler, partial)  # asyncio's own is a partial


def _since(started: float, clock: Clock) -> float:
    return round(clock.elapsed() - started, 6)


def _is_from_outside(job: Job, leash: Leash, error: BaseException) -> bool:
    """Whether the run is to end: somebody cut or cancelled it, or pressed Ctrl-C where that raises."""
    kind = type(error)  # not isinstance, which asks the error itself
    if issubclass(kind, KeyboardInterrupt):
        return job.step.is_async and _may_be_pressed()
    return issubclass(kind, asyncio.CancelledError) and (leash.cut is not None or _is_being_cancelled())


def _is_being_cancelled() -> bool:
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no loop runs
        return False
    return task is not None and task.cancelling() > 0


def _or_forgotten(error: BaseException, loose: Loose) -> BaseException:
    """The call that was not awaited, where `error` comes of that."""
    try:
        loose.refuse_forgotten(error)
    except BaseException as forgotten:  # noqa: BLE001  (it cannot always be asked)
        return forgotten if isinstance(forgotten, ContentError) else error
    return error


def raised(job: Job, error: BaseException, seconds: float, *, figures: bool = False) -> Raised:
    """The outcome of a step that failed with `error`, whatever is wrong with the error itself.

    `figures`: the step had looked at those of the run.
    """
    try:
        retryable = job.retry is not None and job.retry.applies(error)
        described = describe(error, job.step)
    except BaseException as worse:  # noqa: BLE001  (an author's error class runs an author's code)
        retryable = False
        described = {"type": type_name(error), "message": f"it cannot be described: {type_name(worse)}"}
    return Raised(job.firing, described, retryable, round(seconds, 6), figures)


async def _run(job: Job, arguments: dict[str, Any]) -> Any:
    content: Callable[..., Any] = job.step.content
    if job.step.is_async:
        with _parent_alone():
            return await content(**arguments)

    def run() -> Any:
        with on_a_thread(job.step.name), _parent_alone():
            return content(**arguments)

    return await in_thread(run, name=job.step.name)


@contextmanager
def _parent_alone() -> Iterator[None]:
    """A child that the step forked, and that comes back from it, ends here: the run is its parent's."""
    parent = os.getpid()
    try:
        yield
    finally:
        if os.getpid() != parent:
            os._exit(1 if sys.exc_info()[0] else 0)
