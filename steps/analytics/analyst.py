"""Performance analyst: when the figures of a run are to be analysed, judge how well the workflow performs."""

from aloma_cli import Integer, List, Text

condition = {"workflowAnalytics": {"performanceData": dict, "analysisRequired": True}}

DUTIES = [
    "Measure the efficiency of the run, also against earlier runs, and find its bottlenecks.",
    "Compare the agents, and say which of them can be improved.",
    "Judge how well time, calls and tokens were used, and recommend a better use.",
    "Judge the quality of each part of the workflow: failures, retries, missing results.",
    "Say how the workflow would scale, and what capacity more work needs.",
    "Weigh what the run cost against what it returned, and say where money is best saved or spent.",
]

SHAPE = {
    "efficiencyMetrics": List({"metric": Text(max=60), "assessment": Text(max=200)}, max=3),
    "identifiedBottlenecks": List(Text(max=200), min=0, max=3),
    "agentPerformanceAnalysis": List({"agent": Text(max=80), "assessment": Text(max=200)}),
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
    # Cleared, so that the figures of the next run fire the analyst again.
    analytics["analysisRequired"] = False

    recommendations = lib.wording.counted(len(analysis["optimizationRecommendations"]), "recommendation")
    log(f"Analysis complete: score {analysis['overallPerformanceScore']}/100, {recommendations}")


def prompt(analytics, lib):
    facts = {
        "Figures of this run": analytics["performanceData"],
        "Configuration": analytics.get("configuration"),
        "Earlier runs": analytics.get("historicalBaselines") or None,
    }
    role = "You analyse the performance of workflows of several agents, so that the next run is better."
    request = "Analyse this run and recommend changes, the most useful first. Score it: 100 means nothing to improve."
    return lib.prompt.messages(role, DUTIES, facts, request)
