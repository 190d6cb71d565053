"""End to end with a real llama.cpp server: its words mean nothing, and the workflows end as they should."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from tests.servers import Llama
from tests.workflows.workspace import Played, Workspace

pytestmark = pytest.mark.e2e


def play(workspace: Workspace, llama: Llama, example: str) -> Played:
    server = ("--base-url", llama.base_url, "--api-key", "anything", "--require-real")
    return workspace.run(example, workspace.example(example), *server)


def answers(played: Played) -> list[dict[str, Any]]:
    """The answered calls of a task and its subtasks."""
    return [event for task in (played, *played.children) for event in task.events("call_answered")]


def check(answered: list[dict[str, Any]]) -> None:
    """Each answer came from the server, was counted, and has the shape that was asked for."""
    for event in answered:
        assert "error" not in event
        assert "simulated" not in event["about"]
        assert event["usage"]["input_tokens"] > 0
        content = json.loads(event["answer"]["choices"][0]["message"]["content"])
        jsonschema.validate(content, event["arguments"]["schema"])


def test_the_research_project_ends_done(workspace: Workspace, llama: Llama) -> None:
    """Four agents and the synthesis are answered, and the report is made of that."""
    played = play(workspace, llama, "research")
    assert (played.ended.code, played.state) == (0, "done")
    assert len(answers(played)) == 5
    check(answers(played))
    synthesis = played.record["result"]["synthesis"]
    assert (synthesis["parallelAgentsUsed"], synthesis["failedAgents"]) == (4, 0)


def test_the_adaptation_ends_done(workspace: Workspace, llama: Llama) -> None:
    played = play(workspace, llama, "adaptation")
    assert (played.ended.code, played.state) == (0, "done")
    assert len(answers(played)) == 1
    check(answers(played))
    assert played.data["workflowAdaptation"]["monitoring"]["adaptationRequired"] is False
