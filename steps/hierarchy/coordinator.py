"""Level 1 coordinator: when a phase is ready, divide it among Level 2 agents and send them out."""

from aloma_cli import Integer, List, Optional, Text

condition = {
    "orchestration": {"masterControl": dict, "phaseExecution": {"phaseStatus": "ready"}},
    "level1Coordination": {"$exists": False},
}

DUTIES = [
    "Coordinate the Level 2 agents: give each an assignment that it can carry out alone.",
    "Allocate the resources, the most important work first.",
    "Say which problems an agent must escalate to you.",
    "Say when the agents report, so that you can report progress to the master.",
    "Adapt your approach to the results and improvements of the completed phases.",
    "Set the quality and the confidence, in percent, that a result must reach to count.",
]

SHAPE = {
    "approach": {
        "summary": Text(max=300),
        "minimumCompletionRate": Optional({"$in": [0.5, 0.6, 0.7, 0.8, 0.9, 1]}),
    },
    # No ids: models repeat or forget them, so the agents are numbered below.
    "agentAssignments": List(
        {"agentType": Text(max=60), "task": {"objective": Text(max=200), "deliverable": Text(max=150)}}
    ),
    "resourceAllocation": List(Text(max=150), max=3),
    "qualityStandards": {"minimumConfidence": Integer(0, 100), "minimumQuality": Integer(0, 100)},
    "escalationTriggers": List(Text(max=150), max=3),
    "reportingSchedule": Text(max=100),
}


async def content(data, task, connectors, lib, log, now):
    orchestration = data["orchestration"]
    phase = orchestration["phaseExecution"]["currentPhase"]
    log(f"Level 1 coordinator starts the phase: {phase['name']}")
    answer = await connectors.openai.chat(model="gpt-4", messages=prompt(orchestration, lib), shape=SHAPE)
    coordination = answer.data

    assignments = [
        {"agentId": f"level2_{number}", "agentType": entry["agentType"], "assignment": entry["task"]}
        for number, entry in enumerate(coordination["agentAssignments"], 1)
    ]
    data["level1Coordination"] = {
        "coordinationStrategy": coordination["approach"],
        "level2AgentAssignments": assignments,
        "level2Results": {},
        "resourceAllocation": coordination["resourceAllocation"],
        "qualityStandards": standards(coordination["qualityStandards"], orchestration.get("constraints")),
        "escalationTriggers": coordination["escalationTriggers"],
        "reportingSchedule": coordination["reportingSchedule"],
        "coordinatorId": "level1_coordinator",
        "initiatedAt": now.isoformat(),
    }
    orchestration["phaseExecution"]["phaseStatus"] = "executing"
    for assignment in assignments:
        lib.hierarchy.send_out(task, data, assignment)
    log(f"{lib.wording.counted(len(assignments), 'Level 2 agent')} sent out")


def standards(chosen, constraints):
    """The standards of the quality gate; a `quality_threshold` in the task's constraints takes precedence."""
    threshold = (constraints or {}).get("quality_threshold")
    return chosen | {"minimumQuality": threshold} if isinstance(threshold, int | float) else chosen


def prompt(orchestration, lib):
    phase = orchestration["phaseExecution"]["currentPhase"]
    facts = {
        "Phase": phase,
        "Master control": lib.hierarchy.plan(orchestration["masterControl"]),
        "Available Level 2 agents": phase.get("level2Agents") or None,
        "Constraints": orchestration.get("constraints"),
        "Completed phases": lib.hierarchy.summaries(orchestration["completedPhases"]) or None,
    }
    role = "You are the Level 1 coordinator of one phase: balance quality against effort, and keep to the protocols."
    return lib.prompt.messages(role, DUTIES, facts, "Coordinate this phase with one to five agents.")
