"""The workflows as their authors test them: played in memory, with scripted answers."""

from __future__ import annotations

import pytest

from aloma_cli.testing.play import Home, Play
from aloma_cli.testing.script import Script
from tests.workflows.workspace import REPOSITORY


@pytest.fixture
def home() -> Home:
    return Home.open(REPOSITORY)


@pytest.fixture
def script(home: Home) -> Script:
    return Script(home.root)


@pytest.fixture
def play(home: Home, script: Script) -> Play:
    return Play(home, script)


def test_a_domain_that_fails_is_left_out_of_the_synthesis(home: Home, play: Play, script: Script) -> None:
    script.on("research/agent", when={"parallelResearchAgent": {"domain": "customer_needs"}}).fails(503)
    script.on("research/agent").answers({"domainFindings": ["a finding"], "keyInsights": ["an insight"]})
    script.on("research/synthesis").answers({"executiveSummary": "three of four"})
    played = play(home.example("research"))
    played.assert_data(
        {"researchProject": {"parallelExecution": {"synthesis": {"parallelAgentsUsed": 3, "failedAgents": 1}}}}
    )
    assert "customer_needs" in played.prompt("research/synthesis").partition("Failed domains")[2]


def test_the_synthesis_waits_for_the_slowest_agent(home: Home, play: Play, script: Script) -> None:
    script.on("research/agent", prompt="market_trends").answers({}, after=3600)
    script.on("research/agent").answers({}, after=1)
    script.on("research/synthesis").answers({})
    played = play(home.example("research"))
    assert played.fired[-2:] == ["research/synthesis", "research/finisher"]
    assert played.seconds >= 3600


@pytest.mark.parametrize(
    ("approach", "after"),
    [
        ("retry", ["briefing/reviewer", "briefing/publisher"]),
        ("skip", ["briefing/publisher"]),
        ("fallback", ["briefing/publisher"]),
    ],
)
def test_each_way_of_recovery(home: Home, play: Play, script: Script, approach: str, after: list[str]) -> None:
    script.on("briefing/writer").answers({})
    script.on("briefing/reviewer").fails(503).then({})
    script.on("recovery/coordinator").answers({"recoveryApproach": approach})
    played = play(home.example("recovery"))
    recovery = ["recovery/detector", "recovery/coordinator", "recovery/executor"]
    played.assert_fired("briefing/writer", *recovery, *after)


def test_the_planner_is_told_the_objective(home: Home, play: Play, script: Script) -> None:
    script.simulate()
    data = home.example("planning")
    assert data["workflow"]["objective"] in play(data).prompt("planning/planner")
