"""What a step is: a condition, what to do when it holds, and how to go about it.

A step is the same value whether it was read from a file or built in Python, and it is whole: every mistake in it
raises a StepError here, before anything runs.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from aloma_cli.clock import DURATION, POSITIVE_DURATION, is_duration, is_positive_duration
from aloma_cli.condition import compile_condition
from aloma_cli.errors import (
    ConditionError,
    ConnectorError,
    PermanentError,
    RetryableError,
    StepError,
    StepTimeout,
    did_you_mean,
)

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable
    from types import FunctionType

    from aloma_cli.condition import Condition
    from aloma_cli.jsontext import Path

PARAMETERS = ("data", "task", "step", "connectors", "lib", "config", "log", "now")
"""What `content` may ask for, by the names of its parameters."""

REARM = ("edge", "change")
"""`edge`: armed again when the condition has been false. `change`: also when others change what it reads."""

_LONGEST_WAIT = 60.0
# What could not be shown on a line, or written in a path such as $errors.NAME.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and when to try again a step that raised.

    `times`: tries in all. `wait`: seconds before the second try, doubled for each further one up to 60. `on`: the
    errors worth another try. Raises StepError for values that make no sense.
    """

    times: int = 3
    wait: float = 1.0
    on: type[BaseException] | tuple[type[BaseException], ...] = Exception

    def __post_init__(self) -> None:
        for option, (accepts, wanted) in _RETRY_OPTIONS.items():
            value = getattr(self, option)
            if not accepts(value):
                raise StepError(f"`{option}` of Retry must be {wanted}, got {_show(value)}")

    def wait_before(self, attempt: int) -> float:
        """Seconds to wait before try number `attempt` (from 1; the first does not wait)."""
        if attempt < 2:
            return 0.0
        doublings = min(attempt - 2, 64)  # beyond that the cap has long been reached
        return min(self.wait * 2.0**doublings, max(self.wait, _LONGEST_WAIT))

    def applies(self, error: BaseException) -> bool:
        """Whether `error` is worth another try.

        What says itself that trying again may help, or cannot, is believed; a ConnectorError that cannot is tried
        again only when `on` names ConnectorError or a kind of it. A timeout of the step counts as TimeoutError. A
        group of errors is worth another try when each of them is, or when `on` names a kind of group.
        """
        kinds = _kinds(self.on)
        if isinstance(error, BaseExceptionGroup):
            named = any(issubclass(kind, BaseExceptionGroup) for kind in kinds)
            return (named and isinstance(error, kinds)) or all(map(self.applies, error.exceptions))
        if isinstance(error, PermanentError | RetryableError):
            return isinstance(error, RetryableError)
        if isinstance(error, ConnectorError) and not error.retryable:
            kinds = tuple(kind for kind in kinds if issubclass(kind, ConnectorError))
        if isinstance(error, StepTimeout):
            return any(issubclass(TimeoutError, kind) or issubclass(StepTimeout, kind) for kind in kinds)
        return isinstance(error, kinds)


class Source(Protocol):
    """The module a step was written in."""

    @property
    def path(self) -> pathlib.Path:
        """The file."""

    @property
    def shown(self) -> str:
        """The file's name in messages: its path from the workspace on."""

    @property
    def text(self) -> str:
        """What the file held when it was loaded."""

    @property
    def docstring(self) -> str | None:
        """The module's docstring."""

    def place(self, name: str, path: Path = ()) -> str:
        """`file:line` of where the module gives `name` its value, as near to `path` inside it as can be seen."""


@dataclass(frozen=True, slots=True, init=False, eq=False, repr=False)
class Step:
    """A condition over a task's document, and the content that runs when it holds.

    `parameters`: what content asks for, in its order. `summary`: the first line of the docstring, or "". `code`: a
    fingerprint of the source text. `timeout`: seconds. Raises StepError naming the step or its file and line.
    """

    name: str
    condition: Condition
    content: Callable[..., Any]
    priority: int
    retry: Retry | None
    timeout: float | None
    enabled: bool
    rearm: str
    withdraw: bool
    source: Source | None
    parameters: tuple[str, ...]
    is_async: bool
    summary: str
    code: str

    def __init__(
        self,
        name: str,
        condition: dict[str, Any],
        content: Callable[..., Any],
        *,
        priority: int = 0,
        retry: Retry | None = None,
        timeout: float | None = None,
        enabled: bool = True,
        rearm: str = "edge",
        withdraw: bool = False,
        source: Source | None = None,
    ) -> None:
        given = {
            "name": name,
            "priority": priority,
            "retry": retry,
            "timeout": timeout,
            "enabled": enabled,
            "rearm": rearm,
            "withdraw": withdraw,
        }
        report = _Report(name, source)
        for option, value in given.items():
            _check_option(option, value, report)
        function = _checked_function(content, report)
        derived = {
            "condition": _compiled(condition, report),
            "content": content,
            "source": source,
            "parameters": _checked_parameters(content, report),
            "is_async": inspect.iscoroutinefunction(content) or inspect.iscoroutinefunction(function),
            "summary": _first_line(source.docstring if source else None) or _first_line(function.__doc__),
            "code": _fingerprint(source.text if source else _text_of(function)),
        }
        for field, value in (given | derived).items():
            object.__setattr__(self, field, value)

    def __repr__(self) -> str:
        return f"Step({self.name!r})"


