"""Launcher: when a workflow is to be analysed, run it in a subtask, and again after each adaptation."""

condition = {
    "$or": [
        {"workflowRun": {"name": str, "data": dict, "status": None}},
        {"workflowRun": {"status": "adapting"}, "workflowAdaptation": {"adaptationDecision": {"appliedAt": str}}},
    ]
}


async def content(data, task, log):
    run = data["workflowRun"]
    past = run.setdefault("history", [])
    if run.get("status") == "adapting":
        past.append(closed(data))

    task.subtask(run["name"], run["data"], into="workflowRun.outcome", group="workflow_run")
    run["figuresBefore"] = task.figures()
    run["status"] = "running"
    log(f"Run {len(past) + 1} of {run['name']} started")


def closed(data):
    """The summary of a run that is over; removes the fields that the next run needs."""
    outcome, analytics = data["workflowRun"].pop("outcome"), data.pop("workflowAnalytics")
    return {
        "task": outcome.get("task"),
        "status": outcome["status"],
        "performanceData": analytics["performanceData"],
        "performanceScore": analytics["performanceAnalysis"]["performanceScore"],
        "adaptationDecision": data.pop("workflowAdaptation")["adaptationDecision"],
    }
