"""Analytics: a workflow runs, its real figures are analysed, and at a low score it is adapted and runs again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.servers import Llama
from tests.workflows.workspace import Played, Workspace

ANALYST, CONTROLLER = "analytics/analyst", "adaptation/controller"
BUSY = {"error": {"status": 503, "message": "the model is overloaded"}}
COUNTS = ("fired", "looked", "failed", "voided", "calls", "simulated", "input_tokens", "output_tokens")
STORY = ("--responses", "examples/low-score")


def play(workspace: Workspace, data: Any = None, *options: str) -> Played:
    return workspace.run("Analytics", workspace.example("analytics") if data is None else data, *options)


def score(workspace: Workspace, *scores: int) -> None:
    """Say how the analyst judges one run after the other; the last judgement repeats."""
    workspace.script(ANALYST, [{"calls": [{"answer": {"overallPerformanceScore": number}} for number in scores]}])


def decide(workspace: Workspace, **settings: Any) -> None:
    """Say what the controller decides on."""
    answer = {"adaptationType": "resource_reallocation", "settings": settings}
    workspace.script(CONTROLLER, [{"answer": answer}])


def runs(played: Played) -> list[dict[str, Any]]:
    """The figures of the runs, oldest first."""
    past = [run["performanceData"] for run in played.data["workflowRun"]["history"]]
    return [*past, played.data["workflowAnalytics"]["performanceData"]]


def adaptations(played: Played) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = played.record["result"]["adaptations"]
    return found


def question(played: Played, step: str, number: int = 0) -> str:
    """What a step asked the model."""
    call = played.events("call_answered", step=step)[number]
    return str(call["arguments"]["messages"][-1]["content"])


# -- the run and its figures -----------------------------------------------------------------------------------------


def test_it_reaches_its_end_without_being_given_figures(workspace: Workspace) -> None:
    data = workspace.example("analytics")
    assert "workflowAnalytics" not in data
    played = play(workspace, data)
    assert (played.ended.code, played.state, played.record["closed"]) == (0, "done", True)
    assert played.record["result"]["analysis"] == played.data["workflowAnalytics"]["performanceAnalysis"]


def test_the_result_holds_what_the_workflow_came_to(workspace: Workspace) -> None:
    score(workspace, 90)
    played = play(workspace)
    assert played.record["result"]["result"] == played.children[0].record["result"]


@pytest.mark.parametrize("options", [(), STORY], ids=["simulated", "low score"])
def test_the_figures_of_each_run_equal_its_record(workspace: Workspace, options: tuple[str, ...]) -> None:
    """Each step's counts and tokens, the sums, and the time, as `task show --json` prints them for the subtask."""
    if not options:
        score(workspace, 0)
    played = play(workspace, None, *options)
    assert len(runs(played)) == len(played.children) > 1
    for figures, child in zip(runs(played), played.children, strict=True):
        recorded = {step["step"]: {key: step[key] for key in COUNTS if step[key]} for step in child.record["steps"]}
        measured = {name: {key: did[key] for key in COUNTS if key in did} for name, did in figures["steps"].items()}
        assert measured == recorded
        for name in ("calls", "input_tokens", "output_tokens", "cost"):
            assert figures.get(name, 0) == child.record["usage"][name]
        assert figures.get("failures", 0) == sum(child.count("failed").values())
        assert figures["seconds"] == pytest.approx(child.record["seconds"], abs=0.25)
        assert figures["status"] == child.state


def test_the_figures_of_a_run_are_not_those_of_the_runs_before(workspace: Workspace) -> None:
    """Nor those of the analytics itself, whose own calls are in the record of the task."""
    score(workspace, 0)
    played = play(workspace)
    assert [run["calls"] for run in runs(played)] == [3, 3, 3]
    assert played.record["usage"]["calls"] == 9 + 3 + 2
    assert not any(name.startswith(("analytics/", "adaptation/")) for run in runs(played) for name in run["steps"])


def test_the_analyst_is_asked_about_figures_configuration_and_earlier_runs(workspace: Workspace) -> None:
    score(workspace, 41, 90)
    played = play(workspace)
    for fact in ("research/synthesis", "output_tokens", '"run": 1'):
        assert fact in question(played, ANALYST)
    assert "41" not in question(played, ANALYST)
    assert '"performanceScore": 41' in question(played, ANALYST, 1)


