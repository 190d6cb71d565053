"""A client that writes requests byte for byte, for servers in the same event loop."""

from __future__ import annotations

import asyncio
from typing import NamedTuple
from urllib.parse import urlsplit

from aloma_cli.jsontext import Json, loads


class Answered(NamedTuple):
    """`headers`: by their names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        return loads(self.body)


async def ask(url: str, method: str = "GET", body: bytes = b"", **headers: str) -> Answered:
    """One request on a connection of its own; `_` in the name of a header stands for `-`."""
    parts = urlsplit(url)
    given = {"host": parts.netloc, "content-length": str(len(body)), "connection": "close"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return await send(url, f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)


async def send(url: str, request: bytes) -> Answered:
    """Send these bytes, and read until the server closes the connection; status 0 if it sent nothing."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(request)
        return _answered(await reader.read())
    finally:
        writer.close()


def _answered(received: bytes) -> Answered:
    head, _, body = received.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    return Answered(int(status.split()[1]) if status else 0, {name.lower(): value for name, _, value in pairs}, body)
