"""Research specialist: in a subtask of its own, research one domain of the phase and hand over the findings."""

from aloma_cli import Integer, List, Text

condition = {
    # No plan: this is a subtask, not the workflow itself, which would end with the first domain.
    "workflow": {"masterPlan": None, "execution": {"agentCoordination": {"phase": str}}},
    # The guide fails where no scope is assigned.
    "agentAssignment": {"type": "research_agent", "taskReady": True, "scope": {"domain": str}},
}

DUTIES = [
    "Answer the questions of your scope in depth.",
    "Build on what the shared context says, and do not repeat it.",
    "Draw the insights that matter for the strategy of the phase.",
    "Say how sure you are.",
    "Sum up for the agent that goes on with your work.",
]

SHAPE = {
    "keyFindings": List(Text(max=200), max=4),
    "strategicInsights": List(Text(max=200), max=3),
    "recommendations": List(Text(max=200), max=3),
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
        "confidenceLevel": found["confidence"],
        "handoffSummary": found["handoffSummary"],
        "nextRecommendedAgent": found["nextAgentType"],
        "researchedBy": "research_agent",
        "researchedAt": now.isoformat(),
    }
    task.complete(assignment["results"])
    log(f"Research completed: {len(found['keyFindings'])} findings, next is the {found['nextAgentType']}")


def prompt(data, lib):
    execution, scope = data["workflow"]["execution"], data["agentAssignment"]["scope"]
    facts = {
        "Phase": execution["agentCoordination"]["phase"],
        "Strategy": execution["agentCoordination"]["strategy"],
        "Research scope": scope,
        "Shared context": execution["sharedContext"] or None,
    }
    role = f"You are a research specialist for {scope['domain']}."
    return lib.prompt.messages(role, DUTIES, facts, "Research this scope and report what you find.")
