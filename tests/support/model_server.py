"""A model server on loopback that does what a test tells it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

Json = Any


@dataclass
class Request:
    """What arrived. `path` with its query, `body` parsed; None for a GET."""

    method: str
    path: str
    headers: dict[str, str]
    body: Json = None

    @property
    def key(self) -> str | None:
        return self.headers.get("authorization")


@dataclass
class Reply:
    """What is sent back; a `body` that is not a text is sent as JSON."""

    body: Json
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def said(content: str | None, **message: Json) -> Reply:
    """A chat completion."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content, **message}}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    return Reply({"object": "chat.completion", "model": "tiny", "choices": [choice], "usage": usage})


def refusal(status: int, message: str, **error: Json) -> Reply:
    """An error in the OpenAI form."""
    return Reply({"error": {"message": message, **error}}, status)


class ModelServer(ThreadingHTTPServer):
    """`answer` makes the replies to POST; GET /v1/models lists `models`, unless `get` says otherwise."""

    daemon_threads = True
    request_queue_size = 200

    def __init__(self, answer: Callable[[Request], Reply]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.models = ["tiny"]
        self.get: Callable[[Request], Reply] = lambda _: Reply({"data": [{"id": name} for name in self.models]})
        self.seen: list[Request] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    @property
    def posts(self) -> list[Request]:
        return [request for request in self.seen if request.method == "POST"]


class _Handler(BaseHTTPRequestHandler):
    server: ModelServer

    def do_GET(self) -> None:
        self._reply(Request("GET", self.path, self._headers()))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self._reply(Request("POST", self.path, self._headers(), body))

    def _headers(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers.items()}

    def _reply(self, request: Request) -> None:
        self.server.seen.append(request)
        reply = self.server.answer(request) if request.method == "POST" else self.server.get(request)
        text = isinstance(reply.body, str)
        content = reply.body.encode() if text else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(content)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing goes to stderr."""


@contextmanager
def model_server(answer: Callable[[Request], Reply]) -> Iterator[ModelServer]:
    server = ModelServer(answer)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
