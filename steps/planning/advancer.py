"""Advancer: when a phase is decided, close it and open the next; after the last one, complete the task."""

# The guide has no such step: its workflow stays in the first phase.
condition = {
    "workflow": {"masterPlan": dict, "execution": {"phaseAgents": {"decision_agent": {"status": "completed"}}}}
}


async def content(data, task, log):
    workflow = data["workflow"]
    execution = workflow["execution"]
    phases = workflow["masterPlan"]["phases"]

    # All in one commit: the conditions of coordinator, assigner and specialists turn false, and then true again.
    execution["currentPhase"] += 1
    execution["phaseAgents"] = {}
    execution["agentCoordination"] = {}
    del data["agentAssignment"]
    log(f"{execution['currentPhase']} of {len(phases)} phases completed")

    if execution["currentPhase"] < len(phases):
        execution["status"] = "planning_complete"
    else:
        execution["status"] = "completed"
        task.complete(report(workflow))


def report(workflow):
    execution = workflow["execution"]
    return {
        "objective": workflow["objective"],
        "phases": execution["phasesCompleted"],
        "decisions": execution["sharedContext"]["decisions"],
    }
