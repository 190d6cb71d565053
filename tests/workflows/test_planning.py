"""Planning and execution: a plan, and for each of its phases research, analysis and a decision, handed on in turn."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import settings

from aloma_cli.loader.workspace import load_workspace
from tests.workflows.chance import count, play_by_chance, steady
from tests.workflows.workspace import REPOSITORY, Played, Workspace

STORY = REPOSITORY / "examples" / "two-phases"
RUNS = settings().max_examples

OVERLOADED = {"error": {"status": 503, "message": "the model is overloaded"}}

SCOPES = [(2, 1), (1, 3, 2)]
"""How many domains are researched in each phase."""


def fired(scopes: tuple[int, ...]) -> dict[str, int]:
    """How often each step is to fire in a plan whose phases have so many domains."""
    phases = len(scopes)
    per_phase = ("advancer", "analysis", "coordinator", "decision", "gatherer")
    counts = {"planner": 1, "assigner": 3 * phases, "research": sum(scopes), **dict.fromkeys(per_phase, phases)}
    return {f"planning/{name}": times for name, times in counts.items()}


def domain(phase: int, place: int) -> str:
    return f"domain {phase}.{place}"


def script(workspace: Workspace, scopes: tuple[int, ...]) -> None:
    """Write a plan whose phases have so many domains."""
    phases = [{"name": f"phase {phase}"} for phase in range(len(scopes))]
    workspace.script("planning/planner", [{"answer": {"phases": phases, "decisionCriteria": ["a criterion"]}}])
    entries = [
        {
            "when": {"workflow": {"execution": {"currentPhase": phase}}},
            "answer": {"parallelAgents": [{"domain": domain(phase, place)} for place in range(domains)]},
        }
        for phase, domains in enumerate(scopes)
    ]
    workspace.script("planning/coordinator", entries)


def script_research(workspace: Workspace, **replies: Any) -> None:
    """Write what research in some domains of the first phase comes to, by place."""
    entries = [
        {"when": {"agentAssignment": {"scope": {"domain": domain(0, int(place[1:]))}}}, **reply}
        for place, reply in replies.items()
    ]
    workspace.script("planning/research", entries)


def play(workspace: Workspace, scopes: tuple[int, ...] = (2, 1)) -> Played:
    script(workspace, scopes)
    return workspace.run("Second warehouse", workspace.example("planning"))


@pytest.fixture
def played(workspace: Workspace) -> Played:
    """Two phases, with two domains in the first."""
    return play(workspace)


def execution(played: Played) -> dict[str, Any]:
    found: dict[str, Any] = played.data["workflow"]["execution"]
    return found


def questions(played: Played, step: str) -> list[str]:
    """What a step of this task asked the model, call by call."""
    return [str(call["arguments"]["messages"][-1]["content"]) for call in played.events("call_answered", step=step)]


def commits(played: Played, step: str) -> list[dict[str, Any]]:
    return played.events("committed", by="firing", step=step)


# -- how often -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scopes", SCOPES, ids=str)
def test_each_agent_fires_once_in_each_phase_and_research_once_for_each_domain(
    workspace: Workspace, scopes: tuple[int, ...]
) -> None:
    played = play(workspace, scopes)
    assert (played.ended.code, played.state, played.record["closed"]) == (0, "done", True)
    assert played.count("fired") == fired(scopes)
    assert execution(played)["currentPhase"] == len(scopes)
    assert [phase["phaseIndex"] for phase in execution(played)["phasesCompleted"]] == list(range(len(scopes)))


@pytest.mark.parametrize("scopes", SCOPES, ids=str)
def test_no_firing_looks_and_none_is_voided(workspace: Workspace, scopes: tuple[int, ...]) -> None:
    played = play(workspace, scopes)
    assert played.count("looked") == played.count("voided") == played.count("failed") == {}


def test_a_plan_of_one_phase_ends_with_that_phase(workspace: Workspace) -> None:
    played = play(workspace, (1,))
    assert (played.state, played.count("fired")) == ("done", fired((1,)))


def test_whatever_the_order_and_however_long_it_takes_the_outcome_is_the_same(tmp_path: Path) -> None:
    loaded, random = load_workspace(REPOSITORY, tmp_path, {}), Random(5)
    data = Workspace(REPOSITORY).example("planning")
    durations, documents = set(), set()
    for _ in range(RUNS):
        task = play_by_chance(loaded, data, STORY, random, tmp_path)
        assert (task.state, count(task, "fired")) == ("done", fired((2, 1)))
        assert count(task, "looked") == count(task, "voided") == {}
        assert task.data["workflow"]["execution"]["currentPhase"] == 2
        durations.add(task.record["seconds"])
        documents.add(steady(task))
    assert len(documents) == 1
    assert len(durations) > RUNS / 2


# -- the plan and its phases -----------------------------------------------------------------------------------------


def test_the_planner_writes_the_plan_and_opens_the_first_phase(played: Played) -> None:
    plan = played.data["workflow"]["masterPlan"]
    assert [phase["name"] for phase in plan["phases"]] == ["phase 0", "phase 1"]
    assert (plan["planningAgent"], plan["planVersion"]) == ("master_planner", "1.0")
    assert {"requiredAgents", "decisionCriteria", "planCreatedAt"} <= plan.keys()


def test_the_planner_is_asked_about_objective_scope_resources_and_constraints(played: Played) -> None:
    [asked] = questions(played, "planning/planner")
    for fact in ("second warehouse in Portugal", "carriers", "40000", "board"):
        assert fact in asked


def test_a_workflow_needs_no_resources_and_no_constraints(workspace: Workspace) -> None:
    script(workspace, (1,))
    played = workspace.run("Bare", {"workflow": {"objective": "decide", "scope": {}}})
    assert played.state == "done"
    assert "null" not in questions(played, "planning/planner")[0]


def test_a_phase_is_coordinated_with_what_earlier_phases_decided(workspace: Workspace) -> None:
    workspace.script("planning/decision", [{"answer": {"primaryRecommendations": ["a decision"]}}])
    first, second = questions(play(workspace), "planning/coordinator")
    assert "phase 0" in first
    assert "Completed phases" not in first
    assert "phase 1" in second
    assert second.count("a decision") == 2


def test_a_phase_is_closed_and_the_next_one_opened_in_one_commit(played: Played) -> None:
    closed, last = commits(played, "planning/advancer")
    changed = {"/".join(change["path"].split("/")[:4]) for change in closed["changes"]}
    fields = ("status", "currentPhase", "phaseAgents", "agentCoordination")
    assert changed == {"/agentAssignment", *(f"/workflow/execution/{field}" for field in fields)}
    assert last["completed"]["result"] == played.record["result"]


def test_in_the_end_nothing_of_a_phase_is_left_standing(played: Played) -> None:
    ended = execution(played)
    assert (ended["status"], ended["phaseAgents"], ended["agentCoordination"]) == ("completed", {}, {})
    assert "agentAssignment" not in played.data
    assert "researchFindings" not in ended


def test_the_task_is_completed_with_what_each_phase_decided(played: Played) -> None:
    report = played.record["result"]
    assert report["objective"] == played.data["workflow"]["objective"]
    assert [phase["phaseName"] for phase in report["phases"]] == ["phase 0", "phase 1"]
    assert all(phase["decisions"] for phase in report["phases"])
    assert report["decisions"] == execution(played)["sharedContext"]["decisions"]


# -- the specialists, one after the other ----------------------------------------------------------------------------


def test_specialists_work_one_after_the_other_in_each_phase(played: Played) -> None:
    steps = [event["step"] for event in played.events("committed", by="firing")]
    specialists = ["planning/gatherer", "planning/analysis", "planning/decision", "planning/advancer"]
    assert [step for step in steps if step in specialists] == specialists * 2


def test_a_closed_phase_names_the_agents_it_used(played: Played) -> None:
    used = [phase["agentsUsed"] for phase in execution(played)["phasesCompleted"]]
    assert used == [["research_agent", "analysis_agent", "decision_agent"]] * 2


def test_a_specialist_has_the_objectives_that_the_coordinator_set_for_it(workspace: Workspace) -> None:
    script(workspace, (1,))
    objectives = [
        {"agent": agent, "objective": f"what the {agent} is for"} for agent in ("decision_agent", "analysis_agent")
    ]
    workspace.script("planning/coordinator", [{"answer": {"sequentialAgents": objectives}}])
    played = workspace.run("Second warehouse", workspace.example("planning"))
    for step in ("analysis", "decision"):
        [asked] = questions(played, f"planning/{step}")
        assert re.findall(r"what the (\w+)_agent is for", asked.rpartition("\nObjectives")[2]) == [step]


def test_the_analysis_is_asked_about_what_all_domains_found(workspace: Workspace) -> None:
    found = {f"_{place}": {"answer": {"keyFindings": [f"finding {place}"]}} for place in range(2)}
    script_research(workspace, **found)
    asked, _ = questions(play(workspace), "planning/analysis")
    assert "finding 0" in asked
    assert "finding 1" in asked


def test_research_is_asked_with_the_objective_and_the_goal_of_its_phase(workspace: Workspace) -> None:
    script(workspace, (1,))
    workspace.script("planning/planner", [{"answer": {"phases": [{"name": "phase 0", "goal": "what phase 0 is for"}]}}])
    coordination = {"parallelAgents": [{"domain": "sites"}], "sharedData": ["the orders"]}
    workspace.script("planning/coordinator", [{"answer": coordination}])
    [child] = workspace.run("Second warehouse", workspace.example("planning")).children
    [asked] = questions(child, "planning/research")
    for fact in ("second warehouse in Portugal", "what phase 0 is for", "the orders"):
        assert fact in asked


def test_the_decision_is_asked_with_constraints_and_quality_gates(workspace: Workspace) -> None:
    script(workspace, (1,))
    workspace.script(
        "planning/coordinator", [{"answer": {"qualityGates": ["a gate"], "checkpoints": ["a checkpoint"]}}]
    )
    played = workspace.run("Second warehouse", workspace.example("planning"))
    [decision], [analysis] = questions(played, "planning/decision"), questions(played, "planning/analysis")
    assert '"decisionBy": "board"' in decision
    assert "a gate" in decision
    assert "a checkpoint" in analysis


def test_the_decision_is_asked_with_the_criteria_of_the_plan(workspace: Workspace) -> None:
    workspace.script("planning/analysis", [{"answer": {"criticalFlags": ["a flag"], "handoffSummary": "a summary"}}])
    [asked] = questions(play(workspace, (1,)), "planning/decision")
    for fact in ("a criterion", "a flag", "a summary"):
        assert fact in asked


NEIGHBOUR = """
condition = {"agentAssignment": {"type": "analysis_agent"}, "noted": None}

