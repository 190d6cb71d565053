"""Research specialist: when a subtask assigns it a domain of the phase, research that and hand over the findings."""

from aloma_cli import Integer, List, Optional, Text

condition = {
    # Without a plan: in a subtask, not in the workflow itself, which would end with the first domain.
    "workflow": {"masterPlan": None, "execution": {"agentCoordination": {"phase": str}}},
    "agentAssignment": {"type": "research_agent", "taskReady": True, "scope": {"domain": str}},
}

DUTIES = [
    "Research the questions of your scope thoroughly, and say how sure you are.",
    "Combine your findings with the shared context, and do not repeat it.",
    "Draw the insights that matter to the other agents of the phase.",
    "Flag critical information that affects the overall strategy.",
    "Prepare the handoff: sum up for the agent that continues your work.",
]

SHAPE = {
    "keyFindings": List(Text(max=200), max=4),
    "strategicInsights": List(Text(max=200), max=3),
    "recommendations": List(Text(max=200), max=3),
    "criticalFlags": Optional(List(Text(max=150), min=0, max=3)),
    "confidence": Integer(0, 100),
    "handoffSummary": Text(max=300),
    "nextAgentType": {"$in": ["analysis_agent", "decision_agent"]},
}


async def content(data, task, connectors, lib, log, now):
    assignment = data["agentAssignment"]
    log(f"Research specialist starts in {assignment['scope']['domain']}")
    answer = await connectors.openai.chat(model="gpt-4", messages=prompt(data, lib), shape=SHAPE)
    found = answer.data

    assignment["results"] = {
        "findings": found["keyFindings"],
        "insights": found["strategicInsights"],
        "recommendations": found["recommendations"],
        "criticalFlags": found.get("criticalFlags") or [],
        "confidenceLevel": found["confidence"],
        "handoffSummary": found["handoffSummary"],
        "nextRecommendedAgent": found["nextAgentType"],
        "researchedBy": "research_agent",
        "researchedAt": now.isoformat(),
    }
    task.complete(assignment["results"])
    findings = lib.wording.counted(len(found["keyFindings"]), "finding")
    log(f"Research completed: {findings}, next is the {found['nextAgentType']}")


def prompt(data, lib):
    execution, assignment = data["workflow"]["execution"], data["agentAssignment"]
    coordination, scope = execution["agentCoordination"], assignment["scope"]
    facts = {
        "Objective": assignment.get("objective"),
        "Phase": assignment.get("phase", coordination["phase"]),
        "Strategy": coordination.get("strategy"),
        "Shared data": coordination.get("sharedData") or None,
        "Research scope": scope,
        "Shared context": execution["sharedContext"] or None,
    }
    role = f"You are a research specialist for {scope['domain']}; other agents build on what you report."
    return lib.prompt.messages(role, DUTIES, facts, "Research this scope and report what you find.")
