"""One run of one firing: a draft, the content, and an outcome, whatever happens."""

from __future__ import annotations

import asyncio
import inspect
import signal
import traceback
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from aloma_cli.clock import Clock
from aloma_cli.document import Draft
from aloma_cli.engine.calls import Calls
from aloma_cli.engine.offer import Leash, Log, Toolbox, offer
from aloma_cli.engine.outcome import Effects, Job, Limited, Outcome, Raised, Returned
from aloma_cli.engine.prints import prints_to
from aloma_cli.engine.recorder import Recorder
from aloma_cli.errors import AnswerError, ConnectorError, PermanentError
from aloma_cli.jsontext import JsonObject
from aloma_cli.threads import in_thread

_PACKAGE = __name__.partition(".")[0]
_FRAMES_KEPT = 20
"""The innermost ones: where it went wrong matters more than how it came there."""


async def fire(job: Job, toolbox: Toolbox, recorder: Recorder, clock: Clock, leash: Leash) -> Outcome:
    """Run the step's content on a draft of the job's document. Raises nothing but cancellation and Ctrl-C."""
    draft, effects, calls = Draft(job.base), Effects(), Calls(job, recorder, clock, toolbox.gate)
    log = Log(job, recorder, clock, loop=leash.loop)
    plain = None if job.step.is_async else leash
    started = clock.elapsed()
    try:
        with prints_to(log):
            await _run(job, offer(job, toolbox, draft.data, effects, calls, log, plain))
        changes = draft.changes()
        effects.called = calls.any
        outcome: Outcome = Returned(job.firing, changes, effects, _since(started, clock))
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and _may_be_pressed():
            raise
        outcome = raised(job, error, _since(started, clock))
    # Whatever a step makes of a refused call: it goes on when the limit is raised.
    return outcome if calls.refused is None else Limited(job.firing, calls.refused, outcome.seconds)


def _may_be_pressed() -> bool:
    """Whether Ctrl-C reaches Python code as KeyboardInterrupt, so that it need not be the step that raised it."""
    handler = signal.getsignal(signal.SIGINT)
    return handler is signal.default_int_handler or isinstance(handler, partial)  # asyncio's own is a partial


def _since(started: float, clock: Clock) -> float:
    return round(clock.elapsed() - started, 6)


def raised(job: Job, error: BaseException, seconds: float) -> Raised:
    """The outcome of a step that failed with `error`."""
    retryable = job.retry is not None and job.retry.applies(error)
    return Raised(job.firing, _describe(error), retryable, round(seconds, 6))


async def _run(job: Job, arguments: dict[str, Any]) -> None:
    content: Callable[..., Any] = job.step.content
    if not job.step.is_async:
        if inspect.isawaitable(await in_thread(lambda: content(**arguments), name=job.step.name)):
            raise PermanentError("content returned something to await", hint="write it as `async def content(…)`")
        return
    work: Coroutine[Any, Any, Any] = content(**arguments)
    await work


def _describe(error: BaseException) -> JsonObject:
    described: JsonObject = {"type": type(error).__name__, "message": _message(error)}
    frames = _own_frames(error)
    if frames:
        described["place"] = f"{frames[-1].filename}:{frames[-1].lineno}"
        described["trace"] = [line.rstrip() for line in traceback.format_list(frames)]
    hint = getattr(error, "hint", None)
    if hint and isinstance(hint, str):
        described["hint"] = hint
    if isinstance(error, ConnectorError):
        described["connector"] = True
    if isinstance(error, AnswerError):
        described["misfits"] = list(error.misfits)
    return described


def _message(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  (an author's own error class may be broken as well)
        text = ""
    return text or type(error).__name__


def _own_frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The frames of the step and of what it calls, without the engine's that lie between and before."""
    frames = [
        frame
        for frame, _ in traceback.walk_tb(error.__traceback__)
        if not frame.f_globals.get("__name__", "").startswith((f"{_PACKAGE}.", "asyncio."))
    ]
    summary = traceback.StackSummary.extract(((frame, frame.f_lineno) for frame in frames), limit=-_FRAMES_KEPT)
    return list(summary)
