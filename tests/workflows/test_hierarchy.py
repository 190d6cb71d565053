"""The hierarchy: a master sets up phases; in each, agents are sent out, a gate judges them, a synthesis follows."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from aloma_cli.loader.workspace import load_workspace
from tests.workflows.chance import count, play_by_chance, steady
from tests.workflows.workspace import REPOSITORY, Played, Workspace

AGENTS = 5
RUNS = 30

FINE = {"qualityAssessment": {"score": 90, "comment": "fine"}, "confidenceLevel": 75}
OVERLOADED = {"error": {"status": 503, "message": "the model is overloaded"}}
ESCALATES = {
    "answer": FINE | {"escalationRequired": True, "escalationReason": "no prices", "escalationUrgency": "high"}
}
POOR = {"answer": FINE | {"qualityAssessment": {"score": 84, "comment": "poor"}}}
UNSURE = {"answer": FINE | {"confidenceLevel": 49}}


def script(workspace: Workspace, phases: int, rate: float | None = 0.8) -> None:
    """Write phases of five agents each. The coordinator asks for a quality of 60, the example for 85."""
    names = [{"name": f"phase {phase}"} for phase in range(phases)]
    workspace.script("hierarchy/master", [{"answer": {"executionPhases": names}}])
    coordination = {
        "approach": {"summary": "all at once", "minimumCompletionRate": rate},
        "agentAssignments": [
            {"agentType": f"type {number}", "task": {"objective": f"objective {number}"}}
            for number in range(1, AGENTS + 1)
        ],
        "qualityStandards": {"minimumQuality": 60, "minimumConfidence": 50},
        "escalationTriggers": ["a trigger"],
        "resourceAllocation": ["a resource"],
    }
    workspace.script("hierarchy/coordinator", [{"answer": coordination}])


def script_agents(workspace: Workspace, phases: int, **replies: Any) -> None:
    """Write what comes of some agents in each phase, by number; several replies for several tries."""
    entries = [
        {"when": {"level2Agent": {"phase": f"phase {phase}", "agentId": f"level2_{name[1:]}"}}, "calls": calls}
        for phase in range(phases)
        for name, calls in replies.items()
    ]
    workspace.script("hierarchy/agent", [*entries, {"answer": FINE}])


def decide(workspace: Workspace, *actions: str) -> None:
    """Write what the escalation agent decides, time after time."""
    workspace.script("hierarchy/escalation", [{"calls": [{"answer": {"action": action}} for action in actions]}])


def play(
    workspace: Workspace, phases: int = 2, *, rate: float | None = 0.8, timeout: float | None = None, **replies: Any
) -> Played:
    """Run the example with so many phases; `replies` are those of single agents, `_3=[…]` of the third."""
    script(workspace, phases, rate)
    script_agents(workspace, phases, **replies)
    data = workspace.example("hierarchy")
    if timeout is not None:
        data["orchestration"]["constraints"]["agent_timeout"] = timeout
    return workspace.run("Complex Business Strategy Development", data)


@pytest.fixture
def played(workspace: Workspace) -> Played:
    """Two phases in which all goes well."""
    return play(workspace)


def fired(phases: int, *, again: int = 0) -> dict[str, int]:
    """How often each step is to fire where `again` agents are sent out once more in each phase."""
    per_phase = {"coordinator": 1, "agent": AGENTS + again, "gate": 1, "synthesizer": 1, "advancer": 1}
    if again:
        per_phase |= {"gate": 2, "escalation": 1}
    counts = {"master": 1, "summary": 1, **{name: times * phases for name, times in per_phase.items()}}
    return {f"hierarchy/{name}": times for name, times in counts.items()}


def orchestration(played: Played) -> dict[str, Any]:
    found: dict[str, Any] = played.data["orchestration"]
    return found


def coordination(played: Played) -> dict[str, Any]:
    """The Level 1 coordination of the last phase."""
    found: dict[str, Any] = played.data["level1Coordination"]
    return found


def syntheses(played: Played) -> list[dict[str, Any]]:
    """The synthesis of each completed phase."""
    return [phase["synthesis"] for phase in orchestration(played)["completedPhases"]]


def questions(played: Played, step: str) -> list[str]:
    """What a step asked the model, call by call."""
    return [str(call["arguments"]["messages"][-1]["content"]) for call in played.events("call_answered", step=step)]


def check_phases(played: Played, phases: int, *, completed: int = AGENTS) -> None:
    """What holds of every hierarchy that ended well, phase by phase."""
    assert (played.ended.code, played.state, played.record["closed"]) == (0, "done", True)
    assert orchestration(played)["masterControl"]["currentPhase"] == phases
    assert orchestration(played)["phaseExecution"]["phaseStatus"] == "completed"
    assert [phase["name"] for phase in orchestration(played)["completedPhases"]] == [
        f"phase {phase}" for phase in range(phases)
    ]
    for synthesis in syntheses(played):
        assert synthesis["executiveSummary"]
        assert synthesis["synthesisMetrics"]["completedAgents"] == completed
        assert synthesis["synthesisMetrics"]["failedAgents"] == AGENTS - completed
    assert played.data["hierarchicalSynthesis"] == syntheses(played)[-1]
    assert played.count("looked") == played.count("failed") == {}


# -- phase by phase --------------------------------------------------------------------------------------------------

PHASES = pytest.mark.parametrize("phases", [1, 2, 3])


@PHASES
def test_each_phase_is_coordinated_carried_out_and_synthesized_once(workspace: Workspace, phases: int) -> None:
    played = play(workspace, phases)
    check_phases(played, phases)
    assert played.count("fired") == fired(phases)
    assert played.count("voided") == {}


@PHASES
def test_one_agent_that_fails_leaves_enough_completed(workspace: Workspace, phases: int) -> None:
    """Four of five are the share that was asked for."""
    played = play(workspace, phases, _3=[OVERLOADED])
    check_phases(played, phases, completed=4)
    assert played.count("fired") == fired(phases)
    assert len([text for text in played.logged("warning") if "the model is overloaded" in text]) == phases


@PHASES
def test_one_agent_that_takes_too_long_is_cut_off(workspace: Workspace, phases: int) -> None:
    played = play(workspace, phases, timeout=2.0, _3=[{"answer": FINE, "delay": 30}])
    check_phases(played, phases, completed=4)
    assert played.count("fired") == fired(phases) | {"hierarchy/agent": 4 * phases}
    assert played.count("voided") == {"hierarchy/agent": phases}
    assert [child.state for child in played.children] == ["done", "done", "incomplete", "done", "done"] * phases
    assert played.record["seconds"] < 10


@PHASES
def test_one_agent_that_escalates_is_sent_out_again(workspace: Workspace, phases: int) -> None:
    decide(workspace, "retry")
    played = play(workspace, phases, _3=[ESCALATES, {"answer": FINE}])
    check_phases(played, phases)
    assert played.count("fired") == fired(phases, again=1)


@PHASES
def test_where_too_few_completed_the_others_are_sent_out_again(workspace: Workspace, phases: int) -> None:
    decide(workspace, "retry")
    played = play(workspace, phases, _2=[OVERLOADED, {"answer": FINE}], _4=[OVERLOADED, {"answer": FINE}])
    check_phases(played, phases)
    assert played.count("fired") == fired(phases, again=2)


def test_whatever_the_order_and_however_long_it_takes_the_outcome_is_the_same(tmp_path: Path) -> None:
    loaded, random = load_workspace(REPOSITORY, tmp_path, {}), Random(5)
    data = Workspace(REPOSITORY).example("hierarchy")
    durations, documents = set(), set()
    for _ in range(RUNS):
        task = play_by_chance(loaded, data, REPOSITORY / "examples" / "one-agent-escalates", random, tmp_path)
        assert (task.state, count(task, "fired")) == ("done", STORY_FIRED)
        assert count(task, "looked") == count(task, "voided") == {}
        assert task.data["orchestration"]["masterControl"]["currentPhase"] == 2
        durations.add(task.record["seconds"])
        documents.add(steady(task))
    assert len(documents) == 1
    assert len(durations) > RUNS / 2


STORY_FIRED = {
    "hierarchy/master": 1,
    "hierarchy/coordinator": 2,
    "hierarchy/agent": 5 + 2 + 1,
    "hierarchy/gate": 3,
    "hierarchy/escalation": 1,
    "hierarchy/synthesizer": 2,
    "hierarchy/advancer": 2,
    "hierarchy/summary": 1,
}


# -- the master and its phases ---------------------------------------------------------------------------------------


def test_the_master_sets_up_levels_phases_and_quality_gates(played: Played) -> None:
    control = orchestration(played)["masterControl"]
    for field in ("hierarchyLevels", "agentRelationships", "executionPhases", "coordinationProtocols", "qualityGates"):
        assert control[field]
    assert control["orchestrationStatus"] == "completed"


def test_the_master_is_asked_about_requirements_agents_and_constraints(played: Played) -> None:
    [asked] = questions(played, "hierarchy/master")
    for fact in ("industrial heat pumps", "stakeholders", "market_analyst", "50000", "quality_threshold"):
        assert fact in asked


def test_a_phase_is_closed_and_the_next_one_made_ready_in_one_commit(played: Played) -> None:
    """The last phase stays in place."""
    first, last = played.events("committed", by="firing", step="hierarchy/advancer")
    removed = {change["path"] for change in first["changes"] if change["op"] == "remove"}
    assert {"/level1Coordination", "/hierarchicalSynthesis"} <= removed
    ready = {"op": "replace", "path": "/orchestration/phaseExecution/phaseStatus", "value": "ready"}
    assert ready in first["changes"]
    assert [change for change in last["changes"] if change["op"] == "remove"] == []


def test_a_later_phase_is_coordinated_with_what_came_of_earlier_ones(workspace: Workspace) -> None:
    synthesis = {"executiveSummary": "what came of it", "improvements": ["what to improve"]}
    workspace.script("hierarchy/synthesizer", [{"answer": synthesis}])
    first, second = questions(play(workspace), "hierarchy/coordinator")
    assert ("what to improve" in first, "what to improve" in second) == (False, True)
    assert ("phase 0" in first, "what came of it" in first) == (True, False)
    assert ("phase 1" in second, "what came of it" in second) == (True, True)


def test_the_executive_summary_is_of_all_phases_and_ends_the_task(workspace: Workspace) -> None:
    summaries = [{"answer": {"executiveSummary": f"came of {phase}"}} for phase in range(3)]
    workspace.script("hierarchy/synthesizer", [{"calls": summaries}])
    played = play(workspace, 3)
    [asked] = questions(played, "hierarchy/summary")
    assert all(f"came of {phase}" in asked for phase in range(3))
    report = played.record["result"]
    assert report["executiveSummary"] == orchestration(played)["executiveSummary"]
    assert [phase["name"] for phase in report["phases"]] == ["phase 0", "phase 1", "phase 2"]
    assert [phase["completionRate"] for phase in report["phases"]] == [1, 1, 1]


def test_what_the_master_plans_is_read_by_coordinator_and_synthesizer(workspace: Workspace) -> None:
    plan = {
        "hierarchyLevels": [{"level": "a level"}],
        "agentRelationships": ["a relationship"],
        "errorHandling": ["a recovery"],
        "monitoring": ["a measurement"],
        "feedbackLoops": ["a loop"],
    }
    script(workspace, 1)
    script_agents(workspace, 1)
    workspace.script("hierarchy/master", [{"answer": plan | {"executionPhases": [{"name": "phase 0"}]}}])
    played = workspace.run("Plan", workspace.example("hierarchy"))
    for step in ("hierarchy/coordinator", "hierarchy/synthesizer"):
        [asked] = questions(played, step)
        for fact in ("a level", "a relationship", "a recovery", "a measurement", "a loop"):
            assert fact in asked
        assert "createdAt" not in asked
    assert "quality_threshold" in questions(played, "hierarchy/coordinator")[0]


# -- Level 2 ---------------------------------------------------------------------------------------------------------


def test_there_are_as_many_subtasks_as_assignments_each_with_its_own_type_and_task(played: Played) -> None:
    assert len(played.children) == 2 * AGENTS
    for number, child in enumerate(played.children):
        agent = child.data["level2Agent"]
        wanted = number % AGENTS + 1
        assert child.record["name"] == f"Level 2 Agent: type {wanted}"
        assert (agent["agentType"], agent["assignment"]["objective"]) == (f"type {wanted}", f"objective {wanted}")
        assert (child.state, child.count("fired")) == ("done", {"hierarchy/agent": 1})


def test_results_stand_under_ids_of_ours(played: Played) -> None:
    results = coordination(played)["level2Results"]
    assert set(results) == {f"level2_{number}" for number in range(1, AGENTS + 1)}
    for agent_id, landed in results.items():
        assert (landed["status"], landed["result"]["status"]) == ("done", "completed")
        assert landed["result"]["assignmentId"] == agent_id


def test_agents_of_one_type_do_not_collide(workspace: Workspace) -> None:
    script(workspace, 1)
    same = {"agentType": "analyst", "task": {"objective": "the same"}}
    workspace.script("hierarchy/coordinator", [{"answer": {"agentAssignments": [same, same]}}])
    played = workspace.run("Same", workspace.example("hierarchy"))
    assert (played.state, list(coordination(played)["level2Results"])) == ("done", ["level2_1", "level2_2"])


def test_an_agent_knows_the_standards_the_triggers_and_its_phase(played: Played) -> None:
    [asked] = questions(played.children[-1], "hierarchy/agent")
    for fact in ("phase 1", "objective 5", "minimumQuality", "a trigger", "a resource"):
        assert fact in asked


def test_a_failed_agent_completes_and_says_what_failed(workspace: Workspace) -> None:
    child = play(workspace, 1, _3=[OVERLOADED]).children[2]
    results = child.data["level2Agent"]["executionResults"]
    assert (child.state, results["status"], results["escalationNeeded"]) == ("done", "failed", True)
    assert child.logged("error") == [f"type 3 failed: {results['error']}"]


# -- the quality gate ------------------------------------------------------------------------------------------------


def test_the_synthesis_waits_for_the_last_agent(workspace: Workspace) -> None:
    """Four of five would do, but the fifth is still at work."""
    played = play(workspace, 1, _3=[{"answer": FINE, "delay": 0.2}])
    steps = [event.get("step", event["by"]) for event in played.events("committed")]
    assert steps[2:9] == ["landing"] * 5 + ["hierarchy/gate", "hierarchy/synthesizer"]


@pytest.mark.parametrize(("reply", "reason"), [(POOR, "quality 84 is below 85"), (UNSURE, "confidence 49 is below 50")])
def test_a_result_below_the_standards_does_not_count(workspace: Workspace, reply: Any, reason: str) -> None:
    played = play(workspace, 1, _3=[reply])
    assert coordination(played)["qualityGate"]["failed"] == {"level2_3": reason}
    check_phases(played, 1, completed=4)


def test_the_synthesis_is_made_of_results_that_count(workspace: Workspace) -> None:
    poor = {"answer": POOR["answer"] | {"taskResults": ["a poor result"]}}
    good = {"answer": FINE | {"taskResults": ["a good result"]}}
    [asked] = questions(play(workspace, 1, _1=[good], _3=[poor]), "hierarchy/synthesizer")
    assert "a good result" in asked
    assert "a poor result" not in asked
    assert "quality 84 is below 85" in asked


def test_the_average_quality_is_computed(workspace: Workspace) -> None:
    better = {"answer": FINE | {"qualityAssessment": {"score": 100, "comment": "best"}}}
    played = play(workspace, 1, _1=[better], _3=[OVERLOADED])
    assert syntheses(played)[0]["synthesisMetrics"]["averageQuality"] == (100 + 3 * 90) / 4


@pytest.mark.parametrize(("threshold", "failed"), [(85, {}), (None, {}), (91, "quality 90 is below 91")])
def test_the_task_says_how_good_a_result_must_be_and_else_the_coordinator_does(
    workspace: Workspace, threshold: int | None, failed: Any
) -> None:
    """An agent is told the standard that it will be judged by."""
    decide(workspace, "fail")
    script(workspace, 1)
    script_agents(workspace, 1)
    data = workspace.example("hierarchy")
    data["orchestration"]["constraints"]["quality_threshold"] = threshold
    played = workspace.run("Threshold", data)
    agents = [f"level2_{number}" for number in range(1, AGENTS + 1)]
    assert coordination(played)["qualityGate"]["failed"] == (dict.fromkeys(agents, failed) if failed else {})
    assert f'"minimumQuality": {threshold or 60}' in questions(played.children[0], "hierarchy/agent")[0]


def test_the_gate_says_what_it_counted_and_what_it_waits_for(workspace: Workspace) -> None:
    decide(workspace, "fail")
    played = play(workspace, 1, _2=[OVERLOADED], _4=[OVERLOADED])
    assert "3 completed, 2 failed: 60% (needed: 80%)" in played.logged("info")
    assert "Waiting for a higher completion rate: 60% < 80%" in played.logged("info")


@pytest.mark.parametrize(("rate", "passes"), [(None, False), (0.8, False), (0.6, True), (0.5, True)])
def test_the_strategy_says_how_many_must_complete(workspace: Workspace, rate: float | None, passes: bool) -> None:
    """Three of five; where it says nothing, 80 % must."""
    decide(workspace, "fail")
    played = play(workspace, 1, rate=rate, _2=[OVERLOADED], _4=[OVERLOADED])
    assert (played.state == "done") is passes


def test_the_rate_is_one_of_assignments_not_of_results(workspace: Workspace) -> None:
    """Agents that were cut off count."""
    decide(workspace, "fail")
    late = [{"answer": FINE, "delay": 30}]
    played = play(workspace, 1, timeout=1.0, _2=late, _4=late)
    gate = coordination(played)["qualityGate"]
    assert (gate["completionRate"], gate["status"]) == (0.6, "held")
    assert gate["failed"] == dict.fromkeys(["level2_2", "level2_4"], "it ran out of time")


STOPPER = """
condition = {"$children": {"level2": {"running": 5}}}

