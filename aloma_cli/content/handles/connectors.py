"""`connectors`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from aloma_cli.connectors.base import Ask, Connector, Connectors, Function
from aloma_cli.errors import PermanentError, did_you_mean

if TYPE_CHECKING:
    from aloma_cli.connectors.chat.tools.tool import Tool

MakeCall = Callable[..., Any]
"""Takes `connector.function`, the Function and its arguments; returns the result, or in an `async def` an awaitable."""


class ConnectorsHandle:
    """`connectors`: `connectors.NAME.function(...)`; awaitable, or blocking for a plain `def`."""

    def __init__(self, connectors: Connectors, call: MakeCall) -> None:
        self._connectors = connectors
        self._call = call

    def __getattr__(self, name: str) -> ConnectorHandle | ConnectorGroup:
        if name not in self._connectors and any(key.startswith(f"{name}.") for key in self._connectors):
            return ConnectorGroup(name, self._connectors, self._call)
        missing = f"there is no connector {name!r}", f", or write connectors/{name}.py"
        return ConnectorHandle(name, _lookup(self._connectors, name, *missing), self._call)


class ConnectorGroup:
    """Connectors with a common first name, such as the MCP servers: `connectors.mcp.NAME`."""

    def __init__(self, name: str, connectors: Connectors, call: MakeCall) -> None:
        self._name = name
        begin = f"{name}."
        self._members = {key.removeprefix(begin): one for key, one in connectors.items() if key.startswith(begin)}
        self._call = call

    def __getattr__(self, name: str) -> ConnectorHandle:
        members = _lookup(self._members, name, f"there is no connector '{self._name}.{name}'")
        return ConnectorHandle(f"{self._name}.{name}", members, self._call)


class ConnectorHandle:
    """One connector: its functions as attributes."""

    def __init__(self, name: str, connector: Connector, call: MakeCall) -> None:
        self._name = name
        self._connector = connector
        self._call = call

    async def as_tools(self, ask: Ask) -> list[BoundFunction]:
        """Its functions, as tools for a model."""
        connector: Any = self._connector
        names = await connector.names(ask) if hasattr(connector, "names") else sorted(connector)
        return [getattr(self, name) for name in names]

    def __getattr__(self, name: str) -> BoundFunction:
        function: Function = _lookup(self._connector, name, f"connectors.{self._name} has no function {name!r}")
        return BoundFunction(f"{self._name}.{name}", function, self._call)


class BoundFunction:
    """`connectors.NAME.function`: to be called, or given to a model as a tool."""

    def __init__(self, name: str, function: Function, call: MakeCall) -> None:
        self._name = name
        self._function = function
        self._call = call

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self._call(self._name, self._function, *arguments, **options)

    def as_tool(self) -> Tool:
        """As `Tool.of`."""
        from aloma_cli.connectors.chat.tools.tool import Tool

        return Tool.of(self._name, self._function)


def _lookup(table: Mapping[str, Any], name: str, missing: str, cure: str = "") -> Any:
    try:
        return table[name]
    except KeyError:
        hint = did_you_mean(name, table) or f"use one of: {', '.join(sorted(table))}{cure}"
        raise PermanentError(missing, hint=hint) from None
