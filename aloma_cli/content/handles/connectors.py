"""`connectors`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from aloma_cli.connectors.base import Connector, Connectors, Function
from aloma_cli.errors import PermanentError, did_you_mean

MakeCall = Callable[..., Any]
"""Takes `connector.function`, the Function and its arguments; gives the result in a plain `def`, else what to await."""


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


def _lookup(table: Mapping[str, Any], name: str, of: str, kind: str) -> Any:
    try:
        return table[name]
    except KeyError:
        hint = did_you_mean(name, table) or f"use one of: {', '.join(sorted(table))}"
        raise PermanentError(f"{of} has no {kind} {name!r}", hint=hint) from None
