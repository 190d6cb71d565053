"""Hierarchical synthesizer: when a phase has passed the quality gate, combine what its agents sent back."""

from aloma_cli import List, Text

condition = {
    # The guide fails where there is no orchestration.
    "orchestration": {"masterControl": dict},
    "level1Coordination": {"level2Results": dict, "qualityGate": {"status": "passed"}},
    "hierarchicalSynthesis": {"$exists": False},
}

DUTIES = [
    "Combine the results of all agents into one picture of the phase.",
    "Say how well the hierarchy worked, and which agents were of most use.",
    "Draw strategic insights from the whole.",
    "Recommend what is to be done next.",
    "Judge the quality against the quality gates.",
]

SHAPE = {
    "executiveSummary": Text(max=500),
    "aggregatedResults": List(Text(max=200)),
    "hierarchyPerformance": Text(max=200),
    "strategicInsights": List(Text(max=200), max=4),
    "recommendations": List(Text(max=200), max=4),
    "qualityAssessment": Text(max=200),
    "agentEffectiveness": List(Text(max=150)),
}


async def content(data, connectors, lib, log, now):
    orchestration, gate = data["orchestration"], data["level1Coordination"]["qualityGate"]
    log(f"Synthesis of {len(gate['completed'])} completed agents, {len(gate['failed'])} failed")
    answer = await connectors.openai.chat(model="gpt-4", messages=prompt(data, lib), shape=SHAPE)
    synthesis = answer.data

    data["hierarchicalSynthesis"] = {
        "executiveSummary": synthesis["executiveSummary"],
        "aggregatedResults": synthesis["aggregatedResults"],
        "hierarchyPerformance": synthesis["hierarchyPerformance"],
        "insights": synthesis["strategicInsights"],
        "recommendations": synthesis["recommendations"],
        "qualityAssessment": synthesis["qualityAssessment"],
        "agentEffectiveness": synthesis["agentEffectiveness"],
        "synthesisMetrics": metrics(gate, completed(data)),
        "synthesizedAt": now.isoformat(),
    }
    orchestration["phaseExecution"]["phaseStatus"] = "completed"
    orchestration["masterControl"]["currentPhase"] += 1

    insights, recommendations = len(synthesis["strategicInsights"]), len(synthesis["recommendations"])
    log(f"Synthesis complete: {insights} insights, {recommendations} recommendations")


def completed(data):
    """The results that count, in the order of the assignments."""
    coordination = data["level1Coordination"]
    return [coordination["level2Results"][agent]["result"] for agent in coordination["qualityGate"]["completed"]]


def metrics(gate, results):
    return {
        "totalAgents": len(gate["completed"]) + len(gate["failed"]),
        "completedAgents": len(gate["completed"]),
        "failedAgents": len(gate["failed"]),
        "completionRate": gate["completionRate"],
        # The guide asks the model for the average.
        "averageQuality": sum(result["qualityMetrics"]["score"] for result in results) / len(results),
    }


def prompt(data, lib):
    coordination, control = data["level1Coordination"], data["orchestration"]["masterControl"]
    facts = {
        "Phase": data["orchestration"]["phaseExecution"]["currentPhase"],
        "Strategy": coordination["coordinationStrategy"],
        "Quality gates": control["qualityGates"],
        "Results": completed(data),
        "Failed agents": coordination["qualityGate"]["failed"] or None,
        "Escalations": coordination.get("escalations"),
    }
    role = "You combine what the agents of a hierarchy sent back."
    return lib.prompt.messages(role, DUTIES, facts, "Combine these results.")
