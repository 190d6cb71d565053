"""MCP servers of a workspace, from `aloma.yaml` to the record."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from aloma_cli.jsontext import dumps, loads
from aloma_cli.testing.play import Home, Play
from aloma_cli.testing.script import Script
from tests.cli.desk import Desk, ended, until

SERVER = Path(__file__).parents[1] / "servers" / "mcp_server.py"


@pytest.fixture
def desk(desk: Desk) -> Desk:
    desk.write("aloma.yaml", f"mcp:\n  desk:\n    command: [python, {SERVER}, {desk.root}]\n")
    return desk


def log(desk: Desk) -> list[str]:
    return (desk.root / "log").read_text().splitlines()


def test_a_step_calls_a_tool_by_the_names_of_its_server_and_its_own(desk: Desk) -> None:
    desk.step(
        "look", '{"found": None}', 'data |= await connectors.mcp.desk.search(text="Ada")', asks="data, connectors"
    )
    ended = desk.run("task", "new", "T", "-d", "{}", "--json")
    assert loads(ended.out)["data"] == {"found": "Ada"}
    assert log(desk) == ["start", 'search {"text": "Ada"}', "end"]
    assert "mcp.desk.search" in desk.run("task", "log", "--calls").out


def test_a_plain_function_calls_a_tool_as_well(desk: Desk) -> None:
    body = 'data["found"] = connectors.mcp.desk.search(text="Ada")["found"]'
    desk.step("look", '{"found": None}', body, asks="data, connectors", plain=True)
    assert loads(desk.run("task", "new", "T", "-d", "{}", "--json").out)["data"] == {"found": "Ada"}


def test_what_a_server_writes_to_stderr_is_in_the_log_of_the_step(desk: Desk) -> None:
    lines = ("await connectors.mcp.desk.grumble()", "await asyncio.sleep(0.2)", "await connectors.mcp.desk.wrapped()")
    desk.step("look", '{"done": None}', *lines, 'data["done"] = True', asks="data, connectors")
    desk.run("task", "new", "T", "-d", "{}", "-q")
    assert "mcp.desk: disk is nearly full" in desk.run("task", "log", "--logs").out


def test_an_unknown_server_is_named_with_those_that_exist(desk: Desk) -> None:
    desk.step("look", '{"done": None}', "await connectors.mcp.dsk.search()", asks="data, connectors")
    ended = desk.run("task", "new", "T", "-d", "{}")
    assert ended.code == 1
    assert "there is no connector 'mcp.dsk'" in ended.err
    assert "desk" in ended.err


def test_text_of_a_tool_cannot_steer_the_terminal(desk: Desk) -> None:
    desk.step("look", '{"said": None}', 'data["said"] = await connectors.mcp.desk.escape()', asks="data, connectors")
    desk.run("task", "new", "T", "-d", "{}")
    shown = desk.run("task", "show").out + desk.run("task", "log", "--calls").out
    assert "\x1b" not in shown


def test_secrets_reach_a_server_by_name_and_no_file(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_TOKEN", "s3cret-value-1")
    config = f"secrets: [CRM_TOKEN]\nmcp:\n  desk:\n    command: [{sys.executable}, {SERVER}, {desk.root}]\n"
    desk.write("aloma.yaml", f"{config}    environment: {{TOKEN: '${{CRM_TOKEN}}'}}\n")
    desk.step(
        "look", '{"names": None}', 'data["names"] = await connectors.mcp.desk.environment()', asks="data, connectors"
    )
    ended = desk.run("task", "new", "T", "-d", "{}", "--json")
    assert "TOKEN" in loads(ended.out)["data"]["names"]
    assert not [path for path in (desk.root / ".aloma").rglob("*") if path.is_file() and b"s3cret" in path.read_bytes()]


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("desk: {}", "must have either `command` or `url`"),
        ("desk: {command: a, url: 'http://x/'}", "must have either `command` or `url`"),
        ("desk: {command: 'a \"b'}", "is not a command: no closing quotation"),
        ("desk: {url: localhost}", "must be a URL such as http://127.0.0.1:8000/mcp"),
        ("'a b': {command: x}", "is not a valid name for a server"),
        ("desk: {comand: x}", "did you mean `command`"),
        ("desk: {command: x, effects: {send: twice}}", "must be one of: read, idempotent, once, not `twice`"),
        ("desk: {url: 'http://x/', headers: {A: '${NOWHERE}'}}", 'config("NOWHERE") has no value'),
    ],
)
def test_a_mistake_in_the_section_is_named(desk: Desk, section: str, message: str) -> None:
    desk.write("aloma.yaml", f"mcp:\n  {section}\n")
    ended = desk.run("task", "new", "T", "-d", '{"name": "Ada"}')
    assert ended.code == 3
    assert message in ended.err.replace("'command'", "`command`")


SENDS = """condition = {"text": str, "sent": None}


