"""Decision specialist: when the analysis is handed over, decide what to do."""

from aloma_cli import Integer, List, Text

condition = {
    "workflow": {"execution": {"phaseAgents": {"analysis_agent": {"status": "completed", "handoffReady": True}}}},
    "agentAssignment": {"type": "decision_agent"},
}

DUTIES = [
    "Combine research and analysis into strategic recommendations.",
    "Evaluate the options against objective, constraints, criteria and quality gates; keep the second-best ones.",
    "Make clear decisions, and give the reasons and your confidence in each.",
    "Identify the risks, each with its mitigation.",
    "Prepare the recommendations to be implemented, and name the points that a person should review first.",
]

SHAPE = {
    "primaryRecommendations": List(Text(max=200), max=4),
    "alternativeOptions": List(Text(max=200), max=3),
    "riskAssessment": List({"risk": Text(max=150), "mitigation": Text(max=150)}, max=3),
    "confidenceLevels": List({"recommendation": Text(max=150), "confidence": Integer(0, 100)}, max=4),
    "implementationPlan": List(Text(max=200)),
    "humanReview": List(Text(max=150), min=0, max=3),
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
        "humanReview": decisions["humanReview"],
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
            # Kept here too, because the shared context holds only those of the last phase.
            "decisions": decisions["primaryRecommendations"],
            "completedAt": now.isoformat(),
        }
    )
    recommendations = lib.wording.counted(len(decisions["primaryRecommendations"]), "recommendation")
    log(f"Decision completed: {recommendations}")


def prompt(data, lib):
    workflow = data["workflow"]
    execution = workflow["execution"]
    facts = {
        "Objective": workflow["objective"],
        "Analysis handed over": execution["phaseAgents"]["analysis_agent"]["handoffSummary"],
        "Critical flags": execution["phaseAgents"]["analysis_agent"]["criticalFlags"] or None,
        "Shared context": execution["sharedContext"],
        "Constraints": workflow.get("constraints"),
        "Decision criteria": workflow["masterPlan"].get("decisionCriteria"),
        "Quality gates": execution["agentCoordination"]["qualityGates"],
        "Objectives of the decision": data["agentAssignment"]["objectives"] or None,
    }
    role = "You decide on the basis of research and analysis: you have the complete context of the workflow."
    return lib.prompt.messages(role, DUTIES, facts, "Make the decisions of this phase.")
