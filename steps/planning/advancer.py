"""Advancer: when the decision of a phase has been made, open the next phase, or complete the task after the last."""

condition = {
    "workflow": {"masterPlan": dict, "execution": {"phaseAgents": {"decision_agent": {"status": "completed"}}}}
}


async def content(data, task, lib, log):
    workflow = data["workflow"]
    execution = workflow["execution"]
    phases = workflow["masterPlan"]["phases"]

    # All in one commit: the conditions of the phase's agents become false, so that they can become true again.
    execution["currentPhase"] += 1
    execution["phaseAgents"] = {}
    execution["agentCoordination"] = {}
    del data["agentAssignment"]
    log(f"{execution['currentPhase']} of {lib.wording.counted(len(phases), 'phase')} completed")

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
