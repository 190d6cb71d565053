"""Hierarchical master: when a hierarchy is asked for, set up its levels, its phases and its quality gates."""

from aloma_cli import List, Text

condition = {"orchestration": {"workflowType": "hierarchical_multi_agent", "masterControl": {"$exists": False}}}

DUTIES = [
    "Define the levels of the hierarchy, what each is responsible for, and who reports to whom.",
    "Say how the levels coordinate.",
    "Divide the work into phases, each with its agents, what it depends on, and checkpoints.",
    "Plan for errors: what can fail, and how to recover.",
    "Say what to monitor, and set the quality gates that a phase must pass.",
    "Create feedback loops, so that each phase improves on the one before.",
]

SHAPE = {
    "hierarchyLevels": List({"level": Text(max=60), "responsibility": Text(max=150)}, max=3),
    "agentRelationships": List(Text(max=150), max=3),
    "executionPhases": List(
        {
            "name": Text(max=80),
            "goal": Text(max=150),
            "level2Agents": List(Text(max=60)),
            "dependencies": Text(max=150),
            "checkpoints": List(Text(max=150), max=2),
        },
        max=3,
    ),
    "coordinationProtocols": List(Text(max=150), max=3),
    "qualityGates": List(Text(max=150), max=3),
    "errorHandling": List(Text(max=150), max=3),
    "monitoring": List(Text(max=150), max=3),
    "feedbackLoops": List(Text(max=150), max=3),
}


async def content(data, connectors, lib, log, now):
    orchestration = data["orchestration"]
    log("Hierarchical master sets up the hierarchy")
    answer = await connectors.openai.chat(model="gpt-4", messages=prompt(orchestration, lib), shape=SHAPE)
    hierarchy = answer.data

    orchestration["masterControl"] = {
        "hierarchyLevels": hierarchy["hierarchyLevels"],
        "agentRelationships": hierarchy["agentRelationships"],
        "executionPhases": hierarchy["executionPhases"],
        "coordinationProtocols": hierarchy["coordinationProtocols"],
        "qualityGates": hierarchy["qualityGates"],
        "errorHandling": hierarchy["errorHandling"],
        "monitoring": hierarchy["monitoring"],
        "feedbackLoops": hierarchy["feedbackLoops"],
        "currentPhase": 0,
        "orchestrationStatus": "initialized",
        "createdAt": now.isoformat(),
    }
    orchestration["phaseExecution"] = lib.hierarchy.ready(hierarchy["executionPhases"][0])
    orchestration["completedPhases"] = []
    levels, phases = len(hierarchy["hierarchyLevels"]), len(hierarchy["executionPhases"])
    log(f"Hierarchy set up: {lib.wording.counted(levels, 'level')}, {lib.wording.counted(phases, 'phase')}")


def prompt(orchestration, lib):
    facts = {
        "Requirements": orchestration.get("requirements"),
        "Available agents": orchestration.get("availableAgents"),
        "Constraints": orchestration.get("constraints"),
    }
    role = "You design a hierarchy of agents that grows with the work and survives the failure of any one agent."
    request = "Set up the hierarchy within the constraints, with one to three phases."
    return lib.prompt.messages(role, DUTIES, facts, request)
