"""The research project: one agent for each domain, side by side; a synthesis when all have ended; a report."""

from __future__ import annotations

import random
import re
from itertools import permutations
from typing import Any

import pytest

from tests.workflows.workspace import Played, Workspace

DOMAINS = ("competitive_landscape", "market_trends", "customer_needs", "technology_assessment")
GAP = 0.1  # seconds between the ends of two agents

OVERLOADED = {"error": {"status": 503, "message": "the model is overloaded"}}


@pytest.fixture
def played(workspace: Workspace) -> Played:
    """The example, with answers that are simulated because nothing is set up."""
    return play(workspace)


def play(workspace: Workspace, **changes: Any) -> Played:
    """Run the example; `changes` are fields of its project, None for one that is missing."""
    data = workspace.example("research")
    data["researchProject"] |= changes
    data["researchProject"] = {key: value for key, value in data["researchProject"].items() if value is not None}
    return workspace.run("Multi-Agent Research Project", data)


def execution(played: Played) -> dict[str, Any]:
    found: dict[str, Any] = played.data["researchProject"]["parallelExecution"]
    return found


def assignment(child: Played) -> dict[str, Any]:
    found: dict[str, Any] = child.data["parallelResearchAgent"]
    return found


def question(played: Played) -> str:
    """What the synthesis asked the model."""
    [call] = played.events("call_answered", step="research/synthesis")
    return str(call["arguments"]["messages"][-1]["content"])


def script(workspace: Workspace, *replies: dict[str, Any]) -> None:
    """Write the answers of the agents beforehand, in the order of the domains."""
    entries = [
        {"when": {"parallelResearchAgent": {"domain": domain}}, **reply}
        for domain, reply in zip(DOMAINS, replies, strict=True)
    ]
    workspace.script("research/agent", entries)


def found_in(domain: str) -> dict[str, Any]:
    """An answer that can be told from those of the other domains."""
    return {
        "domainFindings": [f"finding of {domain}"],
        "keyInsights": [f"insight of {domain}"],
        "crossDomainConnections": [f"connection of {domain}"],
        "criticalFlags": [],
    }


# -- the coordinator and its agents ----------------------------------------------------------------------------------


def test_the_coordinator_fires_once_and_makes_four_subtasks(played: Played) -> None:
    assert played.count("fired")["research/coordinator"] == 1
    assert [child.record["name"] for child in played.children] == [f"Parallel Research: {name}" for name in DOMAINS]


def test_agents_have_ids_made_of_their_domains(played: Played) -> None:
    assert [assignment(child)["agentId"] for child in played.children] == [f"research_{name}" for name in DOMAINS]


def test_no_subtask_is_waited_for(played: Played) -> None:
    created = [event for child in played.children for event in child.events("task_created")]
    assert [event.get("wait_for", False) for event in created] == [False] * 4


def test_an_agent_has_the_scope_of_its_domain(played: Played) -> None:
    scope = played.data["researchProject"]["scope"]
    assert [assignment(child)["researchScope"] for child in played.children] == [scope[name] for name in DOMAINS]


def test_an_agent_knows_its_project_and_the_deadline(played: Played) -> None:
    project = played.data["researchProject"]
    for child in played.children:
        assert assignment(child)["parentProject"] == project["name"]
        assert assignment(child)["deadline"] == project["deadline"]


def test_all_agents_share_one_coordination_id(played: Played) -> None:
    ids = {assignment(child)["coordinationId"] for child in played.children}
    assert ids == {execution(played)["coordinationId"]}
    assert re.fullmatch(r"coord_\d{13}", ids.pop())


def test_each_agent_ends_done_with_results_for_its_own_domain(played: Played) -> None:
    for domain, child in zip(DOMAINS, played.children, strict=True):
        assert child.state == "done"
        assert assignment(child)["completed"] is True
        results = assignment(child)["results"]
        assert (results["domain"], results["status"]) == (domain, "completed")
        assert results["researchMetrics"]["insightsGenerated"] == len(results["insights"])
        assert execution(played)["findings"][f"research_{domain}"]["result"] == results


def test_the_four_agents_run_side_by_side(workspace: Workspace) -> None:
    script(workspace, *[{"answer": {}, "delay": 0.3}] * 4)
    played = play(workspace)
    started = [child.events("firing_started")[0]["at"] for child in played.children]
    ended = [child.events("committed")[0]["at"] for child in played.children]
    assert max(started) < min(ended)


def test_agents_start_in_the_order_of_the_domains(played: Played) -> None:
    firings = [child.events("firing_started")[0]["firing"] for child in played.children]
    assert firings == sorted(firings)


# -- the synthesis ---------------------------------------------------------------------------------------------------


