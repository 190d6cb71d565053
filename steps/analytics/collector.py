"""Collector: when a run has ended, hand its figures, as the record has them, to the analyst."""

condition = {"workflowRun": {"status": "running"}, "$children": {"workflow_run": {"running": 0}}}


async def content(data, task, log):
    run = data["workflowRun"]
    # Nothing lands of a run that was stopped.
    outcome = run.setdefault("outcome", {"status": "stopped"})
    performance = since(run.pop("figuresBefore"), task.figures())
    performance["steps"] = of_run(performance["steps"])

    # The guide has nobody who sets `workflowAnalytics`.
    data["workflowAnalytics"] = {
        "performanceData": {"status": outcome["status"], **performance},
        "configuration": {"workflow": run["name"], "run": len(run["history"]) + 1},
        "historicalBaselines": [baseline(past) for past in run["history"]],
        "analysisRequired": True,
    }
    run["status"] = "measured"
    log(f"Figures collected: calls: {performance.get('calls', 0)}, failures: {performance.get('failures', 0)}")


def since(before, now):
    """What has been added to the figures since those before, at any depth, without the zeros."""
    if not isinstance(now, dict):
        return round(now - (before or 0), 9)
    added = {name: since(before.get(name) or {}, value) for name, value in now.items()}
    return {name: value for name, value in added.items() if value}


def of_run(steps):
    """The agents of the run; what the analytics itself does is no part of it."""
    return {name: did for name, did in steps.items() if not name.startswith("analytics/")}


def baseline(past):
    totals = {name: value for name, value in past["performanceData"].items() if name != "steps"}
    return {**totals, "performanceScore": past["performanceScore"]}
