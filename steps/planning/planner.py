"""Master planner: when a workflow has an objective and no plan, divide the work into phases."""

from aloma_cli import List, Optional, Text

condition = {"workflow": {"objective": str, "scope": dict, "masterPlan": {"$exists": False}}}

DUTIES = [
    "Divide the objective into phases that follow one another.",
    "Name the specialist agents that each phase needs.",
    "Say what each phase depends on, and where its agents must coordinate.",
    "Say which work of a phase can be done in parallel.",
    "Anticipate what can fail in each phase, and plan the fallback.",
    "Define how success is measured: quality gates for each phase, and criteria for the decisions.",
]

SHAPE = {
    "phases": List(
        {
            "name": Text(max=80),
            "goal": Text(max=200),
            "agents": List(Text(max=60), max=3),
            "dependencies": Text(max=150),
            "parallelWork": Text(max=150),
            "fallback": Text(max=150),
            "qualityGates": List(Text(max=150), max=2),
        },
        max=3,
    ),
    "requiredAgents": List(Text(max=60)),
    "decisionCriteria": Optional(List(Text(max=150), min=0)),
}


async def content(data, connectors, lib, log, now):
    workflow = data["workflow"]
    log(f"Master planner plans for: {workflow['objective']}")
    answer = await connectors.openai.chat(model="gpt-4", messages=prompt(workflow, lib), shape=SHAPE)
    plan = answer.data

    workflow["masterPlan"] = {
        **plan,
        "planningAgent": "master_planner",
        "planCreatedAt": now.isoformat(),
        "planVersion": "1.0",
    }
    workflow["execution"] = {
        "currentPhase": 0,
        "phasesCompleted": [],
        "agentCoordination": {},
        "sharedContext": {},
        "status": "planning_complete",
    }
    phases, agents = len(plan["phases"]), len(plan["requiredAgents"])
    log(f"Master plan: {lib.wording.counted(phases, 'phase')}, {lib.wording.counted(agents, 'agent')}")


def prompt(workflow, lib):
    facts = {
        "Objective": workflow["objective"],
        "Scope": workflow["scope"],
        "Resources": workflow.get("resources"),
        "Constraints": workflow.get("constraints"),
    }
    role = "You plan the work of several agents, each of which takes on one part of it."
    request = "Make a plan of one to three phases, within the resources and constraints."
    return lib.prompt.messages(role, DUTIES, facts, request)
