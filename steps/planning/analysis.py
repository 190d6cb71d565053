"""Analysis specialist: when research is handed over, find out what it means."""

from aloma_cli import Integer, List, Optional, Text

condition = {
    "workflow": {"execution": {"phaseAgents": {"research_agent": {"status": "completed", "handoffReady": True}}}},
    "agentAssignment": {"type": "analysis_agent", "triggerCondition": "research_complete"},
}

DUTIES = [
    "Check the research: what holds, and what is only claimed.",
    "Find the patterns in it, and what lies behind them.",
    "Say what follows for the strategy.",
    "Say for each conclusion how sure you are.",
    "Sum up for the agent that decides.",
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
    insights, patterns = len(analysis["analyticalInsights"]), len(analysis["identifiedPatterns"])
    log(f"Analysis completed: {insights} insights, {patterns} patterns")


def prompt(data, lib):
    execution = data["workflow"]["execution"]
    research = execution["phaseAgents"]["research_agent"]
    facts = {
        "Research handed over": research["handoffSummary"],
        "Domains whose research failed": research["failedDomains"] or None,
        "Shared context": execution["sharedContext"],
        "Objectives": data["agentAssignment"]["objectives"] or None,
    }
    role = "You analyse what research agents found."
    return lib.prompt.messages(role, DUTIES, facts, "Analyse these findings.")
