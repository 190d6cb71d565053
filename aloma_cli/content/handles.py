"""What content may ask for by parameter name, made for one run of one firing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aloma_cli.clock import POSITIVE_DURATION, Clock, from_iso, is_positive_duration, to_iso
from aloma_cli.connectors.base import Connector, Connectors, Function
from aloma_cli.connectors.chat.shape import to_schema
from aloma_cli.content.calls import Calls
from aloma_cli.content.host import Gate, Recorder
from aloma_cli.content.job import Effects, Job, Question, SubtaskOrder
from aloma_cli.content.lost import Loose
from aloma_cli.content.watchdog import seen
from aloma_cli.document.diff import clean_copy
from aloma_cli.document.paths import MISSING, parse_path
from aloma_cli.document.reserved import CHILDREN, READ_ONLY
from aloma_cli.errors import ContentError, Cut, DocumentError, PermanentError, did_you_mean
from aloma_cli.ids import subtask_id
from aloma_cli.jsontext import Json, JsonObject, Path
from aloma_cli.record.events import Logged


@dataclass(frozen=True, slots=True)
class Toolbox:
    """What a workspace gives its steps: connectors, `lib` and `config`. Calls pass the `gate`, if there is one."""

    connectors: Connectors
    lib: object
    config: Callable[..., Any]
    gate: Gate | None = None


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
            seen()
            self._loop.call_soon_threadsafe(self._recorder.note, event)


class TaskHandle:
    """`task`: the task this firing belongs to. What is asked for here happens when it commits, or not at all."""

    def __init__(self, job: Job, effects: Effects, leash: Leash) -> None:
        self._job = job
        self._effects_of_it = effects
        self._leash = leash

    @property
    def _effects(self) -> Effects:
        self._leash.check()
        return self._effects_of_it

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
        timeout: float | None = None,
    ) -> str:
        """Make a subtask: a task of its own, matched against the same steps. Gives its id.

        `data` is its document; `$errors` and `$children` in it, which are this task's, are left out.
        `into`: where its result will land in this task's document, a dotted path or a tuple of keys; an integer in a
        tuple is a position in a list. A position holds only while no item before it is inserted, removed or moved:
        prefer keys. `wait_for`: this task starts nothing new until the subtask has ended. `group`: the name under
        `$children` it is counted under; the step's name where none is given. `timeout`: seconds after which it is
        ended as `incomplete`, if it has not ended by then; what there is of it lands.
        """
        if not isinstance(data, dict):
            raise PermanentError(f"the data of subtask {name!r} is a {type(data).__name__}; it must be an object")
        orders = self._effects.subtasks
        order = SubtaskOrder(
            id=subtask_id(self._job.task, self._job.firing, len(orders) + 1),
            name=_text(name, "the name of a subtask"),
            data=clean_copy({key: value for key, value in data.items() if key not in READ_ONLY}),
            into=None if into is None else _place(into),
            wait_for=bool(wait_for),
            group=self._job.step.name if group is None else _group(group),
            timeout=None if timeout is None else _positive(timeout, "the timeout of a subtask"),
        )
        orders.append(order)
        return order.id

    def group(self, name: str) -> None:
        """Declare a group of subtasks: `$children.<name>` counts them, from zero on if none is made.

        So a condition that waits for all of them holds also where there are none. A group that is there stays as it
        is.
        """
        if _group(name) not in self._job.base.get(CHILDREN, ()) and name not in self._effects.groups:
            self._effects.groups.append(name)

    def stop(self, subtask: str, reason: str = "stopped by its parent") -> None:
        """Stop a subtask of this task, by its id, with the subtasks it has."""
        self._effects.stops[subtask] = _text(reason, "the reason for a stop")

    def park(self, seconds: float) -> None:
        """Start nothing new in this task until so many seconds have passed, or another commit changes its data.

        Where several firings park the task, the longest wait counts. A step that polls (`step.redo()`) runs early
        when another commit changes data: compare `now` with the time of the last poll where that matters. The wait
        survives the process; when it is over by then, the task continues at once.
        """
        self._effects.park = _positive(seconds, "task.park")

    def timeout(self, seconds: float) -> None:
        """End this task as `incomplete` if it has not ended in so many seconds from now on.

        The call that is committed last counts.
        """
        self._effects.timeout = _positive(seconds, "task.timeout")

    def ask(
        self,
        question: str,
        into: str | Path,
        schema: Any = None,
        default: Json = None,
        timeout: float | None = None,
    ) -> None:
        """Ask a person; the answer is written at `into` (a dotted path or a tuple of keys) when it comes.

        The task does not stop for it: what does not need the answer goes on. A value that somebody else writes there
        is the answer. `schema`: the shape of an answer, as in `docs/shapes.md`. With `timeout` (seconds) `default` is
        the answer when nobody gave one in time.
        """
        asked = Question(
            question=_text(question, "a question"),
            into=_place(into),
            schema=None if schema is None else to_schema(schema, whole=False),
            default=clean_copy(default, "default"),
            timeout=None if timeout is None else _positive(timeout, "the timeout of a question"),
        )
        self._effects.questions.append(asked)

    def complete(self, result: Json = MISSING, cancel: bool = False) -> None:
        """Close the task with `result`: nothing new starts, and with `cancel` what still runs is stopped.

        Without a result it is the document in the end, without the fields of the engine.
        """
        if self._effects.completed is None:
            self._effects.completed = {} if result is MISSING else {"result": clean_copy(result, "result")}
            self._effects.cancel = cancel

    def figures(self) -> JsonObject:
        """What this task with its subtasks did up to now.

        `seconds` since its creation, `calls`, `input_tokens`, `output_tokens`, `cost` (US dollars), `failures`, and
        `steps`: for each step `fired`, `looked`, `failed`, `voided`, `calls`, its tokens and cost, and its `seconds`.
        """
        self._leash.check()
        self._effects.figures = True
        figures: JsonObject = self._job.figures() if self._job.step.is_async else self._leash.ask(self._job.figures)
        return figures

    def adapt(
        self,
        concurrency: int | None = None,
        models: Mapping[str, str] | None = None,
        retries: Mapping[str, int] | None = None,
    ) -> None:
        """Change how this task and its subtasks are run from here on.

        `concurrency`: how many firings of one task at a time. `models`: other models for the names that steps use.
        `retries`: how many tries steps have in all, by name.
        """
        settings = self._effects.settings
        if concurrency is not None:
            settings["concurrency"] = _count(concurrency, "concurrency")
        if models:
            settings["models"] = {_text(name, "a model"): _text(model, "a model") for name, model in models.items()}
        if retries:
            settings["retries"] = {
                _text(step, "a step"): _count(times, f"the number of tries of {step}")
                for step, times in retries.items()
            }


class StepHandle:
    """`step`: the step that fires."""

    def __init__(self, job: Job, effects: Effects, leash: Leash) -> None:
        self._job = job
        self._effects = effects
        self._leash = leash

    @property
    def name(self) -> str:
        return self._job.step.name

    @property
    def attempt(self) -> int:
        """Which of the tries that `retry` allows this is, from 1."""
        return self._job.attempt

    def redo(self) -> None:
        """Let this step fire once more at its next match, at once if it still matches."""
        self._leash.check()
        self._effects.redo = True


class ConnectorsHandle:
    """`connectors`: `connectors.NAME.function(...)`; awaitable, or blocking for a plain `def`."""

    def __init__(self, connectors: Connectors, call: MakeCall) -> None:
        self._connectors = connectors
        self._call = call

    def __getattr__(self, name: str) -> ConnectorHandle:
        return ConnectorHandle(name, _lookup(self._connectors, name, "connectors", "connector"), self._call)


class ConnectorHandle:
    """One connector: its functions as attributes."""

    def __init__(self, name: str, connector: Connector, call: MakeCall) -> None:
        self._name = name
        self._connector = connector
        self._call = call

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function: Function = _lookup(self._connector, name, f"connectors.{self._name}", "function")
        return partial(self._call, f"{self._name}.{name}", function)


MakeCall = Callable[..., Any]
"""Takes `connector.function`, the Function and its arguments; gives the result in a plain `def`, else what to await."""


@dataclass(slots=True)
class Leash:
    """What a firing is held by: once `over`, or `cut` where it is a thread, it cannot ask for anything more."""

    loop: asyncio.AbstractEventLoop
    cut: type[Cut] | None = None
    over: bool = False

    def check(self) -> None:
        """Raise what somebody meets who goes on after the firing has ended."""
        if self.over:
            raise self.cut or ContentError(
                "this firing has ended, and can neither call nor ask for anything: "
                "wait for what a step starts before it returns"
            )

    def wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Raises the cut when there is one, before the call or after, whatever the call came to."""
        if self.cut is not None:
            work.close()
            raise self.cut
        try:
            return asyncio.run_coroutine_threadsafe(work, self.loop).result()
        finally:
            seen()
            if self.cut is not None:
                raise self.cut

    def ask(self, question: Callable[[], Any]) -> Any:
        """The answer to `question`, put on the loop's thread."""

        async def answer() -> Any:
            return question()

        return self.wait(answer())


