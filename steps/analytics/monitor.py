"""Monitor: when a run has been analysed, have the workflow adapted where its score is too low, at most twice."""

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

    # A run that failed is not good enough, whatever the model says of it.
    good = score >= target and run["outcome"]["status"] == "done"
    if good or not left:
        run["status"] = "assessed"
        log(f"Score {score}, wanted {target}: no further adaptation")
        return
    # The guide does not link its analytics to its adaptive controller.
    data["workflowAdaptation"] = adaptation(run, analytics, left)
    run["status"] = "adapting"
    log.warning(f"Score {score}, wanted {target}: adaptation required")


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
