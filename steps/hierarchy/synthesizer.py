"""Hierarchical synthesizer: when a phase has passed the quality gate, combine the results of its agents."""

from aloma_cli import List, Text

condition = {
    "orchestration": {"masterControl": dict},
    "level1Coordination": {"level2Results": dict, "qualityGate": {"status": "passed"}},
    "hierarchicalSynthesis": {"$exists": False},
}

DUTIES = [
    "Combine the results of all Level 2 agents into one picture of the phase.",
    "Judge how the hierarchy and each agent performed, and the quality against the quality gates.",
    "Say which patterns led to success, and which ones to failure.",
    "Draw strategic insights and recommendations from the whole.",
    "Write an executive summary for the master of the hierarchy.",
    "Recommend improvements for the next phases and for later hierarchies.",
]

SHAPE = {
    "executiveSummary": Text(max=500),
    "aggregatedResults": List(Text(max=200)),
    "hierarchyPerformance": Text(max=200),
    "strategicInsights": List(Text(max=200), max=4),
    "recommendations": List(Text(max=200), max=4),
    "qualityAssessment": Text(max=200),
    "agentEffectiveness": List(Text(max=150)),
    "improvements": List(Text(max=150), max=3),
}


async def content(data, connectors, lib, log, now):
    orchestration, gate = data["orchestration"], data["level1Coordination"]["qualityGate"]
    log(f"Synthesis of {lib.wording.counted(len(gate['completed']), 'completed agent')}, {len(gate['failed'])} failed")
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
        "improvements": synthesis["improvements"],
        "synthesisMetrics": metrics(gate, completed(data)),
        "synthesizedAt": now.isoformat(),
    }
    orchestration["phaseExecution"]["phaseStatus"] = "completed"
    orchestration["masterControl"]["currentPhase"] += 1

    insights = lib.wording.counted(len(synthesis["strategicInsights"]), "insight")
    recommendations = lib.wording.counted(len(synthesis["recommendations"]), "recommendation")
    log(f"Synthesis complete: {insights}, {recommendations}")


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
        # Computed, because models calculate badly.
        "averageQuality": sum(result["qualityMetrics"]["score"] for result in results) / len(results),
    }


def prompt(data, lib):
    coordination, orchestration = data["level1Coordination"], data["orchestration"]
    facts = {
        "Phase": orchestration["phaseExecution"]["currentPhase"],
        "Strategy": coordination["coordinationStrategy"],
        "Master control": lib.hierarchy.plan(orchestration["masterControl"]),
        "Results": completed(data),
        "Failed agents": coordination["qualityGate"]["failed"] or None,
        "Escalations": coordination.get("escalations"),
    }
    role = "You combine the results of a hierarchy of agents into more than the sum of its parts."
    return lib.prompt.messages(role, DUTIES, facts, "Combine these results.")
