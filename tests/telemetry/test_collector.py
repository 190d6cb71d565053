"""A run as a trace in a collector of somebody else's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.desk import Desk, until
from tests.servers import Rotel
from tests.support.model_server import Reply, Request, model_server, said

pytestmark = pytest.mark.e2e

PROMPT = "the words of the prompt"
FACT = "a private fact of the lamp"

USAGE = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100, "cost": 0.002}

TREE = {
    "invoke_workflow A task": None,
    "invoke_agent greet": "invoke_workflow A task",
    "invoke_agent sort": "invoke_workflow A task",
    "invoke_workflow Part": "invoke_workflow A task",
    "invoke_agent find": "invoke_workflow Part",
    "chat gpt-5-mini": "invoke_agent find",
    "execute_tool look_up": "invoke_agent find",
}
"""Each span, and the one it is in."""


def answered(request: Request) -> Reply:
    """The model calls the tool, and answers when it has the result."""
    call = {"id": "c1", "type": "function", "function": {"name": "look_up", "arguments": '{"word": "lamp"}'}}
    has_result = request.body["messages"][-1]["role"] == "tool"
    reply = said("It is private.") if has_result else said(None, tool_calls=[call])
    reply.body |= {"model": request.body["model"], "usage": USAGE}
    return reply


@pytest.fixture(autouse=True)
def agents(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A step that makes a subtask, whose step asks a model that calls a tool."""
    lines = "task.subtask('Part', {'topic': 'lamps'}, into='sub')"
    desk.step("sort", '{"name": str, "sub": None}', lines, asks="data, task")
    desk.write(
        "steps/find.py",
        'condition = {"topic": str}\n\n\n'
        f'def look_up(word: str) -> str:\n    """Find."""\n    return "{FACT}"\n\n\n'
        "async def content(data, connectors, task):\n"
        f'    answer = await connectors.openai.chat(messages="{PROMPT}", tools=[look_up])\n'
        "    task.complete({'said': answer.text})\n",
    )
    monkeypatch.setenv("KEY", "a-key-of-the-test")
    with model_server(answered) as server:
        settings = f"openai: {{base_url: '{server.url}', api_key_env: KEY}}\nmodels: {{default: gpt-5-mini}}\n"
        desk.write("aloma.yaml", settings)
        yield


def attributes(rotel: Rotel, name: str) -> list[dict[str, Any]]:
    return [span.attributes for span in rotel.spans if span.name == name]


def test_a_collector_reads_one_trace_with_what_it_cost_and_no_texts(desk: Desk, rotel: Rotel) -> None:
    assert desk.new().code == 0
    assert desk.run("task", "export", "@last", "--otlp", rotel.url).code == 0
    until(lambda: len(rotel.spans) == 8)
    spans = rotel.spans
    assert {span.trace for span in spans} == {spans[0].trace}
    names = {span.id: span.name for span in spans}
    assert {span.name: names.get(span.parent) for span in spans} == TREE
    for chat in attributes(rotel, "chat gpt-5-mini"):
        told = {name: chat[f"gen_ai.{name}"] for name in ("operation.name", "request.model", "agent.name")}
        assert told == {"operation.name": "chat", "request.model": "gpt-5-mini", "agent.name": "find"}
        assert (chat["gen_ai.usage.input_tokens"], chat["gen_ai.usage.output_tokens"]) == (1000, 100)
        assert chat["aloma.cost.usd"] == pytest.approx(0.002)
    (task,) = attributes(rotel, "invoke_workflow A task")
    assert (task["aloma.tokens.input"], task["aloma.tokens.output"]) == (2000, 200)
    assert task["aloma.cost.usd"] == pytest.approx(0.004)
    (tool,) = attributes(rotel, "execute_tool look_up")
    assert (tool["gen_ai.operation.name"], tool["gen_ai.tool.name"]) == ("execute_tool", "look_up")
    assert PROMPT not in rotel.text
    assert FACT not in rotel.text


def test_a_live_trace_is_that_of_the_record(desk: Desk, rotel: Rotel) -> None:
    settings = (desk.root / "aloma.yaml").read_text()
    desk.write("aloma.yaml", f"{settings}otel: {{url: '{rotel.url}', prompts: true}}\n")
    assert desk.new().code == 0
    until(lambda: len(rotel.spans) == 8)
    live = {span.id: span.name for span in rotel.spans}
    assert PROMPT in rotel.text
    assert desk.run("task", "export", "@last", "--otlp", rotel.url).code == 0
    until(lambda: len(rotel.spans) == 16)
    assert {span.id: span.name for span in rotel.spans} == live
