"""A model server on loopback that streams its answers, and breaks them on request."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from aloma_cli.jsontext import JsonObject

DONE = b"data: [DONE]\n\n"


def event(value: object) -> bytes:
    """One server-sent event with this JSON."""
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n".encode()


def chunk(delta: JsonObject | None = None, finish: str | None = None, **more: Any) -> JsonObject:
    """A part of a completion."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m-1", "choices": choices, **more}


def spoken(*words: str, finish: str | None = "stop", usage: bool = True) -> list[bytes]:
    """The events of an answer that consists of these words."""
    events = [event(chunk({"role": "assistant", "content": ""})), *(event(chunk({"content": word})) for word in words)]
    events += [event(chunk({}, finish))] if finish else []
    counted = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    return [*events, *([event(chunk(usage=counted))] if usage else [])]


@dataclass(frozen=True)
class Reply:
    """What the server sends: `parts` one by one, with `pause` seconds before each.

    `end`: close (as HTTP wants it), cut (the connection closes before the last chunk), reset, hold (it stays open).
    """

    parts: Sequence[bytes]
    status: int = 200
    kind: str = "text/event-stream"
    pause: float = 0.0
    end: str = "close"


def refusal(message: str, status: int = 400) -> Reply:
    return Reply([json.dumps({"error": {"message": message}}).encode()], status, "application/json")


@dataclass
class StreamServer:
    """Answers with the `replies` in turn, the last one repeating.

    `bodies` and `keys` are those of the requests, `ports` those of the connections that they came by.
    """

    replies: list[Reply] = field(default_factory=list)
    bodies: list[JsonObject] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def answers(self, *replies: Reply) -> None:
        self.replies = list(replies)

    def next_reply(self) -> Reply:
        return self.replies[min(len(self.bodies), len(self.replies)) - 1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: StreamServer
    released: threading.Event

    def do_POST(self) -> None:
        self.script.bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.script.ports.append(self.client_address[1])
        self.script.keys.append(self.headers["idempotency-key"])
        reply = self.script.next_reply()
        self.send_response(reply.status)
        self.send_header("content-type", reply.kind)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        try:
            self._send(reply)
        except OSError:  # the other side has left
            self.close_connection = True

    def _send(self, reply: Reply) -> None:
        for part in reply.parts:
            time.sleep(reply.pause)
            self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
        if reply.end == "close":
            self.wfile.write(b"0\r\n\r\n")
            return
        self.close_connection = True
        if reply.end == "hold":
            self.released.wait(20)
        elif reply.end == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def streams() -> Iterator[StreamServer]:
    """The server; tell it what to send by `answers`."""
    script, released = StreamServer(), threading.Event()
    handler = type("Handler", (_Handler,), {"script": script, "released": released})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    script.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield script
    released.set()
    server.shutdown()
    thread.join()
    server.server_close()
