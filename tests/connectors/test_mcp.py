"""MCP servers: started once, closed cleanly, restarted after they died; what they say is data."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from aloma_cli.connectors.mcp.settings import McpSettings
from aloma_cli.connectors.mcp.tool import McpServer, read_result
from aloma_cli.errors import ConnectorError, PermanentError
from aloma_cli.jsontext import Json, loads
from tests.connectors.support import Recorder, run
from tests.servers.process import free_port

SERVER = Path(__file__).parents[1] / "servers" / "mcp_server.py"


def settings(folder: Path, **more: Any) -> McpSettings:
    return McpSettings("desk", (sys.executable, str(SERVER), str(folder)), **{"timeout": 10.0, **more})


def use(settings: McpSettings, work: Callable[[Recorder, McpServer], Awaitable[Any]]) -> Any:
    """The result of `work` with a recorder and the open server, which is closed afterwards."""

    async def main() -> Any:
        server = McpServer(settings)
        try:
            return await work(Recorder(), server)
        finally:
            await server.aclose()

    return run(main())


def call(folder: Path, tool: str, **arguments: Any) -> Json:
    return use(settings(folder), lambda recorder, server: recorder.call(server[tool], **arguments))


def log(folder: Path) -> list[str]:
    return (folder / "log").read_text().splitlines()


@pytest.mark.parametrize(
    ("tool", "arguments", "value"),
    [
        ("search", {"text": "Ada"}, {"found": "Ada"}),
        ("wrapped", {}, "three"),
        ("mixed", {}, [{"type": "text", "text": "a"}, {"type": "image", "data": "AAAA", "mimeType": "image/png"}]),
        ("garbage", {}, "done"),
    ],
)
def test_a_step_gets_the_structured_answer_else_its_text_else_its_parts(
    tmp_path: Path, tool: str, arguments: dict[str, str], value: Json
) -> None:
    assert call(tmp_path, tool, **arguments) == value


@pytest.mark.parametrize("value", ["by hand", None, 7, ["a"], {"id": 7}, {"content": "x"}, {"content": ["x"]}])
def test_what_a_person_says_of_a_call_is_its_value(value: Json) -> None:
    assert read_result("mcp.desk.send", value) == value


def test_the_whole_answer_is_recorded_before_it_is_read(tmp_path: Path) -> None:
    async def work(recorder: Recorder, server: McpServer) -> None:
        with pytest.raises(ConnectorError, match="no such customer"):
            await recorder.call(server["error"])
        assert recorder.answers[0].value["content"] == [{"type": "text", "text": "no such customer"}]

    use(settings(tmp_path), work)


def test_a_server_is_started_once_and_ends_with_the_run(tmp_path: Path) -> None:
    async def work(recorder: Recorder, server: McpServer) -> None:
        await asyncio.gather(*(recorder.call(server["search"], text=str(i)) for i in range(5)))

    use(settings(tmp_path), work)
    lines = log(tmp_path)
    assert (lines[0], lines.count("start"), lines[-1]) == ("start", 1, "end")


def test_nothing_is_started_for_a_run_that_calls_no_tool(tmp_path: Path) -> None:
    async def work(recorder: Recorder, server: McpServer) -> None:
        pass

    use(settings(tmp_path), work)
    assert not (tmp_path / "log").exists()


def test_a_server_that_died_is_started_again_by_the_next_call(tmp_path: Path) -> None:
    async def work(recorder: Recorder, server: McpServer) -> None:
        with pytest.raises(ConnectorError, match="ended before it answered; it said: out of memory"):
            await recorder.call(server["die_once"])
        assert await recorder.call(server["die_once"]) == "done"

    use(settings(tmp_path), work)
    assert log(tmp_path).count("start") == 2


def test_a_server_that_died_between_calls_costs_no_call(tmp_path: Path) -> None:
    async def work(recorder: Recorder, server: McpServer) -> None:
        await recorder.call(server["search"], text="a")
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
        await asyncio.sleep(0.2)
        assert await recorder.call(server["search"], text="b") == {"found": "b"}

    use(settings(tmp_path), work)


def test_an_unknown_tool_is_refused_with_the_tools_that_exist(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="no tool 'serch'") as refused:
        call(tmp_path, "serch", text="Ada")
    assert "search" in str(refused.value.hint)
    assert log(tmp_path) == ["start", "end"]


def test_no_answer_in_time_is_an_error_that_says_so(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(ConnectorError, match=r"mcp\.desk\.sleep: no answer within 1\.5 s"):
        use(settings(tmp_path, timeout=1.5), lambda recorder, server: recorder.call(server["sleep"]))
    assert time.monotonic() - began < 15  # a server that does not end by itself is killed


def test_the_words_of_a_server_that_cannot_be_started_are_in_the_error() -> None:
    wrong = McpSettings("desk", (sys.executable, "-c", "raise SystemExit('no licence')"), timeout=10)
    with pytest.raises(ConnectorError, match=r"cannot be started: .*no licence") as refused:
        use(wrong, lambda recorder, server: recorder.call(server["search"], text="a"))
    assert refused.value.retryable
    missing = McpSettings("desk", ("/nowhere/server",), timeout=10)
    with pytest.raises(ConnectorError, match=r"cannot be started: .*No such file"):
        use(missing, lambda recorder, server: recorder.call(server["search"], text="a"))


def test_without_the_library_it_is_said_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    with pytest.raises(ConnectorError, match="the MCP client needs the extra `mcp`, which is not") as refused:
        call(tmp_path, "search", text="a")
    assert refused.value.hint == "run `pip install 'aloma-cli[mcp]'`"
    assert not (tmp_path / "log").exists()


def test_too_large_an_answer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConnectorError, match="larger than 1 MB"):
        use(settings(tmp_path, max_answer=1_000_000), lambda recorder, server: recorder.call(server["huge"]))


def test_a_process_gets_no_variables_but_a_few_and_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_TOKEN", "secret")
    own = settings(tmp_path, environment={"MINE": "1"})
    names = loads(use(own, lambda recorder, server: recorder.call(server["environment"])))
    assert "MINE" in names
    assert "CRM_TOKEN" not in names


def test_a_cancelled_call_leaves_the_server_for_others(tmp_path: Path) -> None:
    async def work(recorder: Recorder, server: McpServer) -> None:
        await recorder.call(server["search"], text="a")
        sleeping = asyncio.create_task(recorder.call(server["sleep"]))
        await asyncio.sleep(0.1)
        sleeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sleeping

    use(settings(tmp_path), work)
    assert "sleep {}" in log(tmp_path)


HTTP_SERVER = """
import sys
from mcp.server import MCPServer
app = MCPServer("desk")