def test_the_analysis_has_all_its_parts(workspace: Workspace) -> None:
    analysis = play(workspace).record["result"]["analysis"]
    assert analysis.keys() == {
        "efficiencyMetrics",
        "bottlenecks",
        "agentPerformance",
        "resourceUtilization",
        "qualityAssessment",
        "optimizationRecommendations",
        "scalabilityInsights",
        "costBenefitAnalysis",
        "performanceScore",
        "analyzedAt",
    }


def test_figures_given_by_hand_are_analysed_and_left_at_that(workspace: Workspace) -> None:
    """There is no run, so there is nothing to adapt."""
    data = {"workflowAnalytics": {"performanceData": {"throughput": 45}, "analysisRequired": True}}
    played = play(workspace, data)
    assert (played.state, played.count("fired")) == ("done", {ANALYST: 1})
    assert played.data["workflowAnalytics"]["analysisRequired"] is False
    assert "Analysis complete: score 100/100, 2 recommendations" in played.logged("info")


# -- from a low score to an adaptation -------------------------------------------------------------------------------


def test_a_good_run_is_not_adapted(workspace: Workspace) -> None:
    score(workspace, 70)
    played = play(workspace)
    assert (played.state, len(played.children), adaptations(played)) == ("done", 1, [])
    assert "workflowAdaptation" not in played.data
    assert not any(step.startswith("adaptation/") for step in played.count("fired"))


def test_the_wanted_score_is_the_task_s_own(workspace: Workspace) -> None:
    score(workspace, 69)
    data = workspace.example("analytics")
    data["workflowRun"]["targetScore"] = 69
    assert len(play(workspace, data).children) == 1


def test_a_low_score_has_the_workflow_adapted_and_run_again(workspace: Workspace) -> None:
    score(workspace, 69, 70)
    played = play(workspace)
    assert (played.state, len(played.children), len(adaptations(played))) == ("done", 2, 1)
    assert [run["performanceScore"] for run in played.data["workflowRun"]["history"]] == [69]


def test_it_adapts_at_most_twice_and_each_agent_fires_as_often_as_it_should(workspace: Workspace) -> None:
    score(workspace, 0)
    played = play(workspace)
    assert (played.ended.code, played.state) == (0, "done")
    own = {step: times for step, times in played.count("fired").items() if not step.startswith("research/")}
    assert own == {
        "analytics/launcher": 3,
        "analytics/collector": 3,
        "analytics/analyst": 3,
        "analytics/monitor": 3,
        "adaptation/controller": 2,
        "adaptation/applier": 2,
        "analytics/finisher": 1,
    }
    assert played.count("looked") == {}


def test_the_controller_is_asked_about_figures_score_and_what_can_be_set(workspace: Workspace) -> None:
    score(workspace, 41, 90)
    asked = question(play(workspace), CONTROLLER)
    for fact in ('"performanceScore": 41', "research/synthesis", "concurrency", "tries", "gpt-5-mini", '"run": 1'):
        assert fact in asked


# -- what the applier changes ----------------------------------------------------------------------------------------


def test_more_tries_bring_a_run_to_its_end_that_failed_before(workspace: Workspace) -> None:
    """The story: its second run meets the same busy server as the first, and tries again."""
    played = play(workspace, None, *STORY)
    assert (played.ended.code, played.state) == (0, "done")
    assert [child.state for child in played.children] == ["error", "done"]
    assert [child.count("failed") for child in played.children] == [{"research/synthesis": 1}] * 2
    [decision] = adaptations(played)
    agents = ("research/agent", "research/coordinator", "research/synthesis")
    assert decision["settings"] == {"concurrency": 4, "tries": 3, "model": "gpt-5"}
    assert decision["applied"] == {
        "concurrency": 4,
        "retries": dict.fromkeys(agents, 3),
        "models": {"gpt-4": "gpt-5"},
    }


def test_without_a_decision_on_tries_the_second_run_fails_as_the_first(workspace: Workspace) -> None:
    """And the task says so, whatever score the run was given."""
    score(workspace, 100)
    decide(workspace, concurrency=2)
    workspace.script("research/synthesis", [BUSY])
    played = play(workspace)
    assert (played.ended.code, played.state) == (1, "error")
    assert [child.state for child in played.children] == ["error"] * 3
    assert "ended as error" in played.record["errors"]["analytics/finisher"]["message"]


