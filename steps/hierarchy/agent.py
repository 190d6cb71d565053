"""Level 2 agent: when a subtask assigns it a piece of work, do that, and report or escalate."""

from aloma_cli import ConnectorError, Integer, List, Optional, Text

condition = {"level2Agent": {"runLevel2Agent": True, "agentType": str, "assignment": dict}}

DUTIES = [
    "Carry out the assignment that the Level 1 coordinator gave you, and nothing beyond it.",
    "Keep to the quality standards, and judge your own results by them, in percent.",
    "Report your progress, time and resources; escalate if a trigger applies: why, how urgent, what you recommend.",
    "Say what you need from the other Level 2 agents.",
    "Give results in enough detail that the synthesis can combine them.",
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
        log(f"{agent['agentType']} completed: {lib.wording.counted(len(results['results']), 'result')}")

    # The value of `complete` is what lands in the parent, where the gate reads it.
    task.complete(results)


async def execute(agent, connectors, lib, now):
    """The agent's results; a failed call is a result too, which the quality gate judges."""
    try:
        answer = await connectors.openai.chat(model="gpt-4", messages=prompt(agent, lib), shape=SHAPE)
    except ConnectorError as error:
        return failed(agent, error, now)
    return completed(agent, answer.data, now)


def prompt(agent, lib):
    facts = {
        "Phase": agent.get("phase"),
        "Assignment": agent["assignment"],
        "Resources": agent.get("resourceAllocation"),
        "Quality standards": agent.get("qualityStandards"),
        "Escalation triggers": agent.get("escalationTriggers"),
        "Reporting": agent.get("reportingProtocol"),
        "Guidance after an earlier attempt": agent.get("guidance"),
    }
    role = f"You are a Level 2 agent, a specialist: {agent['agentType']}. Your work serves the hierarchy as a whole."
    return lib.prompt.messages(role, DUTIES, facts, "Carry out your assignment and report.")


def completed(agent, answer, now):
    return {
        "agentType": agent["agentType"],
        "assignmentId": agent.get("agentId"),
        "results": answer["taskResults"],
        "insights": answer["insights"],
        "qualityMetrics": answer["qualityAssessment"],
        "escalationNeeded": answer["escalationRequired"],
        # Part of the results, because the parent reads nothing else of a subtask.
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
