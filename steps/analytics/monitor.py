"""Monitor: when a run has been analysed and its score is too low, request an adaptation, at most twice."""

condition = {
    "workflowRun": {"status": "measured"},
    "workflowAnalytics": {"performanceAnalysis": dict, "analysisRequired": False},
}

ADAPTATIONS = 2
TARGET_SCORE = 70


async def content(data, log):
    run, analytics = data["workflowRun"], data["workflowAnalytics"]
    score, target = analytics["performanceAnalysis"]["performanceScore"], run.get("targetScore", TARGET_SCORE)
    left = ADAPTATIONS - len(run["history"])

    # A run that failed is not good enough, whatever score it was given.
    good = score >= target and run["outcome"]["status"] == "done"
    if good or not left:
        run["status"] = "assessed"
        log(f"Score {score} (needed: {target}): no further adaptation")
        return
    data["workflowAdaptation"] = adaptation(run, analytics, left)
    run["status"] = "adapting"
    log.warning(f"Score {score} (needed: {target}): adaptation required")


def adaptation(run, analytics, left):
    analysis = analytics["performanceAnalysis"]
    return {
        "monitoring": {
            "performanceMetrics": {
                **analytics["performanceData"],
                "performanceScore": analysis["performanceScore"],
                "bottlenecks": analysis["bottlenecks"],
                "recommendations": analysis["optimizationRecommendations"],
            },
            "adaptationRequired": True,
        },
        "currentState": analytics["configuration"],
        "availableAdaptations": ["concurrency", "tries", "model"],
        "availableModels": run.get("models", []),
        "adaptationsLeft": left,
    }
