"""Collector: when a run has ended, hand its recorded figures to the analyst."""

condition = {"workflowRun": {"status": "running"}, "$children": {"workflow_run": {"running": 0}}}


async def content(data, task, lib, log):
    run = data["workflowRun"]
    # A run that was stopped lands nothing.
    outcome = run.setdefault("outcome", {"status": "stopped"})
    performance = since(run.pop("figuresBefore"), task.figures())
    performance["steps"] = of_run(performance["steps"])

    data["workflowAnalytics"] = {
        "performanceData": {"status": outcome["status"], **performance},
        "configuration": {"workflow": run["name"], "run": len(run["history"]) + 1},
        "historicalBaselines": [baseline(past) for past in run["history"]],
        "analysisRequired": True,
    }
    run["status"] = "measured"
    calls, failures = performance.get("calls", 0), performance.get("failures", 0)
    log(f"Figures collected: {lib.wording.counted(calls, 'call')}, {lib.wording.counted(failures, 'failure')}")


def since(before, now):
    """How much each figure has grown, at any depth, without the zeros."""
    if not isinstance(now, dict):
        return round(now - (before or 0), 9)
    added = {name: since(before.get(name) or {}, value) for name, value in now.items()}
    return {name: value for name, value in added.items() if value}


def of_run(steps):
    """The agents of the run, without those of the analytics itself."""
    return {name: did for name, did in steps.items() if not name.startswith("analytics/")}


def baseline(past):
    totals = {name: value for name, value in past["performanceData"].items() if name != "steps"}
    return {**totals, "performanceScore": past["performanceScore"]}
