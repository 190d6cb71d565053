"""Decision specialist: when the analysis is handed over, decide what is to be done."""

from aloma_cli import Integer, List, Text

condition = {
    "workflow": {"execution": {"phaseAgents": {"analysis_agent": {"status": "completed", "handoffReady": True}}}},
    "agentAssignment": {"type": "decision_agent"},
}

DUTIES = [
    "Decide by the criteria of the plan.",
    "Weigh the alternatives, and say why they come second.",
    "Name the risks of what you recommend.",
    "Say how sure you are of each recommendation.",
    "Say how it is to be carried out, and why it should be.",
]

SHAPE = {
    "primaryRecommendations": List(Text(max=200), max=4),
    "alternativeOptions": List(Text(max=200), max=3),
    "riskAssessment": List(Text(max=200), max=3),
    "confidenceLevels": List({"recommendation": Text(max=150), "confidence": Integer(0, 100)}, max=4),
    "implementationPlan": List(Text(max=200)),
    "reasoning": Text(max=400),
}


async def content(data, connectors, lib, log, now):
    workflow = data["workflow"]
    execution = workflow["execution"]
    log("Decision specialist weighs the options")
    answer = await connectors.openai.chat(model="gpt-4", messages=prompt(data, lib), shape=SHAPE)
    decisions = answer.data

    execution["sharedContext"]["decisions"] = {
        "primaryRecommendations": decisions["primaryRecommendations"],
        "alternativeOptions": decisions["alternativeOptions"],
        "riskAssessment": decisions["riskAssessment"],
        "confidenceLevels": decisions["confidenceLevels"],
        "implementationPlan": decisions["implementationPlan"],
        "decisionJustification": decisions["reasoning"],
        "decidedBy": "decision_agent",
        "decidedAt": now.isoformat(),
    }
    execution["phaseAgents"]["decision_agent"] = {
        "status": "completed",
        "finalDecisions": decisions["primaryRecommendations"],
        "completedAt": now.isoformat(),
    }
    execution["phasesCompleted"].append(
        {
            "phaseIndex": execution["currentPhase"],
            "phaseName": execution["agentCoordination"]["phase"],
            "agentsUsed": list(execution["phaseAgents"]),
            # The guide keeps the decisions of the last phase only.
            "decisions": decisions["primaryRecommendations"],
            "completedAt": now.isoformat(),
        }
    )
    log(f"Decision completed: {len(decisions['primaryRecommendations'])} recommendations")


def prompt(data, lib):
    workflow = data["workflow"]
    execution = workflow["execution"]
    facts = {
        "Objective": workflow["objective"],
        "Analysis handed over": execution["phaseAgents"]["analysis_agent"]["handoffSummary"],
        "Critical flags": execution["phaseAgents"]["analysis_agent"]["criticalFlags"] or None,
        "Shared context": execution["sharedContext"],
        "Decision criteria": workflow["masterPlan"].get("decisionCriteria"),
        "Objectives of the decision": data["agentAssignment"]["objectives"] or None,
    }
    role = "You decide on the ground of research and analysis."
    return lib.prompt.messages(role, DUTIES, facts, "Decide what is to be done.")
