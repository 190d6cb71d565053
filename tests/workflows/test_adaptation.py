"""Adaptation: the controller decides on one change, and the applier puts it into effect."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workflows.workspace import Played, Workspace

FIELDS = {
    "agent_reconfiguration": ("agentModifications", "agentReconfig"),
    "coordination_optimization": ("coordinationModifications", "coordinationChanges"),
    "resource_reallocation": ("resourceModifications", "resourceChanges"),
    "objective_refinement": ("objectiveModifications", "objectiveUpdates"),
}
DETAILS = [{"target": "risk_assessor", "change": "one more of them"}]


@pytest.fixture
def played(workspace: Workspace) -> Played:
    """The example, with a simulated answer."""
    return play(workspace)


def play(workspace: Workspace, answer: dict[str, Any] | None = None) -> Played:
    """Run the example, with an answer written beforehand if one is given."""
    if answer is not None:
        workspace.script("adaptation/controller", [{"answer": answer}])
    return workspace.run("Adaptive Customer Onboarding Workflow", workspace.example("adaptation"))


def adaptation(played: Played) -> dict[str, Any]:
    found: dict[str, Any] = played.data["workflowAdaptation"]
    return found


def changes(played: Played) -> dict[str, Any]:
    """The fields that changes are applied to."""
    fields = {field for _, field in FIELDS.values()}
    return {field: value for field, value in adaptation(played).items() if field in fields}


def test_controller_and_applier_run_once_and_the_task_is_done(played: Played) -> None:
    """The applier too, although the data sets no number of adaptations: the default is one."""
    assert played.count("fired") == {"adaptation/controller": 1, "adaptation/applier": 1}
    assert adaptation(played)["adaptationDecision"]["applied"]
    assert adaptation(played)["adaptationsLeft"] == 0
    assert played.count("looked") == {}
    assert (played.ended.code, played.state) == (0, "done")


def test_the_controller_is_asked_about_metrics_state_and_available_adaptations(played: Played) -> None:
    [call] = played.events("call_answered")
    asked = call["arguments"]["messages"][-1]["content"]
    for fact in ("throughput", "72", "0.08", "3.2", "customer_analysis", "preference_analyzer"):
        assert fact in asked
    assert all(name in asked for name in adaptation(played)["availableAdaptations"])


def test_the_type_is_one_of_four(played: Played) -> None:
    """The model is told so, and none of the adaptations that the example offers is one."""
    [call] = played.events("call_answered")
    assert call["arguments"]["schema"]["properties"]["adaptationType"]["enum"] == list(FIELDS)
    assert adaptation(played)["adaptationDecision"]["adaptationType"] in FIELDS
    assert not set(FIELDS) & set(adaptation(played)["availableAdaptations"])


def test_the_decision_has_a_type_its_reasons_and_a_plan(played: Played) -> None:
    decision = adaptation(played)["adaptationDecision"]
    assert decision["reasoning"]
    assert decision["implementationPlan"]
    assert decision["modifications"]
    assert {"expectedImprovement", "riskAssessment", "decidedAt"} <= decision.keys()


def test_exactly_one_field_is_changed(played: Played) -> None:
    assert len(changes(played)) == 1


@pytest.mark.parametrize("kind", FIELDS)
def test_each_type_has_its_own_field(workspace: Workspace, kind: str) -> None:
    """The others stay away, even where the model filled in their details too."""
    filled = {details: [{"target": details, "change": "more"}] for details, _ in FIELDS.values()}
    details, field = FIELDS[kind]
    played = play(workspace, {"adaptationType": kind, **filled})
    assert changes(played) == {field: filled[details]}


@pytest.mark.parametrize("kind", FIELDS)
@pytest.mark.parametrize("missing", [None, []])
def test_a_model_that_gives_no_details_has_its_modifications_applied(
    workspace: Workspace, kind: str, missing: Any
) -> None:
    details, field = FIELDS[kind]
    played = play(workspace, {"adaptationType": kind, "modifications": DETAILS, details: missing})
    assert changes(played) == {field: DETAILS}


def test_an_unknown_type_is_an_error_and_changes_nothing(workspace: Workspace) -> None:
    played = play(workspace, {"adaptationType": "agent_scaling"})
    assert (played.ended.code, played.state) == (1, "error")
    assert "agent_scaling" in played.record["errors"]["adaptation/controller"]["message"]
    assert changes(played) == {}
    assert adaptation(played)["monitoring"]["adaptationRequired"] is True


def test_the_request_for_an_adaptation_is_cleared(played: Played) -> None:
    assert adaptation(played)["monitoring"]["adaptationRequired"] is False


def test_the_task_stays_open_for_the_next_measurement(played: Played) -> None:
    assert played.record["closed"] is False


def test_the_decision_is_logged_with_its_type_and_reasons(workspace: Workspace) -> None:
    played = play(workspace, {"adaptationType": "objective_refinement", "reasoning": "the metrics ask for it"})
    assert played.logged("info")[1] == "Adaptation decided: objective_refinement: the metrics ask for it"


@pytest.mark.parametrize("monitoring", [{"adaptationRequired": False}, {"performanceMetrics": None}])
def test_nothing_is_decided_unless_metrics_ask_for_it(workspace: Workspace, monitoring: dict[str, Any]) -> None:
    data = workspace.example("adaptation")
    data["workflowAdaptation"]["monitoring"] |= monitoring
    played = workspace.run("Onboarding", data)
    assert (played.ended.code, played.state) == (6, "ignored")
