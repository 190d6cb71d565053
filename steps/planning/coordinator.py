"""Execution coordinator: when a phase is to start, decide which agents work in it, and on what."""

from aloma_cli import List, Text

condition = {"workflow": {"masterPlan": dict, "execution": {"status": "planning_complete", "currentPhase": int}}}

DUTIES = [
    "Choose the strategy for this phase: the domains to be researched in parallel, then analysis and decision.",
    "Name the data that the agents share, and build on the findings of earlier phases.",
    "Set checkpoints that show progress.",
    "Say what to do if an agent fails, and how to recover.",
    "Set the quality gates that the phase must pass to be complete.",
]

SHAPE = {
    "strategy": Text(max=300),
    "parallelAgents": List({"domain": Text(max=60), "questions": List(Text(max=150), max=3)}, max=3),
    "sequentialAgents": List({"agent": {"$in": ["analysis_agent", "decision_agent"]}, "objective": Text(max=200)}),
    "sharedData": List(Text(max=150), min=0, max=3),
    "checkpoints": List(Text(max=150), max=3),
    "errorHandling": Text(max=200),
    "qualityGates": List(Text(max=150), max=3),
}


async def content(data, connectors, lib, log, now):
    workflow = data["workflow"]
    execution = workflow["execution"]
    phase = workflow["masterPlan"]["phases"][execution["currentPhase"]]
    log(f"Coordinating phase {execution['currentPhase'] + 1}: {phase['name']}")
    answer = await connectors.openai.chat(model="gpt-4", messages=prompt(workflow, phase, lib), shape=SHAPE)
    coordination = answer.data

    execution["agentCoordination"] = {
        "phase": phase["name"],
        "strategy": coordination["strategy"],
        "parallelAgents": coordination["parallelAgents"],
        "sequentialAgents": coordination["sequentialAgents"],
        "sharedData": coordination["sharedData"],
        "checkpoints": coordination["checkpoints"],
        "errorHandling": coordination["errorHandling"],
        "qualityGates": coordination["qualityGates"],
        "coordinatedAt": now.isoformat(),
    }
    execution["phaseAgents"] = {}

    parallel = lib.wording.counted(len(coordination["parallelAgents"]), "parallel agent")
    sequential = lib.wording.counted(len(coordination["sequentialAgents"]), "sequential agent")
    log(f"Phase coordinated: {parallel}, {sequential}")


def prompt(workflow, phase, lib):
    execution = workflow["execution"]
    facts = {
        "Phase": phase,
        "Completed phases": execution["phasesCompleted"] or None,
        "Shared context": execution["sharedContext"] or None,
        "Agents": workflow["masterPlan"]["requiredAgents"],
    }
    role = "You coordinate the agents of one phase of a plan; they do exactly what you write."
    return lib.prompt.messages(role, DUTIES, facts, "Say how to carry out this phase.")