async def content(data, connectors):
    data["sent"] = await connectors.mcp.desk.TOOL(text=data["text"])
"""


def calls_of(desk: Desk, tool: str) -> int:
    return sum(line.startswith(tool) for line in log(desk))


@pytest.mark.parametrize(
    ("tool", "effects", "sent", "code"),
    [
        ("search", "", 2, 0),  # read
        ("store", "", 2, 0),  # idempotent
        ("send", "", 1, 8),  # nothing said: once
        ("search", "    effects: {search: once}\n", 1, 8),
        ("send", "    effects: {send: idempotent}\n", 2, 0),
    ],
)
def test_after_a_kill_only_what_may_be_sent_twice_is_sent_again(
    desk: Desk, tool: str, effects: str, sent: int, code: int
) -> None:
    """The tool is killed with its call under way; its server hangs until then."""
    (desk.root / "hang").touch()
    desk.write("aloma.yaml", f"mcp:\n  desk:\n    command: [{sys.executable}, {SERVER}, {desk.root}]\n{effects}")
    desk.write("steps/send.py", SENDS.replace("TOOL", tool))
    process = desk.started("task", "new", "T", "-d", '{"text": "Ada"}')
    until(lambda: (desk.root / "log").exists() and calls_of(desk, tool), 60)
    process.kill()
    ended(process)
    (desk.root / "hang").unlink()
    assert desk.run("task", "resume", "@last").code == code
    assert calls_of(desk, tool) == sent


def test_a_call_whose_server_died_is_settled_by_a_person_if_it_must_be_sent_once(desk: Desk) -> None:
    desk.step("look", '{"said": None}', 'data["said"] = await connectors.mcp.desk.die()', asks="data, connectors")
    unknown = desk.run("task", "new", "T", "-d", "{}")
    assert (unknown.code, calls_of(desk, "die")) == (8, 1)
    settled = desk.run("task", "settle", "@last", "1", "--done", '{"content": [{"type": "text", "text": "yes"}]}')
    assert settled.code == 0
    assert desk.run("task", "show", "--data").json["said"] == "yes"
    assert calls_of(desk, "die") == 1


ASKS = """from aloma_cli import tool

condition = {"question": str, "answer": None}


async def content(data, connectors):
    desk = connectors.mcp.desk
    answer = await connectors.openai.chat(messages=data["question"], tools=TOOLS)
    data["answer"] = answer.choices[0].message.content
