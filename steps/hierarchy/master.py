"""Hierarchical master: when a hierarchy is asked for, set up its levels, its phases and its quality gates."""

from aloma_cli import List, Text

condition = {"orchestration": {"workflowType": "hierarchical_multi_agent", "masterControl": {"$exists": False}}}

DUTIES = [
    "Set up the levels of the hierarchy, and say what each answers for.",
    "Divide the work into phases that follow one another, and say which agents each of them needs.",
    "Say who reports to whom, and how agents coordinate.",
    "Set the quality gates that a phase has to pass.",
    "Keep within the constraints.",
]

SHAPE = {
    "hierarchyLevels": List({"level": Text(max=60), "responsibility": Text(max=150)}, max=3),
    "agentRelationships": List(Text(max=150), max=3),
    "executionPhases": List({"name": Text(max=80), "goal": Text(max=150), "level2Agents": List(Text(max=60))}, max=3),
    "coordinationProtocols": List(Text(max=150), max=3),
    "qualityGates": List(Text(max=150), max=3),
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
        "currentPhase": 0,
        "orchestrationStatus": "initialized",
        "createdAt": now.isoformat(),
    }
    orchestration["phaseExecution"] = lib.hierarchy.ready(hierarchy["executionPhases"][0])
    orchestration["completedPhases"] = []
    log(f"{len(hierarchy['hierarchyLevels'])} levels, {len(hierarchy['executionPhases'])} phases")


def prompt(orchestration, lib):
    facts = {
        "Requirements": orchestration.get("requirements"),
        "Available agents": orchestration.get("availableAgents"),
        "Constraints": orchestration.get("constraints"),
    }
    role = "You are at the top of a hierarchy of agents."
    return lib.prompt.messages(role, DUTIES, facts, "Set up the hierarchy, with one to three phases.")