async def content(data):
    data["workflow"]["execution"]["phaseAgents"]["observer"] = {"status": "watching"}
    data["noted"] = True
"""


def test_what_others_note_of_a_phase_is_no_hand_off(workspace: Workspace) -> None:
    (workspace.root / "steps" / "neighbour.py").write_text(NEIGHBOUR, encoding="utf-8")
    workspace.script("planning/analysis", [{"answer": {}, "delay": 0.1}])
    played = play(workspace)
    assert (played.state, played.count("fired")) == ("done", fired((2, 1)) | {"neighbour": 1})
    assert played.count("looked") == {"planning/assigner": 1}


@pytest.mark.parametrize("given", [None, {"type": "research_agent", "taskReady": True, "scope": {"domain": "mine"}}])
def test_an_assignment_in_the_data_is_replaced(workspace: Workspace, given: Any) -> None:
    """Also one for which the research agent would fire in the workflow's own document."""
    script(workspace, (1,))
    played = workspace.run("Given", workspace.example("planning") | {"agentAssignment": given})
    assert (played.state, played.count("fired")) == ("done", fired((1,)))


# -- research, side by side ------------------------------------------------------------------------------------------


def test_domains_of_one_phase_are_researched_side_by_side(workspace: Workspace) -> None:
    script_research(workspace, _0={"answer": {}, "delay": 0.2}, _1={"answer": {}, "delay": 0.2})
    first, second = play(workspace).children[:2]
    started = [child.events("firing_started")[0]["at"] for child in (first, second)]
    ended = [child.events("committed")[0]["at"] for child in (first, second)]
    assert max(started) < min(ended)