def test_the_synthesis_asks_the_model_once(played: Played) -> None:
    assert len(played.events("call_answered", step="research/synthesis")) == 1


def test_the_synthesis_starts_when_all_four_results_are_in(played: Played) -> None:
    events = played.workspace.aloma("task", "log", played.id, "--json").json
    steps = [event["event"] for event in events if event.get("by") == "landing" or "synthesis" in event.get("step", "")]
    assert steps[:5] == ["committed"] * 4 + ["firing_started"]


def test_no_step_looks_and_finds_it_too_early(played: Played) -> None:
    """The join is a condition, so nobody has to come and count."""
    assert played.count("looked") == {}
    assert played.count("voided") == {}


def test_the_synthesis_is_asked_about_what_all_four_domains_found(workspace: Workspace) -> None:
    script(workspace, *({"answer": found_in(domain)} for domain in DOMAINS))
    asked = question(play(workspace))
    for domain in DOMAINS:
        assert f"finding of {domain}" in asked
        assert f"insight of {domain}" in asked
        assert f"connection of {domain}" in asked


def test_the_synthesis_counts_the_agents_it_used(played: Played) -> None:
    assert execution(played)["synthesisComplete"] is True
    synthesis = execution(played)["synthesis"]
    assert synthesis["parallelAgentsUsed"] == 4
    assert synthesis["failedAgents"] == 0
    assert synthesis["totalDomainsCovered"] == 4
    assert synthesis["synthesizedBy"] == "parallel_synthesis_agent"


def test_the_synthesis_keeps_the_whole_answer(workspace: Workspace) -> None:
    answer = {"strategicRecommendations": ["a", "b", "c"], "qualityAssessment": "good", "more": {"than": "asked"}}
    workspace.script("research/synthesis", [{"answer": answer}])
    played = play(workspace)
    synthesis = execution(played)["synthesis"]
    assert answer.items() <= synthesis.items()
    assert synthesis["synthesisQuality"] == "good"
    assert "3 recommendations from 4 agents" in played.logged("info")[-2]


def test_every_domain_is_noted_as_completed(played: Played) -> None:
    assert [agent["status"] for agent in execution(played)["activeDomains"]] == ["completed"] * 4
    assert execution(played)["completedDomains"] == list(DOMAINS)


def test_the_finisher_completes_the_task_with_the_report(played: Played) -> None:
    assert (played.ended.code, played.state) == (0, "done")
    report = played.record["result"]
    assert report["project"] == "Market Analysis for AI Tools"
    assert report["synthesis"] == execution(played)["synthesis"]
    assert report["completedDomains"] == list(DOMAINS)
    assert set(report["criticalFlags"]) == set(DOMAINS)


def test_a_first_run_without_a_key_says_that_its_answers_are_simulated(played: Played) -> None:
    assert "simulated" in played.ended.err.splitlines()[0]
    assert played.record["usage"]["simulated"] == 5
    assert "(simulated)" in execution(played)["synthesis"]["executiveSummary"]


# -- whatever the order ----------------------------------------------------------------------------------------------

ORDERS = random.Random(7).sample(sorted(permutations(range(4))), 8)


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_the_outcome_is_the_same_in_whatever_order_agents_end(workspace: Workspace, order: tuple[int, ...]) -> None:
    """The results land in the order given, and neither the synthesis nor the document shows it."""
    in_step = play_in_order(workspace, tuple(range(4)))
    played = play_in_order(workspace, order)
    landed = [event["child"] for event in played.events("committed", by="landing")]
    assert landed == [played.children[place].id for place in order]
    assert (played.state, played.count("fired")) == ("done", in_step.count("fired"))
    assert played.count("looked") == {}
    assert played.steady(question(played)) == in_step.steady(question(in_step))
    assert played.steady(played.data) == in_step.steady(in_step.data)


def play_in_order(workspace: Workspace, order: tuple[int, ...]) -> Played:
    delays = [GAP * order.index(place) for place in range(4)]
    script(workspace, *({"answer": found_in(d), "delay": delay} for d, delay in zip(DOMAINS, delays, strict=True)))
    return play(workspace)


# -- domains that fail -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failing", DOMAINS)
def test_one_domain_that_fails_does_not_stop_the_others(workspace: Workspace, failing: str) -> None:
    """It counts as failed, with a warning, and the synthesis is made of the rest."""
    script(workspace, *(OVERLOADED if domain == failing else {"answer": found_in(domain)} for domain in DOMAINS))
    played = play(workspace)
    others = [domain for domain in DOMAINS if domain != failing]
    synthesis = execution(played)["synthesis"]
    assert (played.ended.code, played.state) == (0, "done")
    assert (synthesis["parallelAgentsUsed"], synthesis["failedAgents"]) == (3, 1)
    assert played.logged("warning") == [f"1 failed: {failing}"]
    assert all(f"finding of {domain}" in question(played) for domain in others)
    assert re.search(f'Failed domains: {{\\n  "{failing}": ".*the model is overloaded', question(played))
    assert execution(played)["completedDomains"] == others
    assert played.record["result"]["completedDomains"] == others


