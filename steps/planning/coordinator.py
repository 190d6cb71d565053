"""Execution coordinator: when a phase is to begin, decide who works in it, and on what."""

from aloma_cli import List, Text

condition = {"workflow": {"masterPlan": dict, "execution": {"status": "planning_complete", "currentPhase": int}}}

DUTIES = [
    "Find the strategy that leads to the goal of this phase.",
    "Say which domains are to be researched; one agent works on each, all at the same time.",
    "Say what the analysis and the decision that follow are to achieve.",
    "Set checkpoints by which progress can be seen.",
    "Build on what earlier phases found.",
]

# The guide stores both lists of agents, and nobody reads them; here they are who works in the phase.
SHAPE = {
    "strategy": Text(max=300),
    "parallelAgents": List({"domain": Text(max=60), "questions": List(Text(max=150), max=3)}, max=3),
    "sequentialAgents": List({"agent": {"$in": ["analysis_agent", "decision_agent"]}, "objective": Text(max=200)}),
    "checkpoints": List(Text(max=150), max=3),
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
        "checkpoints": coordination["checkpoints"],
        "coordinatedAt": now.isoformat(),
    }
    execution["phaseAgents"] = {}

    parallel, sequential = len(coordination["parallelAgents"]), len(coordination["sequentialAgents"])
    log(f"Phase coordinated: {parallel} parallel agents, {sequential} sequential ones")


def prompt(workflow, phase, lib):
    execution = workflow["execution"]
    facts = {
        "Phase": phase,
        "Completed phases": execution["phasesCompleted"] or None,
        "Shared context": execution["sharedContext"] or None,
        "Agents": workflow["masterPlan"]["requiredAgents"],
    }
    role = "You coordinate the agents of one phase of a plan."
    return lib.prompt.messages(role, DUTIES, facts, "Say how this phase is to be carried out.")
