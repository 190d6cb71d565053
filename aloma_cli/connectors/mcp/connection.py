"""The connection to one MCP server: opened at the first call, and again at the first call after it broke."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Self

from aloma_cli.connectors.address import shown
from aloma_cli.connectors.base import Log
from aloma_cli.errors import ConnectorError
from aloma_cli.extras import extra
from aloma_cli.jsontext import JsonObject, cut
from aloma_cli.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp import Client
    from pydantic import BaseModel

    from aloma_cli.connectors.mcp.settings import McpSettings

_LINE = 2_000
"""Characters of one line of stderr; longer ones are broken."""

_LAST_LINES = 20
_SOON, _LOOKS = 0.1, 10
"""Seconds until the last words of a server are looked for, and how often they are if there are none."""

_PAGES = 100


class Connection:
    """A task of its own keeps the connection, because the library closes it only in the task that opened it."""

    def __init__(self, settings: McpSettings) -> None:
        self._settings = settings
        self._opening = asyncio.Lock()
        self._kept: _Kept | None = None
        self._listening: list[Log] = []
        self._heard: deque[str] = deque(maxlen=_LAST_LINES)
        self._unread: deque[str] = deque(maxlen=_LAST_LINES)

    async def tools(self, log: Log) -> dict[str, JsonObject]:
        """The server's tools by name, as the protocol writes them. Raises ConnectorError if it cannot be reached."""
        with self._hearing(log):
            return (await self._connected()).tools

    async def call(self, tool: str, arguments: JsonObject, log: Log) -> JsonObject:
        """The result of a tool, as the protocol writes it: `content`, `structuredContent`, `isError`.

        Raises ConnectorError; `unanswered` unless nothing was sent, or the server refused.
        """
        with self._hearing(log):
            kept = await self._connected()
            return await self._call_on(kept, tool, arguments)

    async def aclose(self) -> None:
        """Close the connection, and end a server that was started."""
        if self._kept is not None:
            await self._kept.close()

    async def _connected(self) -> _Kept:
        async with self._opening:
            if self._kept is None or self._kept.is_broken:
                await self.aclose()
                self._kept = _Kept(self._settings, self._hear)
                try:
                    await self._kept.open()
                except ConnectorError:  # it says itself what to do
                    raise
                except Exception as error:
                    await self._last_words()
                    verb = f"reached at {shown(self._settings.url)}" if self._settings.url else "started"
                    raise ConnectorError(
                        f"the MCP server {self._settings.name} cannot be {verb}: {_reason(error)}{self._said()}",
                        retryable=True,
                        hint=f"check `mcp.{self._settings.name}` in aloma.yaml",
                    ) from error
            return self._kept

    async def _call_on(self, kept: _Kept, tool: str, arguments: JsonObject) -> JsonObject:
        from mcp import MCPError
        from mcp_types import CONNECTION_CLOSED, REQUEST_TIMEOUT

        name = f"mcp.{self._settings.name}.{tool}"
        try:
            result = await kept.client.call_tool(tool, arguments, read_timeout_seconds=self._settings.timeout)
        except MCPError as error:
            if error.code == CONNECTION_CLOSED:
                await self._last_words()
                raise ConnectorError(
                    f"{name}: the server ended before it answered{self._said()}", retryable=True, unanswered=True
                ) from error
            if error.code == REQUEST_TIMEOUT:
                raise ConnectorError(
                    f"{name}: no answer within {self._settings.timeout:g} s", retryable=True, unanswered=True
                ) from error
            raise ConnectorError(f"{name}: {cut(error.message, 500)}") from error
        except ValueError as error:
            raise ConnectorError(
                f"{name}: the answer is not valid MCP: {cut(str(error), 300)}", unanswered=True
            ) from error
        return _plain_model(result)

    @contextmanager
    def _hearing(self, log: Log) -> Iterator[None]:
        for line in self._unread:
            log(line)
        self._unread.clear()
        self._listening.append(log)
        try:
            yield
        finally:
            self._listening.remove(log)

    def _hear(self, line: str) -> None:
        """A line of stderr goes to the first call under way; without one it waits for the next call."""
        self._heard.append(line)
        named = f"mcp.{self._settings.name}: {line}"
        if self._listening:
            self._listening[0](named)
        else:
            self._unread.append(named)

    async def _last_words(self) -> None:
        """Wait for what a server wrote to stderr before it ended, because that comes through another pipe."""
        await asyncio.sleep(_SOON)
        for _ in range(_LOOKS):
            if self._heard or self._settings.url:
                return
            await asyncio.sleep(_SOON)

    def _said(self) -> str:
        return f"; it said: {cut(' / '.join(self._heard)[-300:], 300)}" if self._heard else ""