def test_a_failed_agent_completes_and_says_what_failed(workspace: Workspace) -> None:
    script(workspace, OVERLOADED, *[{"answer": {}}] * 3)
    child = play(workspace).children[0]
    results = assignment(child)["results"]
    assert (child.state, results["status"]) == ("done", "failed")
    assert "the model is overloaded" in results["error"]
    assert child.logged("error") == [f"research_competitive_landscape failed: {results['error']}"]


def test_an_answer_that_cannot_be_used_fails_its_domain_only(workspace: Workspace) -> None:
    script(workspace, {"answer": "I would rather not say."}, *[{"answer": {}}] * 3)
    played = play(workspace)
    assert (played.state, execution(played)["synthesis"]["failedAgents"]) == ("done", 1)


def test_an_agent_that_never_ran_counts_as_failed(workspace: Workspace) -> None:
    """A subtask that no step matches ends as ignored."""
    agent = workspace.root / "steps/research/agent.py"
    agent.write_text(agent.read_text(encoding="utf-8") + "\nenabled = False\n", encoding="utf-8")
    played = play(workspace)
    assert [child.state for child in played.children] == ["ignored"] * 4
    assert execution(played)["synthesis"]["failedAgents"] == 4


def test_when_all_fail_no_model_is_asked_for_a_synthesis(workspace: Workspace) -> None:
    script(workspace, *[OVERLOADED] * 4)
    played = play(workspace)
    assert played.events("call_answered") == []
    synthesis = execution(played)["synthesis"]
    assert (synthesis["parallelAgentsUsed"], synthesis["failedAgents"]) == (0, 4)
    assert synthesis["executiveSummary"].startswith("No research agent completed")


def test_a_project_of_which_nothing_came_is_no_success(workspace: Workspace) -> None:
    """The task ends in error, and the error says why the agents failed."""
    script(workspace, *[OVERLOADED] * 4)
    played = play(workspace)
    assert (played.ended.code, played.state) == (1, "error")
    assert "the model is overloaded" in played.record["errors"]["research/finisher"]["message"]


# -- unusual projects ------------------------------------------------------------------------------------------------


def test_a_project_without_domains_is_ignored_and_told_what_is_missing(workspace: Workspace) -> None:
    played = play(workspace, domains=[])
    assert (played.ended.code, played.state) == (6, "ignored")
    assert "researchProject.domains is []" in played.ended.err


def test_a_project_needs_no_scope_no_deadline_and_no_name(workspace: Workspace) -> None:
    played = play(workspace, scope=None, deadline=None, name=None)
    assert played.state == "done"
    assert [assignment(child)["researchScope"] for child in played.children] == [{}] * 4
    assert "null" not in question(played).partition("Results by domain")[0]


def test_a_domain_may_have_dots_and_blanks_in_its_name(workspace: Workspace) -> None:
    played = play(workspace, domains=["ASP.NET  Hosting"])
    assert set(execution(played)["findings"]) == {"research_asp.net_hosting"}
    assert execution(played)["completedDomains"] == ["ASP.NET  Hosting"]


def test_one_domain_is_reported_in_the_singular(workspace: Workspace) -> None:
    workspace.script("research/synthesis", [{"answer": {"strategicRecommendations": ["a"]}}])
    played = play(workspace, domains=["market_trends"])
    for line in (
        "Coordinating parallel research in 1 domain",
        "1 parallel research agent launched",
        "1 of 1 research agent completed",
        "Synthesis complete: 1 recommendation from 1 agent",
        "Final report: 1 of 1 domain",
    ):
        assert line in played.logged("info")


def test_two_spellings_of_one_id_are_two_agents(workspace: Workspace) -> None:
    played = play(workspace, domains=["Market Trends", "market_trends"])
    assert set(execution(played)["findings"]) == {"research_market_trends", "research_market_trends_2"}
    assert execution(played)["synthesis"]["parallelAgentsUsed"] == 2


def test_a_domain_named_twice_is_researched_once(workspace: Workspace) -> None:
    played = play(workspace, domains=["market_trends", "market_trends"])
    assert (len(played.children), execution(played)["totalDomains"]) == (1, 1)


def test_only_steps_of_research_fire(played: Played) -> None:
    assert {name.partition("/")[0] for name in played.count("fired")} == {"research"}
