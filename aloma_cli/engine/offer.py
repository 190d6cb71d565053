"""What content may ask for by parameter name, made for one run of one firing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aloma_cli.clock import Clock, from_iso, to_iso
from aloma_cli.connectors.base import Connector, Connectors, Function
from aloma_cli.document import clean_copy, parse_path
from aloma_cli.engine.calls import Calls
from aloma_cli.engine.outcome import Effects, Job, SubtaskOrder
from aloma_cli.engine.recorder import Recorder
from aloma_cli.errors import Cut, DocumentError, PermanentError, did_you_mean
from aloma_cli.events import Logged
from aloma_cli.ids import subtask_id
from aloma_cli.jsontext import Json, JsonObject, Path


@dataclass(frozen=True, slots=True)
class Toolbox:
    """What a workspace gives its steps: connectors, `lib` and `config`."""

    connectors: Connectors
    lib: object
    config: Callable[..., Any]


class Log:
    """`log("text")`, `log.warning("text")`, `log.error("text")`; several values are joined as `print` does."""

    def __init__(self, job: Job, recorder: Recorder, clock: Clock, *, loop: asyncio.AbstractEventLoop) -> None:
        self._job = job
        self._recorder = recorder
        self._clock = clock
        self._loop = loop
        self._thread = threading.get_ident()

    def __call__(self, *values: object) -> None:
        self._write("info", values)

    def warning(self, *values: object) -> None:
        self._write("warning", values)

    def error(self, *values: object) -> None:
        self._write("error", values)

    def _write(self, level: str, values: tuple[object, ...]) -> None:
        event = Logged(
            at=to_iso(self._clock.now()),
            task=self._job.task,
            firing=self._job.firing,
            step=self._job.step.name,
            level=level,
            text=" ".join(map(str, values)),
        )
        if threading.get_ident() == self._thread:
            self._recorder.note(event)
        else:
            self._loop.call_soon_threadsafe(self._recorder.note, event)


class TaskHandle:
    """`task`: the task this firing belongs to. What is asked for here happens when it commits, or not at all."""

    def __init__(self, job: Job, effects: Effects) -> None:
        self._job = job
        self._effects = effects

    @property
    def id(self) -> str:
        return self._job.task

    @property
    def parent(self) -> str | None:
        """The id of the task this is a subtask of."""
        return self._job.parent

    @property
    def created_at(self) -> datetime:
        return datetime.fromtimestamp(from_iso(self._job.created_at), UTC)

    @property
    def name(self) -> str:
        return self._job.task_name if self._effects.name is None else self._effects.name

    @name.setter
    def name(self, name: str) -> None:
        self._effects.name = _text(name, "task.name")

    @property
    def tags(self) -> tuple[str, ...]:
        return self._job.tags if self._effects.tags is None else self._effects.tags

    @tags.setter
    def tags(self, tags: list[str] | tuple[str, ...]) -> None:
        self._effects.tags = tuple(_text(tag, "a tag") for tag in tags)

    def subtask(
        self,
        name: str,
        data: JsonObject,
        into: str | Path | None = None,
        wait_for: bool = False,
        group: str | None = None,
    ) -> str:
        """Make a subtask: a task of its own, matched against the same steps. Gives its id.

        `into`: where its result will land in this task's document, a dotted path or a tuple of keys. `wait_for`:
        this task starts nothing new until the subtask has ended. `group`: the name under `$children` it is counted
        under; the step's name where none is given.
        """
        if not isinstance(data, dict):
            raise PermanentError(f"the data of subtask {name!r} is a {type(data).__name__}; it must be an object")
        orders = self._effects.subtasks
        order = SubtaskOrder(
            id=subtask_id(self._job.task, self._job.firing, len(orders) + 1),
            name=_text(name, "the name of a subtask"),
            data=clean_copy(data),
            into=parse_path(into) if isinstance(into, str) else into and tuple(into),
            wait_for=bool(wait_for),
            group=group or self._job.step.name,
        )
        orders.append(order)
        return order.id

    def stop(self, subtask: str, reason: str = "stopped by its parent") -> None:
        """Stop a subtask of this task, by its id, with the subtasks it has."""
        self._effects.stops[subtask] = reason

    def complete(self, result: Json = None, cancel: bool = False) -> None:
        """Close the task with `result`: nothing new starts, and with `cancel` what still runs is stopped."""
        if self._effects.completed is None:
            self._effects.completed = {"result": clean_copy(result)}
            self._effects.cancel = cancel


class StepHandle:
    """`step`: the step that fires."""

    def __init__(self, job: Job, effects: Effects) -> None:
        self._job = job
        self._effects = effects

    @property
    def name(self) -> str:
        return self._job.step.name

    @property
    def attempt(self) -> int:
        """Which of the tries that `retry` allows this is, from 1."""
        return self._job.attempt

    def redo(self) -> None:
        """Let this step fire once more at its next match, at once if it still matches."""
        self._effects.redo = True


class ConnectorsHandle:
    """`connectors`: `connectors.NAME.function(...)`; awaitable, or blocking for a plain `def`."""

    def __init__(self, connectors: Connectors, calls: Calls, wait: Wait | None) -> None:
        self._connectors = connectors
        self._calls = calls
        self._wait = wait

    def __getattr__(self, name: str) -> ConnectorHandle:
        connector = _lookup(self._connectors, name, "connectors", "connector")
        return ConnectorHandle(name, connector, self._calls, self._wait)


class ConnectorHandle:
    """One connector: its functions as attributes."""

    def __init__(self, name: str, connector: Connector, calls: Calls, wait: Wait | None) -> None:
        self._name = name
        self._connector = connector
        self._calls = calls
        self._wait = wait

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function: Function = _lookup(self._connector, name, f"connectors.{self._name}", "function")

        def call(*arguments: Any, **options: Any) -> Any:
            work = self._calls.make(f"{self._name}.{name}", function, *arguments, **options)
            return self._wait(work) if self._wait is not None else work

        return call


Wait = Callable[[Coroutine[Any, Any, Any]], Any]
"""Carries a coroutine out on the event loop and waits for it, on another thread."""


@dataclass(slots=True)
class Leash:
    """What a step in a thread is held by: once cut, its connectors raise instead of calling."""

    loop: asyncio.AbstractEventLoop
    cut: type[Cut] | None = None

    def wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Raises the cut when there is one, before the call or after."""
        if self.cut is not None:
            work.close()
            raise self.cut
        result = asyncio.run_coroutine_threadsafe(work, self.loop).result()
        if self.cut is not None:
            raise self.cut
        return result


def offer(
    job: Job, toolbox: Toolbox, data: JsonObject, effects: Effects, calls: Calls, log: Log, leash: Leash | None
) -> dict[str, Any]:
    """The arguments for the parameters that the step's content has."""
    everything: dict[str, Callable[[], Any]] = {
        "data": lambda: data,
        "task": lambda: TaskHandle(job, effects),
        "step": lambda: StepHandle(job, effects),
        "connectors": lambda: ConnectorsHandle(toolbox.connectors, calls, leash.wait if leash else None),
        "lib": lambda: toolbox.lib,
        "config": lambda: toolbox.config,
        "log": lambda: log,
        "now": lambda: datetime.fromtimestamp(from_iso(job.at), UTC),
    }
    return {name: everything[name]() for name in job.step.parameters}


def _lookup(table: Mapping[str, Any], name: str, of: str, kind: str) -> Any:
    try:
        return table[name]
    except KeyError:
        hint = did_you_mean(name, table) or f"there is {', '.join(sorted(table))}"
        raise PermanentError(f"{of} has no {kind} {name!r}", hint=hint) from None


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or not value:
        raise DocumentError(f"{what} must be a text, got {value!r}")
    return value
