"""100 agents, each a task of its own, at a model server that takes 5 calls at a time and 60 a minute.

busy.py [time | calls]: the time that they take, in units of the shortest possible time; the calls sent for each answer.
The server is a process of its own on loopback. It answers in a second, and its minute has 60: the scale is 1 to 10.
A call that comes too early is refused with `Retry-After` (in milliseconds, since time is scaled).
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from measure import tell

from aloma_cli import Step, Workspace
from aloma_cli.connectors.settings import ModelSettings

AGENTS, AT_ONCE, A_MINUTE = 100, 5, 60
SECOND = 1 / 10
MINUTE = 60 * SECOND
BEST = MINUTE + (AGENTS - A_MINUTE) / AT_ONCE * SECOND
"""60 calls in the first 12 s, and from the second minute on the other 40, five at a time."""

ANSWER = {"choices": [{"message": {"role": "assistant", "content": "yes"}}]}


async def serve() -> None:
    """Print the port, then answer forever; a GET is answered with the number of calls and of refusals."""
    accepted: deque[float] = deque(maxlen=A_MINUTE)
    counts = {"calls": 0, "refused": 0, "under way": 0}

    def wait() -> float:
        full = len(accepted) == A_MINUTE
        return max(0.0, accepted[0] + MINUTE - time.monotonic()) if full else 0.0

    async def reply(body: bytes) -> tuple[str, Any]:
        counts["calls"] += 1
        if wait() or counts["under way"] >= AT_ONCE:
            counts["refused"] += 1
            return f"429 Busy\r\nRetry-After-Ms: {wait() * 1000:.0f}" if wait() else "429 Busy", {}
        accepted.append(time.monotonic())
        counts["under way"] += 1
        await asyncio.sleep(SECOND)
        counts["under way"] -= 1
        return "200 OK", ANSWER

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := (await reader.readuntil(b"\r\n\r\n")).lower():
            length = int(head.partition(b"content-length:")[2].split(b"\r", 1)[0] or 0)
            body = await reader.readexactly(length)
            status, value = await reply(body) if head.startswith(b"post") else ("200 OK", counts)
            content = json.dumps(value).encode()
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content)

    async def until_closed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handle(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(until_closed, "127.0.0.1", 0, backlog=AGENTS)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def content(data: dict[str, Any], connectors: Any) -> None:
    data["said"] = (await connectors.openai.chat(messages="Hi", model="m")).data


AGENT = Step("agent", {"go": True, "said": None}, content)


async def measure(url: str) -> float:
    workspace = Workspace([AGENT], models=ModelSettings(base_url=url))
    await workspace.run("warm up", {"go": True})  # the first call imports the client
    await asyncio.sleep(MINUTE)
    started = time.perf_counter()
    tasks = await asyncio.gather(*(workspace.run(f"agent {number}", {"go": True}) for number in range(AGENTS)))
    seconds = time.perf_counter() - started
    assert all(task.state == "done" and task.data["said"] == "yes" for task in tasks)
    return seconds


def calls(url: str) -> int:
    from urllib.request import urlopen

    with urlopen(url) as answer:
        return int(json.load(answer)["calls"]) - 1


def main() -> None:
    what = sys.argv[1] if len(sys.argv) > 1 else "time"
    if what == "serve":
        asyncio.run(serve())
    server = subprocess.Popen([sys.executable, __file__, "serve"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"
        seconds = asyncio.run(measure(url))
        tell(seconds / BEST if what == "time" else calls(url) / AGENTS)
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main()