class _Kept:
    """One connection, while it lasts."""

    client: Client
    tools: dict[str, JsonObject]

    def __init__(self, settings: McpSettings, hear: Log) -> None:
        self._settings = settings
        self._hear = hear
        self._end = asyncio.Event()
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_broken(self) -> bool:
        return self._end.is_set() or self._task is None or self._task.done()

    async def open(self) -> None:
        """Connect, and list the tools. Raises what the library raises, and OSError."""
        self._task = asyncio.create_task(self._keep_open(), name=f"mcp {self._settings.name}")
        try:
            async with asyncio.timeout(self._settings.timeout):
                await asyncio.shield(self._opened)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        self._end.set()
        if self._task is not None:
            if not self._opened.done():
                self._task.cancel()
            await asyncio.wait([self._task])

    async def _keep_open(self) -> None:
        try:
            async with AsyncExitStack() as stack:
                self.client = await stack.enter_async_context(await self._client(stack))
                self.tools = await _list_tools(self.client)
                self._opened.set_result(None)
                await self._end.wait()
        except Exception as error:  # noqa: BLE001  (calls under way get their own error)
            if not self._opened.done():
                self._opened.set_exception(error)
        finally:
            self._end.set()
            self._opened.cancel()

    async def _client(self, stack: AsyncExitStack) -> Client:
        mcp = await in_thread(_library, name="importing mcp")
        transport = await self._transport(stack)
        streams = _watched(transport, self._end)
        client: Client = mcp.Client(streams, read_timeout_seconds=self._settings.timeout, cache=None)
        return client

    async def _transport(self, stack: AsyncExitStack) -> Any:
        from mcp.client.stdio import StdioServerParameters, stdio_client
        from mcp.client.streamable_http import streamable_http_client

        settings = self._settings
        if settings.url is not None:
            import httpx2

            # Because a stream of notifications is open as long as the connection, only calls have a timeout.
            timeout = httpx2.Timeout(settings.timeout, read=None)
            http = await stack.enter_async_context(httpx2.AsyncClient(headers=settings.headers, timeout=timeout))
            return streamable_http_client(settings.url, http_client=http)
        errors = stack.enter_context(_line_pipe(self._hear))
        process = StdioServerParameters(
            command=settings.command[0],
            args=list(settings.command[1:]),
            env=dict(settings.environment),
            cwd=settings.cwd,
            encoding_error_handler="replace",
        )
        return stdio_client(process, errlog=errors)


def _library() -> Any:
    with extra("mcp", "the MCP client", ConnectorError):
        import mcp
    # What it logs without a handler would go to stderr; the errors it raises say the same.
    logging.getLogger("mcp").addHandler(logging.NullHandler())
    return mcp


def _plain_model(model: BaseModel) -> JsonObject:
    return model.model_dump(by_alias=True, exclude_none=True, mode="json")


async def _list_tools(client: Client) -> dict[str, JsonObject]:
    tools: dict[str, JsonObject] = {}
    cursor = None
    for _ in range(_PAGES):
        page = await client.list_tools(cursor=cursor)
        tools.update({tool.name: _plain_model(tool) for tool in page.tools})
        cursor = page.next_cursor
        if not cursor:
            break
    return tools


@asynccontextmanager
async def _watched(transport: Any, ended: asyncio.Event) -> AsyncIterator[Any]:
    """The streams of `transport`; `ended` is set when nothing more can come."""
    async with transport as (incoming, outgoing):
        yield _Watched(incoming, ended), outgoing


class _Watched:
    """A stream of messages."""

    def __init__(self, stream: Any, ended: asyncio.Event) -> None:
        self._stream = stream
        self._ended = ended

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *reason: object) -> None:
        self._ended.set()
        await self._stream.__aexit__(*reason)

    def __aiter__(self) -> _Watched:
        return self

    async def __anext__(self) -> Any:
        try:
            return await self._stream.__anext__()
        except BaseException:
            self._ended.set()
            raise

    async def receive(self) -> Any:
        return await self._stream.receive()

    async def aclose(self) -> None:
        await self._stream.aclose()


@contextmanager
def _line_pipe(hear: Log) -> Iterator[Any]:
    """A file for a process; `hear` gets each line that it writes."""
    loop = asyncio.get_running_loop()
    reading, writing = os.pipe()

    def read() -> None:
        with os.fdopen(reading, encoding="utf-8", errors="replace") as lines:
            while line := lines.readline(_LINE):
                with suppress(RuntimeError):  # the loop has been closed
                    loop.call_soon_threadsafe(hear, line.rstrip())

    with os.fdopen(writing, "w") as file:
        threading.Thread(target=read, name="stderr of an MCP server", daemon=True).start()
        yield file


def _reason(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return cut(str(error) or type(error).__name__, 300)