def test_a_subtask_holds_what_research_reads_and_wakes_no_other_step(played: Played) -> None:
    for child in played.children:
        assert child.state == "done"
        assert child.count("fired") == {"planning/research": 1}
        assert child.count("looked") == {}
        assert child.data.keys() == {"workflow", "agentAssignment"}
        assert child.data["workflow"].keys() == {"execution"}
        assert child.data["workflow"]["execution"].keys() == {"agentCoordination", "sharedContext"}


def test_findings_of_all_phases_stand_in_the_shared_context(played: Played) -> None:
    research = execution(played)["sharedContext"]["research"]
    assert list(research) == [domain(0, 0), domain(0, 1), domain(1, 0)]
    for found in research.values():
        assert {"findings", "insights", "recommendations", "confidenceLevel", "researchedBy"} <= found.keys()


def test_the_gatherer_waits_for_the_last_domain(workspace: Workspace) -> None:
    script_research(workspace, _0={"answer": {}, "delay": 0.1}, _1={"answer": {}})
    events = play(workspace).workspace.aloma("task", "log", "@last", "--json").json
    kinds = [event.get("step", event["by"]) for event in events if event["event"] == "committed"]
    assert kinds[3:6] == ["landing", "landing", "planning/gatherer"]


def test_a_domain_named_twice_is_researched_once(workspace: Workspace) -> None:
    script(workspace, (1,))
    workspace.script("planning/coordinator", [{"answer": {"parallelAgents": [{"domain": "demand"}] * 2}}])
    played = workspace.run("Twice", workspace.example("planning"))
    assert (played.state, len(played.children)) == ("done", 1)


