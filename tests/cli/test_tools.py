"""A model with tools at the command line: what a person sees of it, and is asked."""

from __future__ import annotations

import pytest

from tests.cli.desk import Desk

CLERK = """
from aloma_cli import tool

condition = {"customer": str, "letter": None}


async def content(data, connectors):
    tools = [tool(connectors.post.send, approve=True)]
    answer = await connectors.openai.chat(messages="Write to Ada", tools=tools, shape={"summary": str})
    data["letter"] = answer.data["summary"]
"""

POST = '''
async def send(to: str) -> str:
    """Send a letter."""
    return f"sent to {to}"
'''

STORY = """
[{"calls": [
  {"tool_calls": [{"name": "post_send", "arguments": {"to": "Ada"}}]},
  {"answer": {"summary": "Wrote to Ada."}}
]}]
"""


@pytest.fixture
def office(desk: Desk) -> Desk:
    """A workspace whose model writes a letter, if a person allows it."""
    desk.write("steps/clerk.py", CLERK)
    desk.write("connectors/post.py", POST)
    desk.write("responses/clerk.json", STORY)
    return desk


def test_a_terminal_shows_what_is_asked(office: Desk) -> None:
    code, _, screen = office.at_terminal("task", "new", "Letter", "-d", '{"customer": "Ada"}', "--offline")
    assert code == 8
    assert 'May the model call post.send with {"to":"Ada"}?' in screen
    assert f"aloma task answer {office.tasks[0]} true|false" in screen
    code, _, screen = office.at_terminal("task", "answer", "@last", "true")
    assert code == 0
    assert "done" in screen


def test_a_step_alone_shows_the_tools_that_a_turn_calls(office: Desk) -> None:
    ran = office.run("step", "run", "clerk", "-d", '{"customer": "Ada"}', "--offline")
    assert '  > openai.chat: calls post_send {"to":"Ada"}\n' in ran.err


def test_a_call_is_named_by_its_number(office: Desk) -> None:
    office.run("task", "new", "Letter", "-d", '{"customer": "Ada"}', "--offline")
    refused = office.run("task", "answer", "@last", "true", "--call", "9")
    assert (refused.code, "does not wait for an approval" in refused.err) == (2, True)
    assert office.run("task", "answer", "@last", "no", "--call", "2", "--data").json["letter"] == "Wrote to Ada."
    (call,) = [line for line in office.run("task", "calls").out.splitlines() if "person.approve" in line]
    assert "false" in call


def test_a_connector_cannot_be_called_as_the_calls_of_steps_are(office: Desk) -> None:
    office.write("connectors/tool.py", POST)
    refused = office.run("task", "new", "Letter", "-d", '{"customer": "Ada"}', "--offline")
    assert (refused.code, "a connector cannot be called tool" in refused.err) == (3, True)


def test_simulated_calls_of_tools_have_ids_of_their_own(office: Desk) -> None:
    again = STORY.replace('  {"answer"', '  {"tool_calls": [{"name": "post_sent"}]},\n  {"answer"')
    office.write("responses/clerk.json", again)
    office.run("task", "new", "Letter", "-d", '{"customer": "Ada"}', "--offline")
    office.run("task", "answer", "@last", "yes")
    last = office.run("task", "calls", "@last", "--json").json[-1]
    messages = last["arguments"]["messages"]
    asked = [call["id"] for message in messages for call in message.get("tool_calls", ())]
    assert len({*asked}) == len(asked) == 2
    assert [message["tool_call_id"] for message in messages if message["role"] == "tool"] == asked


def test_a_task_with_several_approvals_becomes_a_case(office: Desk) -> None:
    """They are answered in the order in which they were asked."""
    twice = '{"name": "post_send", "arguments": {"to": "Ada"}}, {"name": "post_send", "arguments": {"to": "Eve"}}'
    office.write("responses/clerk.json", STORY.replace('{"name": "post_send", "arguments": {"to": "Ada"}}', twice))
    office.run("task", "new", "Letter", "-d", '{"customer": "Ada"}', "--offline")
    office.run("task", "answer", "@last", "yes", "--call", "2")
    office.run("task", "answer", "@last", "no", "--call", "3")
    assert office.run("task", "record-test", "@last", "--name", "mine").code == 0
    assert office.run("test", "mine").code == 0


@pytest.mark.parametrize("allowed", ["true", "false"])
def test_the_template_does_not_claim_a_mail_that_a_person_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, allowed: str
) -> None:
    """Scripted answers are the same for both, so they must hold for both."""
    desk.run("init", "mine", "-t", "tools")
    monkeypatch.chdir(desk.root / "mine")
    desk.run("task", "new", "Lamp", "-f", "examples/lamp.json")
    summary = desk.run("task", "answer", "@last", allowed, "--data").json["summary"]
    assert (desk.root / "mine/outbox.jsonl").exists() == (allowed == "true")
    assert summary == "Answer to Ada: a photo is enough for a free replacement."
