"""One run of a firing of a Python function: a draft, the content, and in every case an outcome."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from aloma_cli import process
from aloma_cli.clock import from_iso
from aloma_cli.content.failure import describe, type_name
from aloma_cli.content.handles.log import Log
from aloma_cli.content.job import NO_EFFECTS, Effects, Job, Limited, Outcome, Raised, Returned
from aloma_cli.content.lost import Loose
from aloma_cli.content.plain import PlainRun, end_child
from aloma_cli.content.streams import Inside
from aloma_cli.errors import ContentError, DocumentError
from aloma_cli.later import Later
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from aloma_cli.connectors.base import Function
    from aloma_cli.content import calls as calling
    from aloma_cli.content.cancellation import Cancellation
    from aloma_cli.content.content import Toolbox
    from aloma_cli.content.function import StepFunction
    from aloma_cli.content.handles import connectors as handed
    from aloma_cli.content.handles import step as steps
    from aloma_cli.content.handles import task as tasks
    from aloma_cli.content.host import Host
    from aloma_cli.document.draft import Draft
    from aloma_cli.jsontext import Path
else:
    calling = Later("aloma_cli.content.calls")
    handed = Later("aloma_cli.content.handles.connectors")
    steps = Later("aloma_cli.content.handles.step")
    tasks = Later("aloma_cli.content.handles.task")


@dataclass(slots=True, eq=False)
class PythonRun:
    """One run. Only what its content asks for is made."""

    content: StepFunction
    job: Job
    toolbox: Toolbox
    host: Host
    cancellation: Cancellation
    draft: Draft
    _effects: Effects | None = None
    _calls: calling.Calls | None = None
    _log: Log | None = None
    _loose: Loose | None = None

    async def run(self) -> Outcome:
        """As `Content.run`."""
        started, number = self.host.clock.elapsed(), self.job.firing
        try:
            with Inside(self._print, self._notice):
                returned = await self._run_content()
                if returned is not None or self._loose is not None:
                    self.loose.refuse(returned)
            read, changes = self.draft.reads(), self.draft.changes()
            # In whole microseconds; `round` takes four times as long.
            seconds = int((self.host.clock.elapsed() - started) * 1e6 + 0.5) / 1e6
            outcome: Outcome = Returned(number, changes, self._effects or NO_EFFECTS, seconds, read)
        except BaseException as error:
            if _is_from_outside(self.content, self.cancellation, error):
                raise
            outcome = self._raised(error, self.host.clock.elapsed() - started)
        finally:
            self.cancellation.over = True
            self.draft.close()
            if self._loose is not None:
                self._loose.cancel()
        refused = self._calls.refused if self._calls else None
        # Even if the step handles a refused call: the firing continues when the limit is raised.
        if refused is not None:
            return Limited(number, str(refused), outcome.seconds, refused.limit, refused.needed)
        if isinstance(outcome, Returned):
            self.toolbox.drafts.keep(number, self.draft)
        return outcome

    @property
    def effects(self) -> Effects:
        if self._effects is None:
            self._effects = Effects()
        return self._effects

    @property
    def log(self) -> Log:
        if self._log is None:
            self._log = Log(self.job, self.host, self.cancellation)
        return self._log

    @property
    def loose(self) -> Loose:
        if self._loose is None:
            self._loose = Loose(self.content)
        return self._loose

    def call(self, name: str, function: Function, /, *arguments: Any, **options: Any) -> Any:
        """As `handles.connectors.MakeCall`."""
        if self._calls is None:
            own = self.toolbox.connectors.own
            self._calls = calling.Calls(self.job, self.host, self.effects, self.cancellation.queued, own, self._written)
        calls = self._calls

        def begin() -> Coroutine[Any, Any, Any]:
            self.cancellation.check()
            return calls.make(name, function, *arguments, **options)

        self.cancellation.check()
        # Tools run on the loop's thread or on one of their own, whatever the step itself does.
        on_loop = threading.get_ident() == self.cancellation.thread
        return self.loose.call(name, begin) if on_loop else self.cancellation.wait(begin())

    def _written(self) -> object:
        effects = replace(self.effects, called=False)
        try:
            return self.draft.changes(), repr(effects)
        except DocumentError:
            return None  # the end of the firing says what is wrong

    def _print(self, text: str) -> None:
        self.log(text)

    def _notice(self, task: asyncio.Task[Any]) -> None:
        self.loose.started(task)

    async def _run_content(self) -> Any:
        # The arguments end with this frame. So nothing holds the draft afterwards, unless the author kept it.
        content = partial(self.content.function, **{name: _MAKERS[name](self) for name in self.content.parameters})
        parent = process.number
        try:
            if self.content.is_async:
                return await content()
            self.cancellation.plain = PlainRun(self.job.step, self.cancellation.loop)
            return await self.cancellation.plain.run(content)
        finally:
            if process.number != parent:
                end_child()

    def _raised(self, error: BaseException, seconds: float) -> Raised:
        looked = self._effects is not None and self._effects.figures
        cause = error if self._loose is None else _or_forgotten(error, self._loose)
        return raised(self.content, self.job, cause, seconds, looked, self.draft.reads())


def _task(firing: PythonRun) -> tasks.TaskHandle:
    job, effects, host, cancellation = firing.job, firing.effects, firing.host, firing.cancellation
    return tasks.TaskHandle(job, effects, host, cancellation, on_loop=firing.content.is_async)


_MAKERS: Mapping[str, Callable[[PythonRun], Any]] = {
    "data": lambda firing: firing.draft.data,
    "task": _task,
    "step": lambda firing: steps.StepHandle(firing.job, firing.effects, firing.cancellation),
    "connectors": lambda firing: handed.ConnectorsHandle(firing.toolbox.connectors, firing.call),
    "lib": lambda firing: firing.toolbox.lib,
    "config": lambda firing: firing.toolbox.config,
    "log": lambda firing: firing.log,
    "now": lambda firing: datetime.fromtimestamp(from_iso(firing.job.at), UTC),
}
"""One for each of `function.PARAMETERS`."""


def raised(
    content: StepFunction,
    job: Job,
    error: BaseException,
    seconds: float,
    figures: bool = False,
    read: Sequence[Path] = (),
) -> Raised:
    """The outcome of a step that failed with `error`, even if the error itself is broken.

    `figures`: the step had looked at the figures of the run. `read`: as in Raised.
    """
    try:
        retryable = job.retry is not None and job.retry.applies(error)
        described = describe(error, content)
    except BaseException as worse:  # noqa: BLE001  (an author's error class runs an author's code)
        retryable = False
        described = {"type": type_name(error), "message": f"it cannot be described: {type_name(worse)}"}
    return Raised(job.firing, described, retryable, round(seconds, 6), figures, read)


def _is_from_outside(content: StepFunction, cancellation: Cancellation, error: BaseException) -> bool:
    """Whether the run was ended from outside: cut, cancelled, or interrupted by Ctrl-C where that raises."""
    kind = type(error)  # not isinstance, which asks the error itself
    if issubclass(kind, KeyboardInterrupt):
        return content.is_async and _may_be_pressed()
    return issubclass(kind, asyncio.CancelledError) and (cancellation.cut is not None or _is_being_cancelled())


def _may_be_pressed() -> bool:
    """Whether Ctrl-C reaches Python code as KeyboardInterrupt, so that the step need not have raised it."""
    handler = signal.getsignal(signal.SIGINT)
    return handler is signal.default_int_handler or isinstance(handler, partial)  # asyncio's own is a partial


def _is_being_cancelled() -> bool:
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no loop runs
        return False
    return task is not None and task.cancelling() > 0


def _or_forgotten(error: BaseException, loose: Loose) -> BaseException:
    """The error of the call that was not awaited, if it caused `error`."""
    try:
        loose.refuse_forgotten(error)
    except BaseException as forgotten:  # noqa: BLE001  (it cannot always be asked)
        return forgotten if isinstance(forgotten, ContentError) else error
    return error
