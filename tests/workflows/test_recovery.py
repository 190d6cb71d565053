"""Error recovery: a failure is described, a plan is made and carried out, and the workflow continues."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.servers import Llama
from tests.workflows.workspace import Played, Workspace

WRITER, REVIEWER, COORDINATOR = "briefing/writer", "briefing/reviewer", "recovery/coordinator"
BUSY = {"error": {"status": 503, "message": "the model is overloaded"}}
APPROACHES = ("retry", "skip", "fallback")


def play(workspace: Workspace, data: Any = None) -> Played:
    return workspace.run("Briefing", workspace.example("recovery") if data is None else data)


def fail(workspace: Workspace, step: str, times: int | None = None) -> None:
    """Let a step fail this often, or always."""
    workspace.script(step, [BUSY if times is None else {"calls": [BUSY] * times + [{"answer": {}}]}])


def plan(workspace: Workspace, **approaches: str) -> None:
    """Say how the coordinator decides for each agent, named without its folder."""
    entries = [
        {
            "when": {"workflowError": {"errorDetails": {"failedAgent": f"briefing/{agent}"}}},
            "answer": {"recoveryApproach": approach},
        }
        for agent, approach in approaches.items()
    ]
    workspace.script(COORDINATOR, entries)


def history(played: Played) -> list[tuple[str, str]]:
    """Which agents failed, and how that was recovered from, oldest first."""
    return [
        (error["errorDetails"]["failedAgent"], error["recoveryStrategy"]["approach"])
        for error in played.data.get("workflowErrorHistory", [])
    ]


def order(played: Played) -> list[str]:
    """The steps that fired, in their order."""
    return [event["step"] for event in played.events("committed", by="firing")]


def question(played: Played) -> str:
    """What the coordinator asked the model first."""
    call = played.events("call_answered", step=COORDINATOR)[0]
    return str(call["arguments"]["messages"][-1]["content"])


# -- each way to recover ---------------------------------------------------------------------------------------------


def test_where_nothing_fails_nothing_is_recovered(workspace: Workspace) -> None:
    played = play(workspace)
    assert (played.ended.code, played.state) == (0, "done")
    assert played.count("fired") == {WRITER: 1, REVIEWER: 1, "briefing/publisher": 1}
    assert played.count("looked") == {}


def test_retry_lets_the_agent_fire_again(workspace: Workspace) -> None:
    """Its entry in `$errors` is removed, and with its second firing the workflow continues to its end."""
    fail(workspace, REVIEWER, 1)
    plan(workspace, reviewer="retry")
    played = play(workspace)
    assert (played.ended.code, played.state, played.record["closed"]) == (0, "done", True)
    assert (played.count("failed"), played.count("fired")[REVIEWER]) == ({REVIEWER: 1}, 1)
    assert "$errors" not in played.data
    assert played.record["result"]["review"] == played.data["briefing"]["review"]


def test_skip_marks_the_failure_handled_and_goes_on_without_the_agent(workspace: Workspace) -> None:
    fail(workspace, REVIEWER)
    plan(workspace, reviewer="skip")
    played = play(workspace)
    assert (played.ended.code, played.state, played.record["closed"]) == (0, "done", True)
    assert played.data["$errors"][REVIEWER]["handled"] is True
    assert (played.count("failed"), REVIEWER in played.count("fired")) == ({REVIEWER: 1}, False)
    assert played.record["result"]["review"] is None


def test_fall_back_writes_the_default_and_goes_on_with_it(workspace: Workspace) -> None:
    fail(workspace, REVIEWER)
    plan(workspace, reviewer="fallback")
    played = play(workspace)
    default = played.data["workflow"]["fallbacks"][REVIEWER]["value"]
    assert (played.ended.code, played.state, played.record["closed"]) == (0, "done", True)
    assert played.data["briefing"]["review"] == played.record["result"]["review"] == default
    assert played.data["$errors"][REVIEWER]["handled"] is True


def test_a_default_is_written_where_nothing_was_before(workspace: Workspace) -> None:
    data = workspace.example("recovery")
    data["workflow"]["fallbacks"][REVIEWER] = {"into": "notes.of.nobody", "value": 1}
    fail(workspace, REVIEWER)
    plan(workspace, reviewer="fallback")
    assert play(workspace, data).data["notes"] == {"of": {"nobody": 1}}


@pytest.mark.parametrize("approach", APPROACHES)
def test_recovery_takes_one_firing_of_each_of_its_agents(workspace: Workspace, approach: str) -> None:
    fail(workspace, REVIEWER, 1)
    plan(workspace, reviewer=approach)
    fired = play(workspace).count("fired")
    assert {step: times for step, times in fired.items() if step.startswith("recovery/")} == {
        "recovery/coordinator": 1,
        "recovery/detector": 1,
        "recovery/executor": 1,
    }


@pytest.mark.parametrize("approach", APPROACHES)
def test_the_story_of_each_way_ends_as_told(workspace: Workspace, approach: str) -> None:
    story = ("--responses", f"examples/recovery/{approach}")
    played = workspace.run(approach, workspace.example("recovery"), *story)
    assert (played.ended.code, played.state) == (0, "done")
    assert history(played)[-1] == (REVIEWER, approach)


@pytest.mark.parametrize("failing", [False, True])
def test_a_briefing_that_wants_approval_waits_for_a_person(workspace: Workspace, failing: bool) -> None:
    """A person approves by writing into the document, also where the review was skipped."""
    data = workspace.example("recovery")
    data["briefing"]["approved"] = False
    if failing:
        fail(workspace, REVIEWER)
        plan(workspace, reviewer="skip")
    waiting = play(workspace, data)
    assert (waiting.record["closed"], "briefing/publisher" in waiting.count("fired")) == (False, False)
    approved = workspace.played(waiting.id, workspace.aloma("task", "set", waiting.id, "briefing.approved=true"))
    assert (approved.ended.code, approved.state, approved.record["closed"]) == (0, "done", True)
    assert approved.count("fired")["briefing/publisher"] == 1


# -- what the failure and its plan look like -------------------------------------------------------------------------


def test_the_coordinator_is_asked_about_failure_state_results_and_options(workspace: Workspace) -> None:
    fail(workspace, REVIEWER, 1)
    played = play(workspace)
    asked = question(played)
    for fact in ("ConnectorError", "overloaded", REVIEWER, WRITER, "expired", *APPROACHES):
        assert fact in asked


def test_a_failure_is_remembered_with_its_plan_and_its_end(workspace: Workspace) -> None:
    fail(workspace, REVIEWER, 1)
    plan(workspace, reviewer="retry")
    [error] = play(workspace).data["workflowErrorHistory"]
    assert error["errorDetails"].items() >= {"errorType": "ConnectorError", "attempts": 1}.items()
    assert (error["partialResults"], error["recoveryAttempted"]) == ([WRITER], True)
    strategy = {
        "approach",
        "rootCause",
        "failureScope",
        "functionalComponents",
        "recoverySteps",
        "fallbackPlan",
        "dataPreservation",
        "preventiveMeasures",
        "estimatedRecoveryTime",
        "successProbability",
        "createdAt",
    }
    assert error["recoveryStrategy"].keys() == strategy
    assert error["recoveryExecution"]["status"] == "completed"
    assert error["recoveryExecution"]["currentStep"] == len(error["recoveryStrategy"]["recoverySteps"])


def test_failure_plan_and_recovery_are_logged(workspace: Workspace) -> None:
    fail(workspace, REVIEWER, 1)
    plan(workspace, reviewer="retry")
    played = play(workspace)
    assert [REVIEWER in text for text in played.logged("warning")] == [True]
    assert "Recovery coordinator reads a failure: ConnectorError" in played.logged("info")
    assert "Recovery planned: retry, 100% likely to succeed" in played.logged("info")
    assert f"Recovery carried out: retry {REVIEWER}" in played.logged("info")


def test_a_default_is_offered_only_where_there_is_one(workspace: Workspace) -> None:
    data = workspace.example("recovery")
    del data["workflow"]["fallbacks"][REVIEWER]
    fail(workspace, REVIEWER, 1)
    plan(workspace, reviewer="fallback")
    played = play(workspace, data)
    [call, _again] = played.events("call_answered", step=COORDINATOR)
    assert set(call["arguments"]["schema"]["properties"]["recoveryApproach"]["enum"]) == {"retry", "skip"}
    assert played.state == "error"


def test_a_failure_given_by_hand_is_planned_for_and_left_at_that(workspace: Workspace) -> None:
    """No agent of the workspace has failed, so there is nothing to carry out."""
    details = {"errorType": "timeout", "failedAgent": "market_analyst"}
    error = {"failureDetected": True, "errorDetails": details, "recoveryOptions": ["skip"]}
    played = play(workspace, {"workflowError": error})
    assert played.state == "done"
    assert played.count("fired") == {COORDINATOR: 1}
    assert played.data["workflowError"]["recoveryStrategy"]["approach"] == "skip"
    assert played.data["workflowError"]["recoveryExecution"]["status"] == "in_progress"


# -- other workflows -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "step",
    [
        "research/synthesis",
        "planning/planner",
        "planning/coordinator",
        "planning/analysis",
        "planning/decision",
        "hierarchy/master",
        "hierarchy/coordinator",
        "hierarchy/synthesizer",
        "hierarchy/summary",
    ],
)
def test_any_workflow_gets_over_a_failing_agent_if_it_asks_for_that(workspace: Workspace, step: str) -> None:
    """Every agent fires as often as when nothing fails, and the recovery once."""
    data = workspace.example(step.partition("/")[0])
    data["workflow"] = {**data.get("workflow", {}), "recover": True}
    undisturbed = workspace.run("undisturbed", data)
    workspace.script(step, [{"calls": [BUSY, {"answer": {}}]}])
    workspace.script(COORDINATOR, [{"answer": {"recoveryApproach": "retry"}}])
    played = workspace.run("disturbed", data)
    recovery = dict.fromkeys(("recovery/coordinator", "recovery/detector", "recovery/executor"), 1)
    assert (played.ended.code, played.state, history(played)) == (0, "done", [(step, "retry")])
    assert played.count("fired") == undisturbed.count("fired") | recovery


# -- more than one failure -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", APPROACHES)
@pytest.mark.parametrize("second", APPROACHES)
def test_a_second_failure_is_handled_like_the_first(workspace: Workspace, first: str, second: str) -> None:
    """Here of another agent, later in the workflow; where the writer is skipped there is nothing to review."""
    fail(workspace, WRITER, 1)
    fail(workspace, REVIEWER, 1)
    plan(workspace, writer=first, reviewer=second)
    played = play(workspace)
    assert (played.ended.code, played.state) == (0, "done")
    expected = [(WRITER, first), (REVIEWER, second)]
    assert history(played) == (expected if first != "skip" else expected[:1])
    assert "workflowError" not in played.data


def test_an_agent_that_fails_again_after_its_retry_is_recovered_again(workspace: Workspace) -> None:
    fail(workspace, REVIEWER, 2)
    plan(workspace, reviewer="retry")
    played = play(workspace)
    assert (played.state, history(played)) == ("done", [(REVIEWER, "retry")] * 2)


def test_tries_are_limited(workspace: Workspace) -> None:
    """After two retries, a plan that chooses `retry` is refused."""
    fail(workspace, REVIEWER)
    plan(workspace, reviewer="retry")
    played = play(workspace)
    assert (played.ended.code, played.state) == (1, "error")
    assert history(played) == [(REVIEWER, "retry")] * 2
    assert "retry" in played.record["errors"][COORDINATOR]["message"]


@pytest.mark.parametrize("first", APPROACHES)
@pytest.mark.parametrize("second", APPROACHES)
def test_of_two_failures_at_once_one_is_handled_after_the_other(workspace: Workspace, first: str, second: str) -> None:
    """Both agents fail before anything is planned."""
    for name in ("one", "two"):
        fragile(workspace, name)
    entries = [
        {
            "when": {"workflowError": {"errorDetails": {"failedAgent": name}}},
            "answer": {"recoveryApproach": approach},
            "delay": 0.02,
        }
        for name, approach in (("one", first), ("two", second))
    ]
    workspace.script(COORDINATOR, entries)
    fallbacks = {name: {"into": f"made.{name}", "value": "default"} for name in ("one", "two")}
    played = play(workspace, {"workflow": {"recover": True, "fallbacks": fallbacks}, "fragile": True})
    made = {"retry": "agent", "fallback": "default"}
    assert (played.ended.code, played.state) == (0, "done")
    assert sorted(history(played)) == [("one", first), ("two", second)]
    assert played.data.get("made", {}) == {
        name: made[approach] for name, approach in (("one", first), ("two", second)) if approach in made
    }


def fragile(workspace: Workspace, name: str, failures: int = 1) -> None:
    """Add an agent that fails the first times it fires in a task."""
    text = f"""