def test_the_next_run_asks_the_model_that_was_decided_on(workspace: Workspace) -> None:
    score(workspace, 0, 90)
    decide(workspace, model="gpt-5")
    played = play(workspace)
    models = [
        {call["arguments"]["model"] for call in child.events("call_answered", step="research/synthesis")}
        for child in played.children
    ]
    assert models == [{"gpt-4"}, {"gpt-5"}]


def test_a_model_that_was_not_offered_is_not_taken(workspace: Workspace) -> None:
    score(workspace, 0, 90)
    decide(workspace, model="gpt-99")
    played = play(workspace)
    assert [decision["applied"] for decision in adaptations(played)] == [{}]
    assert "Adaptation applied: no setting to change" in played.logged("info")


def test_the_next_run_has_so_many_firings_at_once_as_was_decided(workspace: Workspace) -> None:
    """Three agents of one task, which run side by side at first and one after the other then."""
    text = """
import asyncio

condition = {{"crowd": True, "{name}": None}}

async def content(data, lib):
    lib.crowd.inside += 1
    await asyncio.sleep(0.02)
    data["{name}"] = lib.crowd.inside
    lib.crowd.inside -= 1
"""
    (workspace.root / "libraries" / "crowd.py").write_text("inside = 0\n", encoding="utf-8")
    for name in ("one", "two", "three"):
        (workspace.root / "steps" / f"{name}.py").write_text(text.format(name=name), encoding="utf-8")
    score(workspace, 0, 90)
    decide(workspace, concurrency=1)
    played = play(workspace, {"workflowRun": {"name": "Crowd", "data": {"crowd": True}}})
    most = [max(child.data[name] for name in ("one", "two", "three")) for child in played.children]
    assert most == [3, 1]


@pytest.mark.parametrize(("left", "applied"), [(None, 1), (0, 0), (1, 1), (2, 1)])
def test_a_task_that_monitors_itself_has_its_decision_applied_unless_no_adaptation_is_left(
    workspace: Workspace, left: int | None, applied: int
) -> None:
    data = workspace.example("adaptation")
    if left is not None:
        data["workflowAdaptation"]["adaptationsLeft"] = left
    played = play(workspace, data)
    assert played.state == "done"
    assert played.count("fired") == {CONTROLLER: 1, **({"adaptation/applier": 1} if applied else {})}
    assert played.data["workflowAdaptation"]["adaptationsLeft"] == (1 if left is None else left) - applied


# -- what can go wrong -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [ANALYST, CONTROLLER])
def test_an_analysis_or_decision_that_fails_ends_the_task_as_error(workspace: Workspace, step: str) -> None:
    score(workspace, 0)
    workspace.script(step, [BUSY])
    played = play(workspace)
    assert (played.ended.code, played.state) == (1, "error")
    assert played.record["errors"].keys() == {step}


def test_a_workflow_for_which_there_are_no_steps_has_failed(workspace: Workspace) -> None:
    score(workspace, 90)
    played = play(workspace, {"workflowRun": {"name": "Nothing", "data": {"nobody": "knows"}}})
    assert (played.ended.code, played.state) == (1, "error")
    assert "ended as ignored" in played.record["errors"]["analytics/finisher"]["message"]


def test_a_run_that_is_stopped_is_analysed_and_has_failed(workspace: Workspace) -> None:
    """Nothing lands of it; here the first run is stopped, and the second is not."""
    stopper = """
condition = {"workflowRun": {"status": "running", "history": {"$size": 0}}}

async def content(task):
    task.stop(f"{task.id}.1.1")
"""
    (workspace.root / "steps" / "stopper.py").write_text(stopper, encoding="utf-8")
    score(workspace, 90)
    played = play(workspace)
    assert (played.ended.code, played.state) == (0, "done")
    assert [run["status"] for run in runs(played)] == ["stopped", "done"]


# -- against a real server -------------------------------------------------------------------------------------------


@pytest.mark.e2e
def test_with_a_real_model_it_reaches_its_end(workspace: Workspace, llama: Llama) -> None:
    """Its scores mean nothing, so there are one, two or three runs, and all of them have an analysis."""
    server = ("--base-url", llama.base_url, "--api-key", "anything", "--require-real")
    played = play(workspace, None, *server)
    assert (played.ended.code, played.state, played.record["closed"]) == (0, "done", True)
    assert 1 <= len(played.children) <= 3
    assert played.count("fired")[ANALYST] == len(played.children)
    assert len(adaptations(played)) == len(played.children) - 1
    assert all(run["input_tokens"] > 0 for run in runs(played))
