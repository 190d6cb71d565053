"""aloma: data-triggered AI agents on your own machine.

What the author of a step imports; everything is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aloma_cli.api.task import Task
    from aloma_cli.api.workspace import Workspace, run
    from aloma_cli.connectors.chat.attach import attach
    from aloma_cli.connectors.chat.shape import Integer, List, Number, Optional, Text
    from aloma_cli.connectors.chat.tools.tool import tool
    from aloma_cli.connectors.effects import effect
    from aloma_cli.connectors.injected import CallHandle
    from aloma_cli.content.retry import Retry
    from aloma_cli.content.step import Step
    from aloma_cli.errors import ConnectorError, PermanentError, RetryableError

__version__ = "0.1.0"

__all__ = [
    "CallHandle",
    "ConnectorError",
    "Integer",
    "List",
    "Number",
    "Optional",
    "PermanentError",
    "Retry",
    "RetryableError",
    "Step",
    "Task",
    "Text",
    "Workspace",
    "__version__",
    "attach",
    "effect",
    "run",
    "tool",
]

_HOMES = {
    "api.task": ("Task",),
    "api.workspace": ("Workspace", "run"),
    "connectors.chat.attach": ("attach",),
    "connectors.chat.tools.tool": ("tool",),
    "connectors.effects": ("effect",),
    "connectors.injected": ("CallHandle",),
    "connectors.chat.shape": ("Integer", "List", "Number", "Optional", "Text"),
    "errors": ("ConnectorError", "PermanentError", "RetryableError"),
    "content.step": ("Retry", "Step"),
}


def __getattr__(name: str) -> Any:
    # The program's own start must not pay for what only authors of steps import.
    from importlib import import_module

    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
