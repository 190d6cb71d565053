"""Launcher: start the workflow that is to be analysed, in a subtask, and once more after each adaptation."""

# The guide's analytics has nothing to analyse: nobody tells it of a run.
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
    """What is kept of a run that is over; the fields it used are free for the next one."""
    outcome, analytics = data["workflowRun"].pop("outcome"), data.pop("workflowAnalytics")
    return {
        "task": outcome.get("task"),
        "status": outcome["status"],
        "performanceData": analytics["performanceData"],
        "performanceScore": analytics["performanceAnalysis"]["performanceScore"],
        "adaptationDecision": data.pop("workflowAdaptation")["adaptationDecision"],
    }
