"""The Python function that is a step's content: whether it can be one, and what it asks for."""

from __future__ import annotations

import functools
import hashlib
import inspect
from opcode import opmap
from typing import TYPE_CHECKING, Any

from aloma_cli.content.report import Report, shown
from aloma_cli.errors import did_you_mean
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FunctionType
    from typing import Self

    from aloma_cli.content.source import Source

PARAMETERS = ("data", "task", "step", "connectors", "lib", "config", "log", "now")
"""What `content` may ask for, by the names of its parameters."""

_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True, slots=True)
class StepFunction:
    """The content of the step named `step`.

    `parameters`: what it asks for, in its order. `on_loop`, `waits`: as in Content. `summary`: the first line of the
    docstring, or "". `fingerprint`: of the source text.
    """

    step: str
    function: Callable[..., Any]
    source: Source | None
    parameters: tuple[str, ...]
    is_async: bool
    on_loop: bool
    waits: bool
    summary: str
    fingerprint: str

    @classmethod
    def of(cls, content: Callable[..., Any], step: str, source: Source | None) -> Self:
        """`content`, checked. Raises StepError."""
        report = Report(step, source)
        function = _checked_function(content, report)
        parameters = _checked_parameters(content, report)
        is_async = inspect.iscoroutinefunction(content) or inspect.iscoroutinefunction(function)
        text = source.text if source else _text_of(function)
        docstring = (source.docstring if source else None) or function.__doc__ or ""
        return cls(
            step=step,
            function=content,
            source=source,
            parameters=parameters,
            is_async=is_async,
            on_loop=is_async or "connectors" in parameters,
            waits=not is_async or content is not function or _has_await(function),
            summary=docstring.strip().partition("\n")[0].strip(),
            fingerprint=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16],
        )


def _checked_function(content: object, report: Report) -> FunctionType:
    """The Python function behind `content`, which may be wrapped in a partial, a method or a callable object."""
    function: Any = content
    while isinstance(function, functools.partial):
        function = function.func
    if callable(function) and not inspect.isroutine(function) and not inspect.isclass(function):
        function = type(function).__call__
    function = inspect.unwrap(getattr(function, "__func__", function))
    if not inspect.isfunction(function):
        raise report.error("content", f"`content` must be a function, got {shown(content)}")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise report.error("content", "`content` uses `yield`; a step changes `data` and returns")
    return function


def _checked_parameters(content: Callable[..., Any], report: Report) -> tuple[str, ...]:
    bound = content.keywords if isinstance(content, functools.partial) else {}
    try:
        signature = inspect.signature(content)
    except ValueError as error:  # a partial with more arguments than its function takes
        raise report.error("content", f"`content` cannot be called: {error}") from None
    free = [parameter for name, parameter in signature.parameters.items() if name not in bound]
    for parameter in free:
        if parameter.name not in PARAMETERS or parameter.kind not in _BY_NAME:
            _refuse_without_default(parameter, report)
    return tuple(parameter.name for parameter in free if parameter.name in PARAMETERS)


def _refuse_without_default(parameter: inspect.Parameter, report: Report) -> None:
    """Raise StepError for a parameter that is neither known nor keeps its default."""
    known = ", ".join(PARAMETERS)
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
        problem = f"`content` takes its arguments by name; {parameter} is not supported"
        if parameter.kind is parameter.POSITIONAL_ONLY:
            problem = f"`content` takes its arguments by name; `{parameter.name}` is positional-only"
        raise report.error("content", problem, f"use any of {known}")
    if parameter.default is parameter.empty:
        problem = f"`content` has an unknown parameter `{parameter.name}`; known are {known}"
        raise report.error("content", problem, did_you_mean(parameter.name, PARAMETERS))


def _has_await(function: FunctionType) -> bool:
    """Whether an `async def` waits: `await`, `async for` and `async with` all compile to one instruction."""
    return opmap["SEND"] in function.__code__.co_code[::2]


def _text_of(function: FunctionType) -> str:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):  # typed at a prompt, or made by exec
        code = function.__code__
        return repr((code.co_code, code.co_names, [c for c in code.co_consts if not inspect.iscode(c)]))
