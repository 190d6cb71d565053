"""What several agents of the hierarchy share: how a phase begins, how its agents are sent out, what came of it."""

AGENT_TIMEOUT = 600
"""Seconds a Level 2 agent has, unless `orchestration.constraints.agent_timeout` says otherwise."""


def ready(phase):
    """The execution of a phase that may begin."""
    return {"currentPhase": phase, "phaseStatus": "ready"}


def send_out(task, data, assignment):
    """Make the subtask of one Level 2 agent; its result lands in the coordination under the agent's id."""
    orchestration, coordination = data["orchestration"], data["level1Coordination"]
    agent = {
        **assignment,
        "phase": orchestration["phaseExecution"]["currentPhase"]["name"],
        "coordinatorId": coordination["coordinatorId"],
        "reportingProtocol": coordination["reportingSchedule"],
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
    """What came of completed phases, by name."""
    return [{"phase": phase["name"], "summary": phase["synthesis"]["executiveSummary"]} for phase in completed]
