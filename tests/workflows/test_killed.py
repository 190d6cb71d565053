"""A research project whose process is killed: it continues where it was, and no answer is paid for twice."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.servers import Aimock
from tests.workflows.workspace import Played, Workspace

pytestmark = pytest.mark.e2e

DOMAINS = ("competitive_landscape", "market_trends", "customer_needs", "technology_assessment")
NEW = ("task", "new", "Multi-Agent Research Project", "-f", "examples/research.json", "--quiet")
RESUME = ("task", "resume", "@last", "--quiet")
CALLS = 5
LATENCY = 0.12  # seconds for each answer; two calls are made at a time, so there is always one under way


@pytest.fixture
def slow(aimock: Aimock) -> Aimock:
    """A server that answers each of the five prompts differently, after a while."""
    synthesis = {
        "executiveSummary": "a summary",
        "crossDomainInsights": ["an insight"],
        "strategicRecommendations": ["a recommendation"],
        "qualityAssessment": "good",
    }
    aimock.answer(synthesis, to="Combine these results")
    for domain in DOMAINS:
        aimock.answer(found_in(domain), to=f"Research domain: {domain}")
    aimock.fault(latencyMs=LATENCY * 1000)
    return aimock


def found_in(domain: str) -> dict[str, Any]:
    return {
        "domainFindings": [f"finding of {domain}"],
        "keyInsights": [f"insight of {domain}"],
        "crossDomainConnections": [f"connection of {domain}"],
        "criticalFlags": None,
        "confidence": 80,
        "dataQuality": "high",
        "sourcesCount": 3,
        "depthScore": 60,
    }


@pytest.mark.parametrize("answered", range(CALLS))
def test_a_killed_project_ends_as_an_undisturbed_one(workspace: Workspace, slow: Aimock, answered: int) -> None:
    """Resumed, it comes to the same document, and only what was lost under way is asked for again."""
    (workspace.root / "aloma.yaml").write_text("openai: {concurrency: 2}\n", encoding="utf-8")
    undisturbed = workspace.played("@last", workspace.aloma(*NEW, *to(slow)))
    assert len(slow.journal()) == CALLS

    before, on_record, lost = killed_with_a_call_under_way(workspace, slow, answered)
    resumed = workspace.played("@last", workspace.aloma(*RESUME, *to(slow)))

    requests = Counter(request["headers"]["idempotency-key"] for request in slow.journal()[before:])
    assert (resumed.ended.code, resumed.state) == (0, "done")
    assert outcome(resumed) == outcome(undisturbed)
    assert len(requests) == CALLS
    assert [requests[key] for key in on_record] == [1] * len(on_record)
    assert requests.total() - lost == CALLS


def killed_with_a_call_under_way(workspace: Workspace, server: Aimock, answered: int) -> tuple[int, list[str], int]:
    """A project that was killed: the requests before it, the keys of its answers on record, and how many were lost.

    On a busy machine the process may be so late that no call is under way. Then another project is tried.
    """
    for _ in range(10):
        before = len(server.journal())
        run_and_kill(workspace, server, answered)
        on_record = answers_on_record(workspace)
        lost = len(server.journal()) - before - len(on_record)
        if lost > 0 or not answered:
            return before, on_record, lost
    raise AssertionError("no call was under way at any of the kills")


def to(server: Aimock) -> tuple[str, ...]:
    return ("--base-url", server.base_url, "--api-key", server.key)


def run_and_kill(workspace: Workspace, server: Aimock, answered: int) -> None:
    """Kill a new project's process when that many answers are on record; the answers under way then are lost.

    It is stopped first, until the server has answered: nobody reads that any more.
    """
    before = set(journals(workspace))
    process = subprocess.Popen([sys.executable, "-m", "aloma_cli", *NEW, *to(server)], cwd=workspace.root)
    while process.poll() is None:
        fresh = [path for path in journals(workspace) if path not in before]
        if fresh and reached(fresh[0], answered):
            time.sleep(LATENCY / 3)
            process.send_signal(signal.SIGSTOP)
            time.sleep(1.5 * LATENCY)
            process.kill()
            break
        time.sleep(0.005)
    assert process.wait(60) == -signal.SIGKILL


def journals(workspace: Workspace) -> list[Path]:
    return sorted(workspace.root.glob(".aloma/tasks/*/journal.jsonl"))


def reached(journal: Path, answered: int) -> bool:
    """Whether so many answers are on record, and a further call has been sent; a line may hold several events."""
    text = journal.read_text(encoding="utf-8")
    return text.count('"call_sent"') > text.count('"call_answered"') >= answered


def answers_on_record(workspace: Workspace) -> list[str]:
    """The idempotency keys of the answers of the last task."""
    played = workspace.played("@last")
    events = [event for task in (played, *played.children) for event in task.events("call_answered")]
    return [f"{event['task']}-{event['firing']}-{event['key']}" for event in events]


def outcome(played: Played) -> str:
    return played.steady([played.data, played.record["result"]])
