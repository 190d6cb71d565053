"""Level 1 coordinator: when a phase is ready, divide it among Level 2 agents and send them out."""

from aloma_cli import Integer, List, Optional, Text

condition = {
    "orchestration": {"masterControl": dict, "phaseExecution": {"phaseStatus": "ready"}},
    "level1Coordination": {"$exists": False},
}

DUTIES = [
    "Find the approach that leads to the goal of this phase.",
    "Give each Level 2 agent an assignment that it can carry out alone.",
    "Share out the resources.",
    "Set the quality, in percent, that a result must reach to count.",
    "Say what an agent is to escalate, and when it reports.",
]

SHAPE = {
    # The guide reads a completion rate from an approach that is a text.
    "approach": {
        "summary": Text(max=300),
        "minimumCompletionRate": Optional({"$in": [0.5, 0.6, 0.7, 0.8, 0.9, 1]}),
    },
    # The guide asks for an id as well: models repeat or forget them, so ours are given below. And its task may be
    # a text, for which no Level 2 agent waits.
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
    log(f"Level 1 coordinator takes on the phase {phase['name']}")
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
        "qualityStandards": coordination["qualityStandards"],
        "escalationTriggers": coordination["escalationTriggers"],
        "reportingSchedule": coordination["reportingSchedule"],
        "coordinatorId": "level1_coordinator",
        "initiatedAt": now.isoformat(),
    }
    # The guide leaves the phase at "ready".
    orchestration["phaseExecution"]["phaseStatus"] = "executing"
    for assignment in assignments:
        lib.hierarchy.send_out(task, data, assignment)
    log(f"{len(assignments)} Level 2 agents sent out")


def prompt(orchestration, lib):
    control = orchestration["masterControl"]
    facts = {
        "Phase": orchestration["phaseExecution"]["currentPhase"],
        "Quality gates": control["qualityGates"],
        "Coordination protocols": control["coordinationProtocols"],
        "Completed phases": lib.hierarchy.summaries(orchestration["completedPhases"]) or None,
    }
    role = "You coordinate the Level 2 agents of one phase."
    return lib.prompt.messages(role, DUTIES, facts, "Coordinate this phase with one to five agents.")