@dataclass(frozen=True, slots=True)
class _Report:
    """Turns a problem with an option into the error to raise, with its place."""

    name: object
    source: Source | None

    def error(self, option: str, problem: str, hint: str | None = None) -> StepError:
        return StepError(f"{self._place(option)}: {problem}", hint=hint)

    def condition_error(self, error: ConditionError) -> ConditionError:
        place = self._place("condition", error.path)
        return ConditionError(f"{place}: {error}", path=error.path, hint=error.hint)

    def _place(self, option: str, path: Path = ()) -> str:
        return self.source.place(option, path) if self.source else f"step {_show(self.name)}"


def _compiled(pattern: dict[str, Any], report: _Report) -> Condition:
    try:
        return compile_condition(pattern)
    except ConditionError as error:
        raise report.condition_error(error) from None


def _check_option(option: str, value: object, report: _Report) -> None:
    accepts, wanted = _OPTIONS[option]
    if not accepts(value):
        raise report.error(option, f"`{option}` must be {wanted}, got {_show(value)}", _hint(option, value))


def _hint(option: str, value: object) -> str | None:
    if option == "retry" and _is_whole(value):
        return f"write `retry = Retry(times={value})`, with `from aloma_cli import Retry`"
    if option == "rearm" and isinstance(value, str):
        return did_you_mean(value, REARM)
    if option == "name":
        return "spaces and `/` are allowed; a dot would end the name in a path such as $errors.NAME"
    return None


def _checked_function(content: object, report: _Report) -> FunctionType:
    """The Python function behind `content`, which may be wrapped in a partial, a method or a callable object."""
    function: Any = content
    while isinstance(function, functools.partial):
        function = function.func
    if callable(function) and not inspect.isroutine(function) and not inspect.isclass(function):
        function = type(function).__call__
    function = inspect.unwrap(getattr(function, "__func__", function))
    if not inspect.isfunction(function):
        raise report.error("content", f"`content` must be a function, got {_show(content)}")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise report.error("content", "`content` uses `yield`; a step changes `data` and returns")
    return function


def _checked_parameters(content: Callable[..., Any], report: _Report) -> tuple[str, ...]:
    bound = content.keywords if isinstance(content, functools.partial) else {}
    try:
        signature = inspect.signature(content)
    except ValueError as error:  # a partial with more arguments than its function takes
        raise report.error("content", f"`content` cannot be called: {error}") from None
    return tuple(
        name
        for name, parameter in signature.parameters.items()
        if name not in bound and _is_asked_for(parameter, report)
    )


def _is_asked_for(parameter: inspect.Parameter, report: _Report) -> bool:
    """Whether content is to be given `parameter`; not so when it has a default and a name of its own."""
    known = ", ".join(PARAMETERS)
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
        problem = f"`content` must say by name what it asks for, and `{parameter}` is no name"
        if parameter.kind is parameter.POSITIONAL_ONLY:
            problem = f"`content` gets what it asks for by name, and `{parameter.name}` is positional-only"
        raise report.error("content", problem, f"it may ask for {known}")
    if parameter.name in PARAMETERS:
        return True
    if parameter.default is parameter.empty:
        problem = f"`content` asks for `{parameter.name}`, which is none of {known}"
        raise report.error("content", problem, did_you_mean(parameter.name, PARAMETERS))
    return False


def _text_of(function: FunctionType) -> str:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):  # typed at a prompt, or made by exec
        code = function.__code__
        return repr((code.co_code, code.co_names, [c for c in code.co_consts if not inspect.iscode(c)]))


def _fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _first_line(docstring: str | None) -> str:
    return docstring.strip().partition("\n")[0].strip() if docstring else ""


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _kinds(on: object) -> tuple[Any, ...]:
    return on if isinstance(on, tuple) else (on,)


def _is_name(value: object) -> bool:
    if not isinstance(value, str):
        return False
    return bool(value) and value == value.strip() and "." not in value and not _CONTROL.search(value)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_catchable(kind: object) -> bool:
    # Any other BaseException ends the firing or the process from outside: it is no failure of the step.
    return isinstance(kind, type) and issubclass(kind, Exception | StepTimeout)


_Check: TypeAlias = "tuple[Callable[[Any], bool], str]"

_OPTIONS: dict[str, _Check] = {
    "name": (_is_name, "a text with no dots, no control characters and no spaces at its ends"),
    "priority": (_is_whole, "a whole number"),
    "retry": (lambda value: value is None or isinstance(value, Retry), "a Retry"),
    "timeout": (lambda value: value is None or is_positive_duration(value), POSITIVE_DURATION),
    "enabled": (lambda value: isinstance(value, bool), "True or False"),
    "rearm": (lambda value: isinstance(value, str) and value in REARM, "'edge' or 'change'"),
    "withdraw": (lambda value: isinstance(value, bool), "True or False"),
}

_RETRY_OPTIONS: dict[str, _Check] = {
    "times": (lambda value: _is_whole(value) and value >= 1, "a whole number of tries from 1"),
    "wait": (is_duration, DURATION),
    "on": (lambda value: all(map(_is_catchable, _kinds(value))), "an exception class or a tuple of them"),
}

OPTIONS = ("condition", "content", *_OPTIONS)
"""The names a step's module may set."""
