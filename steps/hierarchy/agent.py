"""Level 2 agent: in a subtask of its own, carry out one assignment and report, or escalate."""

from aloma_cli import Integer, List, Optional, Text
from aloma_cli.errors import ConnectorError

condition = {"level2Agent": {"runLevel2Agent": True, "agentType": str, "assignment": dict}}

DUTIES = [
    "Carry out your assignment, and nothing beyond it.",
    "Keep to the quality standards, and judge your own results by them, in percent.",
    "Say what you need from agents beside you.",
    "Escalate where one of the triggers holds: say why, how urgent it is, and what you recommend.",
    "Report time and resources.",
]

SHAPE = {
    "taskResults": List(Text(max=200), max=4),
    "insights": List(Text(max=200), max=3),
    "qualityAssessment": {"score": Integer(0, 100), "comment": Text(max=150)},
    "escalationRequired": bool,
    "escalationReason": Optional(Text(max=200)),
    "escalationUrgency": Optional({"$in": ["low", "medium", "high"]}),
    "recommendedAction": Optional(Text(max=200)),
    "peerCoordinationNeeds": List(Text(max=150), min=0, max=3),
    "executionMetrics": {"timeElapsed": Integer(0, 10_000)},
    "confidenceLevel": Integer(0, 100),
    "resourcesUsed": List(Text(max=100), min=0, max=3),
}


async def content(data, task, connectors, lib, log, now):
    agent = data["level2Agent"]
    log(f"Level 2 agent starts: {agent['agentType']}")

    results = await execute(agent, connectors, lib, now)
    agent["executionResults"] = results
    if results["status"] == "failed":
        log.error(f"{agent['agentType']} failed: {results['error']}")
    else:
        log(f"{agent['agentType']} completed: {len(results['results'])} results")

    # The guide completes with no value.
    task.complete(results)


async def execute(agent, connectors, lib, now):
    """The agent's results; an agent that fails is for the quality gate to judge."""
    try:
        answer = await connectors.openai.chat(model="gpt-4", messages=prompt(agent, lib), shape=SHAPE)
    except ConnectorError as error:
        return failed(agent, error, now)
    return completed(agent, answer.data, now)


def prompt(agent, lib):
    facts = {
        "Phase": agent.get("phase"),
        "Assignment": agent["assignment"],
        "Quality standards": agent.get("qualityStandards"),
        # The guide keeps the triggers from those who are to escalate.
        "Escalation triggers": agent.get("escalationTriggers"),
        "Reporting": agent.get("reportingProtocol"),
        "Guidance after an earlier try": agent.get("guidance"),
    }
    role = f"You are a Level 2 agent: {agent['agentType']}."
    return lib.prompt.messages(role, DUTIES, facts, "Carry out your assignment and report.")


def completed(agent, answer, now):
    return {
        "agentType": agent["agentType"],
        "assignmentId": agent.get("agentId"),
        "results": answer["taskResults"],
        "insights": answer["insights"],
        "qualityMetrics": answer["qualityAssessment"],
        "escalationNeeded": answer["escalationRequired"],
        # The guide keeps the escalation in the subtask, where nobody reads it.
        "escalation": escalation(answer, now) if answer["escalationRequired"] else None,
        "peerCoordination": answer["peerCoordinationNeeds"],
        "reportingData": {
            "executionTime": answer["executionMetrics"]["timeElapsed"],
            "confidenceLevel": answer["confidenceLevel"],
            "resourcesUsed": answer["resourcesUsed"],
        },
        "coordinatorId": agent.get("coordinatorId"),
        "completedAt": now.isoformat(),
        "status": "completed",
    }


def escalation(answer, now):
    return {
        "reason": answer.get("escalationReason") or "no reason given",
        "urgency": answer.get("escalationUrgency") or "medium",
        "recommendedAction": answer.get("recommendedAction"),
        "escalatedAt": now.isoformat(),
    }


def failed(agent, error, now):
    return {
        "agentType": agent["agentType"],
        "assignmentId": agent.get("agentId"),
        "status": "failed",
        "error": str(error),
        "escalationNeeded": True,
        "failedAt": now.isoformat(),
    }
