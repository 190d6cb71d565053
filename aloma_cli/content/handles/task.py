"""`task`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aloma_cli.clock import POSITIVE_DURATION, from_iso, is_positive_duration
from aloma_cli.connectors.chat.shape import to_schema
from aloma_cli.content.cancellation import Cancellation
from aloma_cli.content.host import Host
from aloma_cli.content.job import Effects, Job, Question, SubtaskOrder
from aloma_cli.document.diff import clean_copy
from aloma_cli.document.paths import MISSING, parse_path
from aloma_cli.document.reserved import CHILDREN, READ_ONLY
from aloma_cli.errors import DocumentError, PermanentError
from aloma_cli.ids import subtask_id
from aloma_cli.jsontext import Json, JsonObject, Path, with_article


class TaskHandle:
    """`task`: the task of this firing. Requests made here take effect when the firing commits, or not at all."""

    def __init__(self, job: Job, effects: Effects, host: Host, cancellation: Cancellation, *, on_loop: bool) -> None:
        self._job = job
        self._effects_of_it = effects
        self._host = host
        self._cancellation = cancellation
        self._on_loop = on_loop

    @property
    def _effects(self) -> Effects:
        self._cancellation.check()
        return self._effects_of_it

    @property
    def id(self) -> str:
        return self._job.task

    @property
    def parent(self) -> str | None:
        """The id of the parent task."""
        return self._job.parent

    @property
    def created_at(self) -> datetime:
        return datetime.fromtimestamp(from_iso(self._job.created_at), UTC)

    @property
    def name(self) -> str:
        return self._job.task_name if self._effects.name is None else self._effects.name

    @name.setter
    def name(self, name: str) -> None:
        self._effects.name = _checked_text(name, "task.name")

    @property
    def tags(self) -> tuple[str, ...]:
        return self._job.tags if self._effects.tags is None else self._effects.tags

    @tags.setter
    def tags(self, tags: list[str] | tuple[str, ...]) -> None:
        self._effects.tags = tuple(_checked_text(tag, "a tag") for tag in tags)

    def subtask(
        self,
        name: str,
        data: JsonObject,
        into: str | Path | None = None,
        wait_for: bool = False,
        group: str | None = None,
        timeout: float | None = None,
    ) -> str:
        """Make a subtask: a separate task, matched against the same steps. Returns its id.

        `data` is its document, without this task's `$errors` and `$children`. `into`: the place for its result in this
        task's document, a dotted path or a tuple of keys; an integer in a tuple is a position in a list. A position is
        valid only while no item before it is inserted, removed or moved: prefer keys. `wait_for`: this task starts
        nothing new until the subtask has ended. `group`: the name under `$children` that counts it; by default the
        step's name. `timeout`: seconds after which the subtask ends as `incomplete`, and its document lands.
        """
        if not isinstance(data, dict):
            raise PermanentError(
                f"the data of subtask {name!r} is {with_article(type(data).__name__)}; it must be an object"
            )
        orders = self._effects.subtasks
        order = SubtaskOrder(
            id=subtask_id(self._job.task, self._job.firing, len(orders) + 1),
            name=_checked_text(name, "the name of a subtask"),
            data=clean_copy({key: value for key, value in data.items() if key not in READ_ONLY}),
            into=None if into is None else _into_place(into),
            wait_for=bool(wait_for),
            group=self._job.step if group is None else _group(group),
            timeout=None if timeout is None else _positive(timeout, "the timeout of a subtask"),
        )
        orders.append(order)
        return order.id

    def group(self, name: str) -> None:
        """Declare a group of subtasks: `$children.<name>` counts them, from zero.

        So a condition that waits for all of them also holds without any. An existing group does not change.
        """
        if _group(name) not in self._job.base.get(CHILDREN, ()) and name not in self._effects.groups:
            self._effects.groups.append(name)

    def stop(self, subtask: str, reason: str = "stopped by its parent") -> None:
        """Stop a subtask of this task, by its id, with its own subtasks."""
        self._effects.stops[subtask] = _checked_text(reason, "the reason for a stop")

    def park(self, seconds: float) -> None:
        """Start nothing new in this task for `seconds`, or until another commit changes its data.

        If several firings park the task, the longest wait counts. A step that polls (`step.redo()`) runs early when
        another commit changes data: if that matters, compare `now` with the time of the last poll. The wait continues
        after a restart; if it has passed by then, the task continues at once.
        """
        self._effects.park = _positive(seconds, "task.park")

    def timeout(self, seconds: float) -> None:
        """End this task as `incomplete` if it has not ended in `seconds` from now.

        The last committed call counts.
        """
        self._effects.timeout = _positive(seconds, "task.timeout")

    def ask(
        self,
        question: str,
        into: str | Path,
        schema: Any = None,
        default: Json = None,
        timeout: float | None = None,
        context: Json = None,
    ) -> None:
        """Ask a person; the answer will be written at `into` (a dotted path or a tuple of keys).

        The task does not stop: steps that do not need the answer continue. A value that a step writes at that place is
        the answer. `schema`: the shape of an answer, as in `docs/shapes.md`. With `timeout` (seconds), `default`
        becomes the answer if none came in time. `context`: what the person has to know, a text or any JSON value.
        """
        asked = Question(
            question=_checked_text(question, "a question"),
            into=_into_place(into),
            schema=None if schema is None else to_schema(schema, whole=False),
            default=clean_copy(default, ("default",)),
            timeout=None if timeout is None else _positive(timeout, "the timeout of a question"),
            context=clean_copy(context, ("context",)),
        )
        self._effects.questions.append(asked)

    def complete(self, result: Json = MISSING, cancel: bool = False) -> None:
        """Close the task with `result`: nothing new starts, and `cancel` also stops the running firings.

        The default result is the final document without the fields of the engine.
        """
        if self._effects.completed is None:
            self._effects.completed = {} if result is MISSING else {"result": clean_copy(result, ("result",))}
            self._effects.cancel = cancel

    def figures(self) -> JsonObject:
        """What this task and its subtasks did so far.

        `seconds` from its creation to this firing, `calls`, `input_tokens`, `output_tokens`, `cost` (US dollars),
        `failures`, and `steps`: for each step `fired`, `looked`, `failed`, `voided`, `calls`, its tokens and cost, and
        its `seconds`.
        """
        self._cancellation.check()
        self._effects.figures = True
        task = self._job.task
        figures: JsonObject = (
            self._host.figures(task) if self._on_loop else self._cancellation.ask(lambda: self._host.figures(task))
        )
        # At the time of this firing, as `now`: a firing that is repeated reads the same.
        age = from_iso(self._job.at) - from_iso(self._job.created_at)
        return {**figures, "seconds": round(max(0.0, age), 3)}

    def adapt(
        self,
        concurrency: int | None = None,
        models: Mapping[str, str] | None = None,
        retries: Mapping[str, int] | None = None,
    ) -> None:
        """Change how this task and its subtasks run from now on.

        `concurrency`: the number of firings of one task at a time. `models`: other models for the names that steps
        use. `retries`: the total number of tries, by step.
        """
        settings = self._effects.settings
        if concurrency is not None:
            settings["concurrency"] = _count(concurrency, "concurrency")
        if models:
            settings["models"] = {
                _checked_text(name, "a model"): _checked_text(model, "a model") for name, model in models.items()
            }
        if retries:
            settings["retries"] = {
                _checked_text(step, "a step"): _count(times, f"the number of tries of {step}")
                for step, times in retries.items()
            }


def _checked_text(value: object, what: str) -> str:
    if not isinstance(value, str) or not value:
        raise DocumentError(f"{what} must be a non-empty string, got {value!r}")
    return value


def _into_place(into: str | Path) -> Path:
    keys: Path = parse_path(into) if isinstance(into, str) else tuple(into)
    if not keys or not all(isinstance(key, str) or (type(key) is int and key >= 0) for key in keys):
        raise PermanentError(f"a place must be a dotted path or a tuple of keys and positions, got {into!r}")
    if keys[0] in READ_ONLY:
        raise PermanentError(f"{into!r} is managed by the engine and read-only")
    return keys


def _count(value: object, what: str) -> int:
    if type(value) is not int or value < 1:
        raise PermanentError(f"{what} must be an integer from 1, got {value!r}")
    return value


def _positive(value: float, what: str) -> float:
    if not is_positive_duration(value):
        raise PermanentError(f"{what} must be {POSITIVE_DURATION}, got {value!r}")
    return float(value)


def _group(name: object) -> str:
    text = _checked_text(name, "the name of a group")
    if "." in text or text.startswith("$"):
        raise PermanentError(
            f"the group {text!r} cannot be named in a condition",
            hint="use a name without dots that does not begin with $",
        )
    return text
