"""aimock: a server of somebody else's that speaks OpenAI's protocol and fails as asked."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.servers.process import free_port, missing, running

KEY = "sk-aimock-test-key"

_ENTRY = Path(__file__).parents[2] / ".e2e/node_modules/@copilotkit/aimock/dist/cli.js"


@dataclass(frozen=True)
class Aimock:
    """`base_url` and `key` are what an OpenAI client wants."""

    url: str
    key: str = KEY

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def answer(self, content: str | dict[str, Any], *, to: str = "", turn: int | None = None, **overrides: Any) -> None:
        """Answer prompts that contain the text `to`, in this `turn` (from 0), with `content`; the first that fits wins.

        `overrides`: `finishReason`, `model`, `usage`.
        """
        text = content if isinstance(content, str) else json.dumps(content)
        match = ({"userMessage": to} if to else {}) | ({} if turn is None else {"turnIndex": turn})
        self._add(match, {"content": text, **overrides})

    def call(self, *asked: tuple[str, dict[str, Any]], turn: int = 0) -> None:
        """Call tools in this turn (from 0): each a name with arguments."""
        calls = [{"name": name, "arguments": arguments} for name, arguments in asked]
        self._add({"turnIndex": turn}, {"toolCalls": calls})

    def fail(self, status: int, message: str, *, to: str = "", **details: Any) -> None:
        """Answer with an error. `details`: `retry_after` (seconds), and fields of the error's body."""
        retry_after = details.pop("retry_after", None)
        response = {"error": {"message": message, **details}, "status": status}
        if retry_after is not None:
            response["retryAfter"] = retry_after
        self._add({"userMessage": to} if to else {}, response)

    def fail_once(self, status: int, message: str) -> None:
        """Answer the next request with an error."""
        self._control("POST", "/error", {"status": status, "body": {"message": message}})

    def fault(self, **rates: float) -> None:
        """`dropRate`, `malformedRate`, `disconnectRate`, `rateLimitRate` (0 to 1), `latencyMs`."""
        self._control("POST", "/chaos", rates)

    def journal(self) -> list[dict[str, Any]]:
        """The requests received: `body` (with a model and messages), `headers`, `response.status`, …."""
        requests: list[dict[str, Any]] = self._control("GET", "/journal")
        return requests

    def reset(self) -> None:
        """Forget answers, faults and the journal."""
        self._control("POST", "/reset", {})
        self._control("DELETE", "/chaos")

    def _add(self, match: dict[str, Any], response: dict[str, Any]) -> None:
        self._control("POST", "/fixtures", {"fixtures": [{"match": match, "response": response}]})

    def _control(self, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(  # noqa: S310  (the address is ours)
            f"{self.url}/__aimock{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"},
        )
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310  (the address is ours)
            return json.load(response)


@pytest.fixture(scope="session")
def aimock_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aimock]:
    """One server for all tests; use `aimock`, which starts each test afresh."""
    node = shutil.which("node")
    if node is None or not _ENTRY.exists():
        missing("node" if node is None else "aimock")
    assert node is not None
    folder, port = tmp_path_factory.mktemp("aimock"), free_port()
    (folder / "none.json").write_text('{"fixtures": [{"match": {"userMessage": "-"}, "response": {"content": "-"}}]}')
    command = [node, str(_ENTRY), "-p", str(port), "-f", str(folder), "--strict", "--log-level", "warn"]
    with running(command, f"http://127.0.0.1:{port}/health", folder / "log", {"AIMOCK_API_KEYS": KEY}):
        yield Aimock(f"http://127.0.0.1:{port}")


@pytest.fixture
def aimock(aimock_server: Aimock) -> Aimock:
    """The server, with no answers, no faults and an empty journal."""
    aimock_server.reset()
    return aimock_server
