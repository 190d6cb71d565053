"""Connectors: how steps reach models and other systems.

Here are the markers of shapes, which authors of steps write, the types of the border, and `open_connectors`, which
makes the connectors of a run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aloma_cli.connectors.base import Answer, Ask, Call, Connector, Connectors, Function
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.connectors.shape import Integer, List, Number, Optional, Text, to_schema

if TYPE_CHECKING:
    from aloma_cli.connectors.all import open_connectors

__all__ = [
    "Answer",
    "Ask",
    "Call",
    "Connector",
    "Connectors",
    "Function",
    "Integer",
    "List",
    "ModelSettings",
    "Number",
    "Optional",
    "Text",
    "open_connectors",
    "to_schema",
]


def __getattr__(name: str) -> Any:
    # Loading a step, or the settings, must not load every connector.
    if name == "open_connectors":
        from aloma_cli.connectors.all import open_connectors

        return open_connectors
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
