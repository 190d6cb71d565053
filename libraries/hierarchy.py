"""What several agents of the hierarchy share: the plan, the start of a phase, sending an agent out, summaries."""

AGENT_TIMEOUT = 600
"""Seconds a Level 2 agent has, unless `orchestration.constraints.agent_timeout` says otherwise."""

STATE = ("currentPhase", "orchestrationStatus", "createdAt")
"""The fields of `masterControl` that say how far the work is; all others are the master's plan."""


def plan(control):
    """The master's plan, which is the same in every phase."""
    return {field: value for field, value in control.items() if field not in STATE}


def ready(phase):
    """The execution of a phase that can start."""
    return {"currentPhase": phase, "phaseStatus": "ready"}


def send_out(task, data, assignment):
    """Make the subtask of one Level 2 agent; its result lands in the coordination under the agent's id."""
    orchestration, coordination = data["orchestration"], data["level1Coordination"]
    agent = {
        **assignment,
        "phase": orchestration["phaseExecution"]["currentPhase"]["name"],
        "coordinatorId": coordination["coordinatorId"],
        "reportingProtocol": coordination["reportingSchedule"],
        "resourceAllocation": coordination["resourceAllocation"],
        "qualityStandards": coordination["qualityStandards"],
        "escalationTriggers": coordination["escalationTriggers"],
        "runLevel2Agent": True,
    }
    task.subtask(
        f"Level 2 Agent: {assignment['agentType']}",
        {"level2Agent": agent},
        into=("level1Coordination", "level2Results", assignment["agentId"]),
        group="level2",
        timeout=(orchestration.get("constraints") or {}).get("agent_timeout", AGENT_TIMEOUT),
    )


def summaries(completed):
    """The outcome of each completed phase, and what the next one can do better."""
    return [
        {
            "phase": phase["name"],
            "summary": phase["synthesis"]["executiveSummary"],
            "metrics": phase["synthesis"]["synthesisMetrics"],
            "improvements": phase["synthesis"]["improvements"],
        }
        for phase in completed
    ]