condition = {{"fragile": True, "made": {{"{name}": None}}}}

async def content(data, task, log):
    if task.figures()["steps"].get("{name}", {{"failed": 0}})["failed"] < {failures}:
        raise RuntimeError("fragile")
    data.setdefault("made", {{}})["{name}"] = "agent"
"""
    (workspace.root / "steps" / f"{name}.py").write_text(text, encoding="utf-8")


# -- the recovery itself fails ---------------------------------------------------------------------------------------


def test_a_failing_coordinator_ends_the_task_as_error_and_is_named(workspace: Workspace) -> None:
    fail(workspace, REVIEWER)
    fail(workspace, COORDINATOR)
    played = play(workspace)
    assert (played.ended.code, played.state) == (1, "error")
    assert played.record["errors"].keys() == {REVIEWER, COORDINATOR}
    assert "overloaded" in played.record["errors"][COORDINATOR]["message"]
    assert COORDINATOR in played.ended.err
    assert played.count("fired")["recovery/detector"] == 1


def test_a_failing_executor_ends_the_task_as_error_and_is_named(workspace: Workspace) -> None:
    """Here because the default has a place where there can be none."""
    data = workspace.example("recovery")
    data["workflow"]["fallbacks"][REVIEWER]["into"] = "briefing.subject.review"
    fail(workspace, REVIEWER)
    plan(workspace, reviewer="fallback")
    played = play(workspace, data)
    assert (played.ended.code, played.state) == (1, "error")
    assert played.record["errors"].keys() == {REVIEWER, "recovery/executor"}
    assert "workflowErrorHistory" not in played.data


@pytest.mark.parametrize("approach", APPROACHES)
def test_a_person_may_be_quicker_than_the_plan(workspace: Workspace, approach: str) -> None:
    """`task resume` lets agent and coordinator try again at once; the plan then finds nothing left to do."""
    fail(workspace, REVIEWER, 1)
    entry = {"calls": [BUSY, {"answer": {"recoveryApproach": approach}, "delay": 0.05}]}
    workspace.script(COORDINATOR, [entry])
    data = workspace.example("recovery")
    data["briefing"]["approved"] = False
    stopped = play(workspace, data)
    assert stopped.state == "error"
    resumed = workspace.played(stopped.id, workspace.aloma("task", "resume", stopped.id))
    assert (resumed.ended.code, resumed.state, history(resumed)) == (0, "done", [(REVIEWER, approach)])
    assert resumed.data["briefing"]["review"] != data["workflow"]["fallbacks"][REVIEWER]["value"]


def test_a_failure_of_the_recovery_is_not_recovered_from_by_itself(workspace: Workspace) -> None:
    """Nor of anything else in its folder."""
    fragile(workspace, "recovery/helper")
    played = play(workspace, {"workflow": {"recover": True}, "fragile": True})
    assert (played.ended.code, played.state) == (1, "error")
    assert "recovery/detector" not in played.count("fired")
    assert "workflowError" not in played.data


# -- opt-in ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recover", [None, False, "yes"])
def test_without_being_asked_for_nothing_is_recovered(workspace: Workspace, recover: Any) -> None:
    data = workspace.example("recovery")
    data["workflow"]["recover"] = recover
    fail(workspace, REVIEWER)
    played = play(workspace, data)
    assert (played.ended.code, played.state) == (1, "error")
    assert order(played) == [WRITER]


def test_subtasks_of_a_recovering_task_do_not_recover(workspace: Workspace) -> None:
    """What a task asks for is not handed on; its subtasks' failures land in it as results."""
    fragile(workspace, "child")
    parent = """
condition = {"parent": True, "outcome": None}

async def content(task):
    task.subtask("child", {"fragile": True}, into="outcome")
"""
    (workspace.root / "steps" / "parent.py").write_text(parent, encoding="utf-8")
    played = play(workspace, {"workflow": {"recover": True}, "parent": True})
    assert played.data["outcome"]["status"] == "error"
    assert played.count("fired") == {"parent": 1}