def offer(
    job: Job, toolbox: Toolbox, data: JsonObject, effects: Effects, calls: Calls, log: Log, leash: Leash, loose: Loose
) -> dict[str, Any]:
    """The arguments for the parameters that the step's content has."""

    def call(name: str, function: Function, /, *arguments: Any, **options: Any) -> Any:
        def begin() -> Coroutine[Any, Any, Any]:
            leash.check()
            return calls.make(name, function, *arguments, **options)

        leash.check()
        return loose.call(name, begin) if job.step.is_async else leash.wait(begin())

    everything: dict[str, Callable[[], Any]] = {
        "data": lambda: data,
        "task": lambda: TaskHandle(job, effects, leash),
        "step": lambda: StepHandle(job, effects, leash),
        "connectors": lambda: ConnectorsHandle(toolbox.connectors, call),
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


def _place(into: str | Path) -> Path:
    keys: Path = parse_path(into) if isinstance(into, str) else tuple(into)
    if not keys or not all(isinstance(key, str) or (type(key) is int and key >= 0) for key in keys):
        raise PermanentError(f"a place is a dotted path or a tuple of keys and positions, got {into!r}")
    if keys[0] in READ_ONLY:
        raise PermanentError(f"{into!r} is kept by the engine; nothing else can be put there")
    return keys


def _count(value: object, what: str) -> int:
    if type(value) is not int or value < 1:
        raise PermanentError(f"{what} must be a whole number from 1 on, got {value!r}")
    return value


def _positive(value: float, what: str) -> float:
    if not is_positive_duration(value):
        raise PermanentError(f"{what} must be {POSITIVE_DURATION}, got {value!r}")
    return float(value)


def _group(name: object) -> str:
    text = _text(name, "the name of a group")
    if "." in text or text.startswith("$"):
        raise PermanentError(
            f"the group {text!r} cannot be named in a condition", hint="use a name without dots that begins with no $"
        )
    return text
