"""Analysis specialist: when the research is handed over, validate it and work out what it means."""

from aloma_cli import Integer, List, Optional, Text

condition = {
    "workflow": {"execution": {"phaseAgents": {"research_agent": {"status": "completed", "handoffReady": True}}}},
    "agentAssignment": {"type": "analysis_agent", "triggerCondition": "research_complete"},
}

DUTIES = [
    "Validate the research: is it accurate, is it relevant, what is only claimed?",
    "Reason from the data to causes and consequences, with your confidence in each conclusion.",
    "Identify patterns and trends, and what they imply for the strategy.",
    "Give insights and recommendations that can be acted on.",
    "Prepare the decision: sum up for the agent that makes it, and flag what it must not overlook.",
]

SHAPE = {
    "researchValidation": Text(max=300),
    "analyticalInsights": List(Text(max=200), max=4),
    "identifiedPatterns": List(Text(max=200), max=4),
    "strategicImplications": List(Text(max=200), max=3),
    "actionableRecommendations": List(Text(max=200), max=3),
    "confidenceAssessments": List({"conclusion": Text(max=150), "confidence": Integer(0, 100)}, max=3),
    "handoffSummary": Text(max=300),
    "criticalFlags": Optional(List(Text(max=150), min=0, max=3)),
}


async def content(data, connectors, lib, log, now):
    execution = data["workflow"]["execution"]
    log("Analysis specialist reads the research")
    answer = await connectors.openai.chat(model="gpt-4", messages=prompt(data, lib), shape=SHAPE)
    analysis = answer.data

    execution["sharedContext"]["analysis"] = {
        "researchValidation": analysis["researchValidation"],
        "deepInsights": analysis["analyticalInsights"],
        "patterns": analysis["identifiedPatterns"],
        "strategicImplications": analysis["strategicImplications"],
        "recommendations": analysis["actionableRecommendations"],
        "confidenceScores": analysis["confidenceAssessments"],
        "analyzedBy": "analysis_agent",
        "analyzedAt": now.isoformat(),
    }
    execution["phaseAgents"]["analysis_agent"] = {
        "status": "completed",
        "handoffReady": True,
        "handoffSummary": analysis["handoffSummary"],
        "nextRecommendedAgent": "decision_agent",
        "criticalFlags": analysis.get("criticalFlags") or [],
        "completedAt": now.isoformat(),
    }
    insights = lib.wording.counted(len(analysis["analyticalInsights"]), "insight")
    patterns = lib.wording.counted(len(analysis["identifiedPatterns"]), "pattern")
    log(f"Analysis completed: {insights}, {patterns}")


def prompt(data, lib):
    execution = data["workflow"]["execution"]
    research, coordination = execution["phaseAgents"]["research_agent"], execution["agentCoordination"]
    facts = {
        "Research handed over": research["handoffSummary"],
        "Domains whose research failed": research["failedDomains"] or None,
        "Plan for failures": coordination["errorHandling"] if research["failedDomains"] else None,
        "Checkpoints": coordination["checkpoints"],
        "Shared context": execution["sharedContext"],
        "Objectives": data["agentAssignment"]["objectives"] or None,
    }
    role = "You analyse the findings of research agents: build on their work, and add what only analysis can show."
    return lib.prompt.messages(role, DUTIES, facts, "Analyse these findings.")
