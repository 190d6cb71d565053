"""Assigner: hand the phase to its first specialist, and on to the next whenever one has completed."""

# Specialists complete while the condition stays true: each of them is news, and has a hand-off of its own.
rearm = "change"

# The guide has no such step: nobody sets an assignment, and nobody says that a phase is under way.
condition = {
    "workflow": {
        "execution": {
            "status": {"$in": ["planning_complete", "executing"]},
            "agentCoordination": {"phase": str},
            # All of them are read, so that whoever completes wakes this step; the last one has no successor.
            "phaseAgents": {"$and": [dict, {"decision_agent": None}]},
        }
    }
}

# Who comes after whom, and upon what.
TRIGGERS = {
    "research_agent": "phase_coordinated",
    "analysis_agent": "research_complete",
    "decision_agent": "analysis_complete",
}


async def content(data, task, log):
    execution = data["workflow"]["execution"]
    agent = next(agent for agent in TRIGGERS if agent not in execution["phaseAgents"])
    if execution["status"] == "executing" and data["agentAssignment"]["type"] == agent:
        return  # nobody has completed: something else of the phase was changed

    execution["status"] = "executing"
    data["agentAssignment"] = {
        "type": agent,
        "triggerCondition": TRIGGERS[agent],
        "objectives": objectives(execution["agentCoordination"], agent),
    }
    if agent == "research_agent":
        launch_research(task, execution)
    log(f"{execution['agentCoordination']['phase']}: handed to the {agent}")


def objectives(coordination, agent):
    return [entry["objective"] for entry in coordination["sequentialAgents"] if entry["agent"] == agent]


def launch_research(task, execution):
    """Make one subtask for each domain; its document holds what the research agent reads, and nothing else."""
    execution["researchFindings"] = {}
    coordination = execution["agentCoordination"]
    context = {"agentCoordination": coordination, "sharedContext": execution["sharedContext"]}
    # A domain that is named twice is researched once.
    scopes = {scope["domain"]: scope for scope in coordination["parallelAgents"]}
    for domain, scope in scopes.items():
        assignment = {"type": "research_agent", "taskReady": True, "scope": scope}
        task.subtask(
            f"Research: {domain}",
            {"workflow": {"execution": context}, "agentAssignment": assignment},
            into=("workflow", "execution", "researchFindings", domain),
            group="planning_research",
        )
