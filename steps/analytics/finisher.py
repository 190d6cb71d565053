"""Finisher: when the last run has been assessed, complete the task with what came of it and how well it worked."""

from aloma_cli import PermanentError

condition = {"workflowRun": {"status": "assessed", "outcome": dict}, "workflowAnalytics": {"performanceAnalysis": dict}}


async def content(data, task, log):
    run, analytics = data["workflowRun"], data["workflowAnalytics"]
    if run["outcome"]["status"] != "done":
        raise PermanentError(f"the last run of {run['name']} ended as {run['outcome']['status']}")

    task.complete(
        {
            "workflow": run["name"],
            "result": run["outcome"]["result"],
            "analysis": analytics["performanceAnalysis"],
            "adaptations": [past["adaptationDecision"] for past in run["history"]],
        }
    )
    log(f"Runs analysed: {len(run['history']) + 1}, adaptations: {len(run['history'])}")
