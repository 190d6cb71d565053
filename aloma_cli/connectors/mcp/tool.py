"""`connectors.mcp.NAME.tool(...)`: the tools of MCP servers as functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aloma_cli.connectors.base import LIST, Answer, Ask, Call, Effect, Function, Log, plain
from aloma_cli.connectors.mcp.connection import Connection
from aloma_cli.errors import ConnectorError, PermanentError, did_you_mean
from aloma_cli.jsontext import Json, JsonError, JsonObject, cut, dumps, loads

if TYPE_CHECKING:
    from aloma_cli.connectors.mcp.settings import McpSettings


class McpServer(Mapping[str, Function]):
    """One server as a connector. Its tools are known only once it is connected, so it has a function of any name."""

    def __init__(self, settings: McpSettings) -> None:
        self._settings = settings
        self._connection = Connection(settings)

    def __getitem__(self, name: str) -> McpFunction:
        return McpFunction(self._settings, self._connection, name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    async def names(self, ask: Ask) -> list[str]:
        """The names of its tools, recorded. Raises ConnectorError if it cannot be reached."""
        return list(await _list_tools(self._settings, self._connection, ask))

    async def aclose(self) -> None:
        """Close the connection, and end a server that was started."""
        await self._connection.aclose()


class McpFunction(Function):
    """One tool; its arguments are given by name."""

    def __init__(self, settings: McpSettings, connection: Connection, tool: str) -> None:
        self._settings = settings
        self._connection = connection
        self._tool = tool
        self._name = f"mcp.{settings.name}.{tool}"
        self._hints: JsonObject = {}

    async def __call__(self, ask: Ask, /, **arguments: Any) -> Json:
        """What the tool answered: its structured content; else its text; else its list of contents.

        Raises PermanentError if the server has no such tool, ConnectorError if the tool reports an error.
        """
        result = await ask({name: plain(self._name, name, value) for name, value in arguments.items()})
        return read_result(self._name, result)

    def described(self, name: str) -> None:  # noqa: ARG002  (only the server knows)
        return None

    async def asked(self, ask: Ask) -> tuple[str, JsonObject]:
        tools = await _list_tools(self._settings, self._connection, ask)
        self._check_tool(tools)
        return tools[self._tool].get("description") or "", tools[self._tool]["inputSchema"]

    async def ready(self, log: Log) -> None:
        with suppress(ConnectorError):  # `send` meets the same, and its error is on record
            self._hints = (await self._connection.tools(log)).get(self._tool, {}).get("annotations") or {}

    def effect(self, arguments: JsonObject) -> Effect:  # noqa: ARG002  (one for all)
        """What `effects` in aloma.yaml says, else the annotations of the server, else `once`."""
        hints = self._hints
        said: Effect = "read" if hints.get("readOnlyHint") else "idempotent" if hints.get("idempotentHint") else "once"
        return self._settings.effects.get(self._tool, said)

    async def send(self, call: Call) -> Answer:
        self._check_tool(await self._connection.tools(call.log))
        result = await self._connection.call(self._tool, call.arguments, call.log)
        size = len(dumps(result))
        if size > self._settings.max_answer:
            raise ConnectorError(
                f"{self._name}: the answer is larger than {self._settings.max_answer / 1e6:g} MB",
                hint="raise `limits.max_answer_mb` in aloma.yaml, or ask for less",
            )
        return Answer(result, about={"provider": f"mcp.{self._settings.name}"})

    def _check_tool(self, tools: Mapping[str, JsonObject]) -> None:
        if self._tool not in tools:
            hint = did_you_mean(self._tool, tools) or f"use one of: {', '.join(sorted(tools))}"
            raise PermanentError(f"the MCP server {self._settings.name} has no tool {self._tool!r}", hint=hint)


async def _list_tools(settings: McpSettings, connection: Connection, ask: Ask) -> dict[str, JsonObject]:
    """The tools by name, as recorded: a repeated firing offers its model the same ones."""
    listed: list[JsonObject] = await ask.call(f"mcp.{settings.name}.{LIST}", _ListTools(connection), {})
    return {tool["name"]: tool for tool in listed}


class _ListTools(Function):
    """The list of a server's tools, as the protocol writes it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def __call__(self, ask: Ask, /) -> Json:
        return await ask({})

    def effect(self, arguments: JsonObject) -> Effect:  # noqa: ARG002  (it only reads)
        return "read"

    async def send(self, call: Call) -> Answer:
        return Answer(list((await self._connection.tools(call.log)).values()))


def read_result(name: str, result: Json) -> Json:
    """The value of a recorded result. Raises ConnectorError if the tool reported an error.

    A person who settles a call gives the value itself.
    """
    contents = result.get("content") if isinstance(result, dict) else None
    if not isinstance(contents, list) or not all(isinstance(one, dict) for one in contents):
        return result
    texts = [one["text"] for one in contents if one.get("type") == "text"]
    if result.get("isError"):
        raise ConnectorError(f"{name}: {cut(' '.join(texts) or 'the tool failed', 500)}")
    value = "\n".join(texts) if len(texts) == len(contents) else contents
    structured = result.get("structuredContent")
    if structured is None:
        return value
    # The protocol wants an object, so libraries put any other value under this key. Their text has the value alone.
    wrapped = structured.keys() == {"result"} and not (isinstance(value, str) and _is_json_of(structured, value))
    return structured["result"] if wrapped else structured


def _is_json_of(value: JsonObject, text: str) -> bool:
    try:
        return bool(loads(text) == value)
    except JsonError:
        return False