def test_a_result_that_found_no_place_is_no_failure_of_an_agent(workspace: Workspace) -> None:
    """Letting it "try again" would lose it without a word; it is left to people."""
    parent = """
condition = {"parent": True, "made": None, "place": dict}

async def content(data, task):
    task.subtask("child", {"fragile": True}, into="place.outcome")
    data["made"] = {"place": 1}
"""
    sweeper = """
condition = {"made": {"place": 1}, "place": dict}

async def content(data):
    del data["place"]
"""
    (workspace.root / "steps" / "parent.py").write_text(parent, encoding="utf-8")
    (workspace.root / "steps" / "sweeper.py").write_text(sweeper, encoding="utf-8")
    fragile(workspace, "child", failures=0)
    played = play(workspace, {"workflow": {"recover": True}, "parent": True, "place": {}})
    assert (played.ended.code, played.state) == (1, "error")
    assert played.count("fired") == {"parent": 1, "sweeper": 1, "child": 1}
    assert [key.partition(" ")[0] for key in played.record["errors"]] == ["subtask"]


# -- against a real server -------------------------------------------------------------------------------------------


@pytest.mark.e2e
def test_with_a_real_model_a_failing_agent_is_got_over_whatever_is_planned(workspace: Workspace, llama: Llama) -> None:
    """A model whose words mean nothing chooses among what is offered, so each run ends done, and soon."""
    fragile(workspace, "one", failures=9)
    data = {"workflow": {"recover": True, "fallbacks": {"one": {"into": "made.one", "value": 1}}}, "fragile": True}
    server = ("--base-url", llama.base_url, "--api-key", "anything", "--require-real")
    played = workspace.run("Fragile", data, *server)
    assert (played.ended.code, played.state) == (0, "done")
    ways = [approach for _, approach in history(played)]
    assert ways[-1] in ("skip", "fallback")
    assert ways[:-1] == ["retry"] * (len(ways) - 1)
    assert len(ways) <= 3


@pytest.mark.e2e
def test_with_a_real_model_the_briefing_is_published(workspace: Workspace, llama: Llama) -> None:
    server = ("--base-url", llama.base_url, "--api-key", "anything", "--require-real")
    played = workspace.run("Briefing", workspace.example("recovery"), *server)
    assert (played.ended.code, played.state, played.record["closed"]) == (0, "done", True)
    assert json.dumps(played.record["result"])
