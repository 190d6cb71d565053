"""Steps and connectors in one line each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import ModuleType
from typing import Any

from aloma_cli.connectors.base import Connectors
from aloma_cli.connectors.workspace import module_connector
from aloma_cli.content.python import PythonContent
from aloma_cli.content.step import Step

Content = Callable[..., Any]


def step(name: str, condition: dict[str, Any], content: Content, **options: Any) -> Step:
    """A step."""
    return Step(name, condition, content, **options)


def python(made: Step) -> PythonContent:
    """The content of a step that is written in Python."""
    assert isinstance(made.content, PythonContent)
    return made.content


def puts(_after: float | None = None, /, **values: Any) -> Content:
    """Content that sets fields of the document to `values`, after some seconds."""

    async def content(data: dict[str, Any]) -> None:
        if _after is not None:
            await asyncio.sleep(_after)
        data.update(values)

    return content


def does(change: Callable[[dict[str, Any]], object]) -> Content:
    """Content that calls `change` with the document."""

    async def content(data: dict[str, Any]) -> None:
        change(data)

    return content


def raises(error: BaseException) -> Content:
    """Content that raises."""

    async def content() -> None:
        raise error

    return content


async def looks() -> None:
    """Content that leaves no trace."""


def connector(name: str, **functions: Content) -> ModuleType:
    """The module of a connector with these functions, for a Workspace."""
    module = ModuleType(name)
    for function_name, function in functions.items():
        function.__module__ = name
        setattr(module, function_name, function)
    return module


def connectors(*modules: ModuleType) -> Connectors:
    """The table of connectors that a run is given."""
    return Connectors({module.__name__: module_connector(module.__name__, module) for module in modules})