async def content(task):
    for number in (2, 4):
        task.stop(f"{task.id}.2.{number}")
"""


def test_agents_that_were_stopped_count_though_nothing_landed(workspace: Workspace) -> None:
    decide(workspace, "fail")
    (workspace.root / "steps" / "stopper.py").write_text(STOPPER, encoding="utf-8")
    slow: dict[str, Any] = {f"_{number}": [{"answer": FINE, "delay": 0.2}] for number in range(1, AGENTS + 1)}
    played = play(workspace, 1, **slow)
    gate = coordination(played)["qualityGate"]
    assert len(coordination(played)["level2Results"]) == 3
    assert (gate["completionRate"], gate["failed"]) == (0.6, {"level2_2": "stopped", "level2_4": "stopped"})


# -- escalations -----------------------------------------------------------------------------------------------------


def test_an_escalation_comes_before_the_synthesis_and_may_be_accepted(workspace: Workspace) -> None:
    decide(workspace, "accept")
    played = play(workspace, 1, _3=[ESCALATES])
    check_phases(played, 1)
    [asked] = questions(played, "hierarchy/escalation")
    assert "no prices" in asked
    [handled] = coordination(played)["escalations"]
    assert (handled["action"], list(handled["escalated"])) == ("accept", ["level2_3"])
    assert "no prices" in questions(played, "hierarchy/synthesizer")[0]


def test_an_agent_that_is_sent_out_again_is_given_guidance(workspace: Workspace) -> None:
    workspace.script("hierarchy/escalation", [{"answer": {"action": "retry", "guidance": "estimate them"}}])
    played = play(workspace, 1, _3=[ESCALATES, {"answer": FINE}])
    again = played.children[-1]
    assert again.data["level2Agent"]["agentId"] == "level2_3"
    assert "estimate them" in questions(again, "hierarchy/agent")[0]
    assert "estimate them" not in questions(played.children[2], "hierarchy/agent")[0]


@pytest.mark.parametrize(
    ("troubles", "choice"),
    [({"_3": [ESCALATES]}, ["retry", "accept"]), ({"_2": [OVERLOADED], "_3": [OVERLOADED]}, ["retry", "fail"])],
)
def test_the_escalation_agent_has_the_choice_that_there_is(
    workspace: Workspace, troubles: dict[str, Any], choice: list[str]
) -> None:
    """What fell short cannot be accepted, and what suffices need not fail."""
    decide(workspace, choice[1])
    [call] = play(workspace, 1, **troubles).events("call_answered", step="hierarchy/escalation")
    assert call["arguments"]["schema"]["properties"]["action"]["enum"] == choice


def test_after_two_retries_an_escalation_is_accepted_unasked(workspace: Workspace) -> None:
    decide(workspace, "retry")
    played = play(workspace, 1, _3=[ESCALATES])
    check_phases(played, 1)
    assert len(questions(played, "hierarchy/escalation")) == 2
    assert [entry["action"] for entry in coordination(played)["escalations"]] == ["retry", "retry", "accept"]


def test_after_two_retries_a_phase_that_falls_short_fails(workspace: Workspace) -> None:
    decide(workspace, "retry")
    played = play(workspace, 2, _2=[OVERLOADED], _4=[POOR])
    assert (played.ended.code, played.state) == (1, "error")
    assert len(questions(played, "hierarchy/escalation")) == 2
    assert [entry["action"] for entry in coordination(played)["escalations"]] == ["retry", "retry", "fail"]
    assert len(played.children) == AGENTS + 2 + 2


def test_a_failed_phase_ends_the_task_in_error_and_says_why(workspace: Workspace) -> None:
    decide(workspace, "fail")
    played = play(workspace, 2, _2=[OVERLOADED], _4=[POOR])
    assert (played.ended.code, played.state) == (1, "error")
    message = played.record["errors"]["hierarchy/failure"]["message"]
    for fact in ("phase 0", "60%", "level2_2", "the model is overloaded", "level2_4: quality 84 is below 85"):
        assert fact in message
    assert orchestration(played)["phaseExecution"]["phaseStatus"] == "failed"
    assert orchestration(played)["completedPhases"] == []
    assert "hierarchicalSynthesis" not in played.data


# -- neighbours ------------------------------------------------------------------------------------------------------


def test_only_steps_of_the_hierarchy_fire(workspace: Workspace) -> None:
    decide(workspace, "retry")
    played = play(workspace, 2, _3=[ESCALATES, {"answer": FINE}])
    for task in (played, *played.children):
        assert {step["step"].partition("/")[0] for step in task.record["steps"]} == {"hierarchy"}


@pytest.mark.parametrize("example", ["adaptation", "analytics", "planning", "recovery", "research"])
def test_no_step_of_the_hierarchy_fires_in_another_workflow(workspace: Workspace, example: str) -> None:
    """Each step's record, subtasks included, would show that it so much as looked."""
    played = workspace.run(example, workspace.example(example))
    assert played.record["steps"]
    assert not [step for step in played.record["steps"] if step["step"].startswith("hierarchy/")]


# -- the stories -----------------------------------------------------------------------------------------------------


def story(workspace: Workspace, name: str) -> Played:
    command = ("task", "new", "Heat pumps", "-f", "examples/hierarchy.json", "--responses", f"examples/{name}")
    ended = workspace.aloma(*command)
    return workspace.played(ended.out.strip(), ended)


def test_in_the_first_story_one_agent_fails_and_the_phase_passes(workspace: Workspace) -> None:
    played = story(workspace, "one-agent-fails")
    assert (played.ended.code, played.state) == (0, "done")
    assert [phase["failedAgents"] for phase in played.record["result"]["phases"]] == [1, 0]
    assert "hierarchy/escalation" not in played.count("fired")


def test_in_the_second_story_one_agent_escalates_and_is_sent_out_again(workspace: Workspace) -> None:
    played = story(workspace, "one-agent-escalates")
    assert (played.ended.code, played.count("fired")) == (0, STORY_FIRED)


def test_in_the_third_story_too_few_agents_complete(workspace: Workspace) -> None:
    played = story(workspace, "too-few-agents")
    assert (played.ended.code, played.state) == (1, "error")
    assert played.count("fired")["hierarchy/escalation"] == 2
