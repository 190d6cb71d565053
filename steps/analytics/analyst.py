"""Performance analyst: when figures of a run ask for it, judge how well the workflow works."""

from aloma_cli import Integer, List, Text

condition = {"workflowAnalytics": {"performanceData": dict, "analysisRequired": True}}

DUTIES = [
    "Judge how efficiently the workflow runs.",
    "Find the agents that hold it up.",
    "Compare with earlier runs where there are any.",
    "Recommend what to change, the most useful first.",
    "Give the whole a score: 100 where nothing could be better.",
]

SHAPE = {
    "efficiencyMetrics": List({"metric": Text(max=60), "assessment": Text(max=200)}, max=3),
    "identifiedBottlenecks": List(Text(max=200), min=0, max=3),
    "agentPerformanceAnalysis": List({"agent": Text(max=100), "assessment": Text(max=200)}),
    "resourceUtilization": Text(max=200),
    "qualityAssessment": Text(max=200),
    "optimizationRecommendations": List(Text(max=200), max=3),
    "scalabilityInsights": Text(max=200),
    "costBenefitAnalysis": Text(max=200),
    "overallPerformanceScore": Integer(0, 100),
}


async def content(data, connectors, lib, log, now):
    analytics = data["workflowAnalytics"]
    log("Performance analyst reads the figures")
    answer = await connectors.openai.chat(model="gpt-4", messages=prompt(analytics, lib), shape=SHAPE)
    analysis = answer.data

    analytics["performanceAnalysis"] = {
        "efficiencyMetrics": analysis["efficiencyMetrics"],
        "bottlenecks": analysis["identifiedBottlenecks"],
        "agentPerformance": analysis["agentPerformanceAnalysis"],
        "resourceUtilization": analysis["resourceUtilization"],
        "qualityAssessment": analysis["qualityAssessment"],
        "optimizationRecommendations": analysis["optimizationRecommendations"],
        "scalabilityInsights": analysis["scalabilityInsights"],
        "costBenefitAnalysis": analysis["costBenefitAnalysis"],
        "performanceScore": analysis["overallPerformanceScore"],
        "analyzedAt": now.isoformat(),
    }
    # The guide leaves this on; off, the figures of the next run wake the analyst again.
    analytics["analysisRequired"] = False

    recommendations = len(analysis["optimizationRecommendations"])
    log(f"Analysis complete: score {analysis['overallPerformanceScore']}/100, recommendations: {recommendations}")


def prompt(analytics, lib):
    facts = {
        "Figures of this run": analytics["performanceData"],
        "Configuration": analytics.get("configuration"),
        "Earlier runs": analytics.get("historicalBaselines") or None,
    }
    role = "You analyse how workflows of several agents perform."
    return lib.prompt.messages(role, DUTIES, facts, "Analyse the performance of this run.")