"""
SEARCHES = [
    {"calls": [{"tool_calls": [{"name": "mcp_desk_search", "arguments": {"text": "Ada"}}]}, {"answer": "Found Ada."}]}
]


@pytest.mark.parametrize("tools", ["[desk]", "[desk.search]", "[tool(desk.search)]"])
def test_a_model_calls_the_tools_of_a_server(desk: Desk, tools: str) -> None:
    desk.write("steps/ask.py", ASKS.replace("TOOLS", tools))
    desk.write("responses/ask.json", dumps(SEARCHES))
    ended = desk.run("task", "new", "T", "-d", '{"question": "Who?"}', "--offline", "--data")
    assert (ended.code, ended.json["answer"]) == (0, "Found Ada.")
    assert calls_of(desk, "search") == 1
    assert desk.run("task", "log", "--calls").out.count("tools/list") == 1


def test_a_call_of_a_model_to_a_server_waits_for_approval(desk: Desk) -> None:
    desk.write("steps/ask.py", ASKS.replace("TOOLS", "[tool(desk.search, approve=True)]"))
    desk.write("responses/ask.json", dumps(SEARCHES))
    asked = desk.run("task", "new", "T", "-d", '{"question": "Who?"}', "--offline")
    assert (asked.code, calls_of(desk, "search")) == (8, 0)
    assert desk.run("task", "answer", "@last", "true").code == 0
    assert calls_of(desk, "search") == 1


def hangs(desk: Desk) -> str:
    """A server that says that it was started; it must not be."""
    return f"mcp:\n  desk:\n    command: [touch, {desk.root}/started]\n"


@pytest.mark.parametrize("tools", ["[desk]", "[desk.search]", "[tool(desk.search)]"])
def test_a_dry_run_reaches_the_call_of_the_model_and_starts_no_server(desk: Desk, tools: str) -> None:
    desk.write("aloma.yaml", hangs(desk))
    desk.write("steps/ask.py", ASKS.replace("TOOLS", tools))
    ran = desk.run("task", "new", "T", "-d", '{"question": "Who?"}', "--offline", "--dry-run")
    assert [line.split()[0] for line in ran.out.splitlines()] == ["ask", "openai.chat"]
    assert not (desk.root / "started").exists()


@pytest.mark.parametrize("tools", ["[desk]", "[desk.search]", "[tool(desk.search)]"])
def test_a_replay_starts_no_server(desk: Desk, tools: str) -> None:
    desk.write("steps/ask.py", ASKS.replace("TOOLS", tools))
    desk.write("responses/ask.json", dumps(SEARCHES))
    assert desk.run("task", "new", "T", "-d", '{"question": "Who?"}', "--offline").code == 0
    desk.write("aloma.yaml", hangs(desk))
    replayed = desk.run("task", "replay", "@last")
    assert replayed.code == 0, replayed
    assert not (desk.root / "started").exists()


@pytest.mark.parametrize("tools", ["[desk]", "[desk.search]", "[tool(desk.search)]"])
def test_a_test_starts_no_server_and_gives_the_tools_that_it_scripts(desk: Desk, tools: str) -> None:
    desk.write("aloma.yaml", hangs(desk))
    desk.write("steps/ask.py", ASKS.replace("TOOLS", tools))
    home = Home.open(desk.root)
    script = Script()
    script.on("ask").calls_tool("mcp_desk_search", text="Ada").then("Found Ada.")
    play = Play(home, script)
    with pytest.raises(AssertionError, match=r"mcp\.desk\.tools/list"):
        play({"question": "Who?"})
    listed = [{"name": "search", "description": "Search.", "inputSchema": {"type": "object"}}]
    script = Script()
    script.on("ask", "mcp.desk.tools/list").answers(listed)
    script.on("ask", "mcp.desk.search").answers({"structuredContent": {"found": "Ada"}})
    script.on("ask", "openai.chat").calls_tool("mcp_desk_search", text="Ada").then("Found Ada.")
    assert Play(home, script)({"question": "Who?"}).data["answer"] == "Found Ada."
    assert not (desk.root / "started").exists()


def test_a_step_that_is_run_alone_calls_the_tools_of_a_server(desk: Desk) -> None:
    desk.step(
        "look", '{"found": None}', 'data |= await connectors.mcp.desk.search(text="Ada")', asks="data, connectors"
    )
    ran = desk.run("step", "run", "look", "-d", "{}", "--offline")
    assert (ran.code, calls_of(desk, "search")) == (0, 1), ran
