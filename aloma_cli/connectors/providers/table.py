"""The table of providers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aloma_cli.connectors.providers import openai

if TYPE_CHECKING:
    from aloma_cli.connectors.providers.base import Provider

PROVIDERS: Mapping[str, Provider] = {"openai": openai}
"""By the name of the connector."""

BUILT_IN = (*PROVIDERS, "http", "mcp")
"""The names of the connectors that every workspace has."""


def key_variables() -> tuple[str, ...]:
    """The environment variables for their keys."""
    return tuple(provider.KEY_VARIABLE for provider in PROVIDERS.values())