@pytest.mark.parametrize("name", ["1", "", "a.b", 'say "x"'])
def test_a_domain_may_have_any_name(workspace: Workspace, name: str) -> None:
    script(workspace, (1,))
    workspace.script("planning/coordinator", [{"answer": {"parallelAgents": [{"domain": name}, {"domain": "other"}]}}])
    played = workspace.run("Names", workspace.example("planning"))
    assert played.state == "done"
    assert list(execution(played)["sharedContext"]["research"]) == [name, "other"]


# -- what fails ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reply", [OVERLOADED, {"answer": "I would rather not say."}], ids=["overloaded", "prose"])
def test_a_domain_whose_research_fails_does_not_stop_the_phase(workspace: Workspace, reply: dict[str, Any]) -> None:
    """The gatherer warns, and the analysis is told which domain is missing, why, and what the plan says of it."""
    script_research(workspace, _1=reply)
    played = play(workspace)
    assert (played.ended.code, played.state) == (0, "done")
    assert played.logged("warning") == [f"1 research agent failed: {domain(0, 1)}"]
    assert list(execution(played)["sharedContext"]["research"]) == [domain(0, 0), domain(1, 0)]
    asked, later = questions(played, "planning/analysis")
    assert f'Domains whose research failed: {{\n  "{domain(0, 1)}": "' in asked
    assert "Plan for failures" in asked
    assert "Plan for failures" not in later


def test_a_phase_in_which_all_research_fails_ends_the_task_in_error(workspace: Workspace) -> None:
    workspace.script("planning/research", [OVERLOADED])
    played = play(workspace)
    assert (played.ended.code, played.state) == (1, "error")
    assert "the model is overloaded" in played.record["errors"]["planning/gatherer"]["message"]
    assert "planning/analysis" not in played.count("fired")


@pytest.mark.parametrize("step", ["planner", "coordinator", "analysis", "decision"])
def test_after_a_failure_the_workflow_is_resumed_where_it_stood(workspace: Workspace, step: str) -> None:
    """The agent that failed fires again, and nobody else does so twice."""
    script(workspace, (2, 1))
    path = workspace.root / "responses" / "planning" / f"{step}.json"
    answer = {"phases": [{"name": "phase 0"}, {"name": "phase 1"}]} if step == "planner" else {}
    if step != "coordinator":
        workspace.script(f"planning/{step}", [{"calls": [OVERLOADED, {"answer": answer}]}])
    else:
        written = path.read_text(encoding="utf-8")
        path.write_text('[{"error": {"status": 503, "message": "the model is overloaded"}}]', encoding="utf-8")
    failed = workspace.run("Second warehouse", workspace.example("planning"))
    assert (failed.state, list(failed.record["errors"])) == ("error", [f"planning/{step}"])

    if step == "coordinator":
        path.write_text(written, encoding="utf-8")
    resumed = workspace.played(failed.id, workspace.aloma("task", "resume", failed.id))
    assert (resumed.state, resumed.count("fired")) == ("done", fired((2, 1)))


# -- neighbours ------------------------------------------------------------------------------------------------------


def test_only_steps_of_planning_fire(played: Played) -> None:
    for task in (played, *played.children):
        touched = {name.partition("/")[0] for what in ("fired", "looked", "failed") for name in task.count(what)}
        assert touched == {"planning"}


@pytest.mark.parametrize("example", ["adaptation", "analytics", "hierarchy", "recovery", "research"])
def test_no_step_of_planning_fires_in_another_workflow(workspace: Workspace, example: str) -> None:
    """Each step's record, subtasks included, would show that it so much as looked."""
    played = workspace.run(example, workspace.example(example))
    assert played.record["steps"]
    assert not [step for step in played.record["steps"] if step["step"].startswith("planning/")]


# -- the story -------------------------------------------------------------------------------------------------------


def test_the_story_is_told_to_its_end(workspace: Workspace) -> None:
    ended = workspace.aloma(
        "task", "new", "Second warehouse", "-f", "examples/planning.json", "--responses", "examples/two-phases"
    )
    played = workspace.played(ended.out.strip(), ended)
    assert (ended.code, played.count("fired")) == (0, fired((2, 1)))
    assert played.record["result"]["decisions"]["primaryRecommendations"][0] == "(scripted) Open in Maia in May."
    asked = questions(played, "planning/decision")
    assert "No carrier has been asked." in asked[0]
    assert "The last mile from Maia costs a third less." in asked[1]
    assert "Analysis completed: 1 insight, 1 pattern" in played.logged("info")
