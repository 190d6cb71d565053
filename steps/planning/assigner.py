"""Assigner: when a phase has been coordinated or a specialist has completed, hand the phase to the next specialist."""

# Specialists complete while the condition stays true, and each of them needs a hand-off of its own.
rearm = "change"

condition = {
    "workflow": {
        "objective": str,
        "masterPlan": dict,
        "execution": {
            "status": {"$in": ["planning_complete", "executing"]},
            "agentCoordination": {"phase": str},
            # The whole field, so that any specialist that completes arms this step; the last one has no successor.
            "phaseAgents": {"$and": [dict, {"decision_agent": None}]},
        },
    }
}

# The specialists in their order, with the event that triggers each of them.
TRIGGERS = {
    "research_agent": "phase_coordinated",
    "analysis_agent": "research_complete",
    "decision_agent": "analysis_complete",
}


async def content(data, task, log):
    workflow = data["workflow"]
    execution = workflow["execution"]
    agent = next(agent for agent in TRIGGERS if agent not in execution["phaseAgents"])
    if execution["status"] == "executing" and data["agentAssignment"]["type"] == agent:
        return  # no specialist has completed: something else in the phase has changed

    execution["status"] = "executing"
    data["agentAssignment"] = {
        "type": agent,
        "triggerCondition": TRIGGERS[agent],
        "objectives": objectives(execution["agentCoordination"], agent),
    }
    if agent == "research_agent":
        launch_research(task, workflow)
    log(f"{execution['agentCoordination']['phase']}: handed to the {agent}")


def objectives(coordination, agent):
    return [entry["objective"] for entry in coordination["sequentialAgents"] if entry["agent"] == agent]


def launch_research(task, workflow):
    """Make one subtask for each domain; its document holds only what the research agent reads."""
    execution = workflow["execution"]
    execution["researchFindings"] = {}
    coordination, phase = execution["agentCoordination"], workflow["masterPlan"]["phases"][execution["currentPhase"]]
    context = {"agentCoordination": coordination, "sharedContext": execution["sharedContext"]}
    # A domain that is named twice is researched once.
    scopes = {scope["domain"]: scope for scope in coordination["parallelAgents"]}
    for domain, scope in scopes.items():
        assignment = {
            "type": "research_agent",
            "taskReady": True,
            "scope": scope,
            "objective": workflow["objective"],
            "phase": phase,
        }
        task.subtask(
            f"Research: {domain}",
            {"workflow": {"execution": context}, "agentAssignment": assignment},
            into=("workflow", "execution", "researchFindings", domain),
            group="planning_research",
        )
