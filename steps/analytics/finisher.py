"""Finisher: when the last run has been assessed, complete the task with its result and its analysis."""

from aloma_cli import PermanentError

condition = {"workflowRun": {"status": "assessed", "outcome": dict}, "workflowAnalytics": {"performanceAnalysis": dict}}


async def content(data, task, lib, log):
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
    adaptations = len(run["history"])
    log(f"{lib.wording.counted(adaptations + 1, 'run')} analysed, {lib.wording.counted(adaptations, 'adaptation')}")
