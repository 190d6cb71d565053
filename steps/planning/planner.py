"""Master planner: when a workflow has an objective and no plan, divide the work into phases."""

from aloma_cli import List, Optional, Text

condition = {"workflow": {"objective": str, "scope": dict, "masterPlan": {"$exists": False}}}

DUTIES = [
    "Divide the objective into phases that can be carried out one after the other.",
    "Give each phase a goal that can be seen to be reached.",
    "Name the agents that are needed.",
    "Say by which criteria decisions are to be made.",
    "Keep within the resources and constraints.",
]

SHAPE = {
    "phases": List({"name": Text(max=80), "goal": Text(max=200)}, max=3),
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
    log(f"Master plan: {len(plan['phases'])} phases, {len(plan['requiredAgents'])} agents")


def prompt(workflow, lib):
    facts = {
        "Objective": workflow["objective"],
        "Scope": workflow["scope"],
        "Resources": workflow.get("resources"),
        "Constraints": workflow.get("constraints"),
    }
    role = "You plan the work of several agents."
    return lib.prompt.messages(role, DUTIES, facts, "Make a plan of one to three phases.")