@app.tool()
def double(number: int) -> int:
    "Twice the number."
    return 2 * number

app.run(transport="streamable-http", port=int(sys.argv[1]))
"""


def test_a_server_over_http_answers_with_the_library_s_own_server(tmp_path: Path, loopback: None) -> None:
    file, port = tmp_path / "server.py", free_port()
    file.write_text(HTTP_SERVER)
    with subprocess.Popen([sys.executable, str(file), str(port)]) as process:
        try:
            there = McpSettings("desk", url=f"http://127.0.0.1:{port}/mcp", timeout=10)
            assert use(there, _until) == 42
        finally:
            process.send_signal(signal.SIGKILL)


async def _until(recorder: Recorder, server: McpServer) -> Json:
    """The answer, once the server listens."""
    for _ in range(100):
        with contextlib.suppress(ConnectorError):
            return await recorder.call(server["double"], number=21)
        await asyncio.sleep(0.1)
    raise AssertionError("the server did not start")


def test_a_server_over_http_that_is_not_there_is_named(loopback: None) -> None:
    nowhere = McpSettings("desk", url=f"http://127.0.0.1:{free_port()}/mcp?key=abc", timeout=5)
    with pytest.raises(
        ConnectorError, match=r"cannot be reached at http://127\.0\.0\.1:\d+/mcp\?key=\*\*\*"
    ) as refused:
        use(nowhere, lambda recorder, server: recorder.call(server["double"], number=1))
    assert "abc" not in str(refused.value)
