"""Workflows of several phases with a real llama.cpp server: its words mean nothing, and each phase is gone through."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from tests.servers import Llama
from tests.workflows.workspace import Played, Workspace

pytestmark = pytest.mark.e2e

PHASES = pytest.mark.parametrize("phases", [2, 3])


def play(workspace: Workspace, llama: Llama, data: Any) -> Played:
    server = ("--base-url", llama.base_url, "--api-key", "anything", "--require-real")
    return workspace.run("Phases", data, *server)


def planned(workspace: Workspace, phases: int) -> Any:
    """The example with a plan of so many phases, as the planner would leave it: a random model would wander."""
    data = workspace.example("planning")
    data["workflow"]["masterPlan"] = {
        "phases": [{"name": f"phase {phase}", "goal": "to be gone through"} for phase in range(phases)],
        "requiredAgents": ["research_agent", "analysis_agent", "decision_agent"],
    }
    data["workflow"]["execution"] = {
        "currentPhase": 0,
        "phasesCompleted": [],
        "agentCoordination": {},
        "sharedContext": {},
        "status": "planning_complete",
    }
    return data


def set_up(workspace: Workspace, phases: int) -> Any:
    """The example with a hierarchy of so many phases, as the master would leave it."""
    data = workspace.example("hierarchy")
    names = [{"name": f"phase {phase}", "goal": "to be gone through", "level2Agents": []} for phase in range(phases)]
    data["orchestration"] |= {
        "masterControl": {
            "executionPhases": names,
            "coordinationProtocols": [],
            "qualityGates": [],
            "currentPhase": 0,
            "orchestrationStatus": "initialized",
        },
        "phaseExecution": {"currentPhase": names[0], "phaseStatus": "ready"},
        "completedPhases": [],
    }
    return data


def check(played: Played) -> None:
    """Each answer came from the server, was counted, and has the shape that was asked for."""
    answered = [event for task in (played, *played.children) for event in task.events("call_answered")]
    assert len(answered) == played.record["usage"]["calls"]
    for event in answered:
        assert "error" not in event
        assert "simulated" not in event["about"]
        assert event["usage"]["input_tokens"] > 0
        content = json.loads(event["answer"]["choices"][0]["message"]["content"])
        jsonschema.validate(content, event["arguments"]["schema"])


def check_planning(played: Played, phases: int) -> None:
    """It ended done, each agent having fired once in each phase, and research once for each subtask."""
    assert (played.ended.code, played.state, played.record["closed"]) == (0, "done", True)
    assert played.data["workflow"]["execution"]["currentPhase"] == phases
    fired = played.count("fired")
    assert fired.pop("planning/planner", 1) == 1
    assert fired.pop("planning/assigner") == 3 * phases
    assert fired.pop("planning/research") == len(played.children) >= phases
    assert set(fired.values()) == {phases}
    assert len(fired) == 5
    check(played)


def test_a_plan_of_the_models_own_is_carried_out(workspace: Workspace, llama: Llama) -> None:
    played = play(workspace, llama, workspace.example("planning"))
    check_planning(played, len(played.data["workflow"]["masterPlan"]["phases"]))


@PHASES
def test_a_given_plan_is_carried_out_phase_by_phase(workspace: Workspace, llama: Llama, phases: int) -> None:
    check_planning(play(workspace, llama, planned(workspace, phases)), phases)


def check_hierarchy(played: Played) -> None:
    """It ended done with its last phase, or in error with the one that failed: a random model sets the standards."""
    orchestration = played.data["orchestration"]
    control, status = orchestration["masterControl"], orchestration["phaseExecution"]["phaseStatus"]
    phases, completed = len(control["executionPhases"]), len(orchestration["completedPhases"])
    fired = played.count("fired")
    assert control["currentPhase"] == completed
    if played.state == "done":
        assert (status, completed, fired["hierarchy/summary"]) == ("completed", phases, 1)
    else:
        assert (played.ended.code, status, list(played.record["errors"])) == (1, "failed", ["hierarchy/failure"])
        assert completed < phases
    begun = completed + (status == "failed")
    assert fired["hierarchy/coordinator"] == begun
    assert fired.get("hierarchy/synthesizer", 0) == fired.get("hierarchy/advancer", 0) == completed
    assert fired["hierarchy/agent"] == len(played.children)
    check(played)


def test_a_hierarchy_of_the_models_own_ends(workspace: Workspace, llama: Llama) -> None:
    check_hierarchy(play(workspace, llama, workspace.example("hierarchy")))


@PHASES
def test_a_given_hierarchy_is_gone_through_phase_by_phase(workspace: Workspace, llama: Llama, phases: int) -> None:
    """With standards that any answer meets, no phase fails."""
    (workspace.root / "steps" / "lenient.py").write_text(LENIENT, encoding="utf-8")
    played = play(workspace, llama, set_up(workspace, phases))
    assert (played.ended.code, played.state, played.record["closed"]) == (0, "done", True)
    assert played.data["orchestration"]["masterControl"]["currentPhase"] == phases
    check_hierarchy(played)


LENIENT = """
condition = {"level1Coordination": {"qualityStandards": {"minimumQuality": int}}}

async def content(data):
    data["level1Coordination"]["qualityStandards"] = {"minimumQuality": 0, "minimumConfidence": 0}
"""
