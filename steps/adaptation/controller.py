"""Adaptive controller: when monitoring asks for it, decide how the workflow is to change, and write that down."""

from aloma_cli import Integer, List, Optional, Text

condition = {"workflowAdaptation": {"monitoring": {"performanceMetrics": dict, "adaptationRequired": True}}}

DUTIES = [
    "Say whether the present way of working is the best one.",
    "Find the adaptation that would help most.",
    "Name the agents to be configured anew or replaced.",
    "Say how the agents should work together instead.",
    "Change the objectives only where the metrics leave no other way.",
]

# Each type of adaptation, the part of the answer that details it, and the field it is applied to.
CHANGES = {
    "agent_reconfiguration": ("agentModifications", "agentReconfig"),
    "coordination_optimization": ("coordinationModifications", "coordinationChanges"),
    "resource_reallocation": ("resourceModifications", "resourceChanges"),
    "objective_refinement": ("objectiveModifications", "objectiveUpdates"),
}

MODIFICATION = {"target": Text(max=100), "change": Text(max=200)}

# What the applier can set, where the task lets it.
SETTINGS = {
    "concurrency": Optional(Integer(1, 16)),
    "tries": Optional(Integer(1, 5)),
    "model": Optional(Text(max=60)),
}

SHAPE = {
    "adaptationType": {"$in": list(CHANGES)},
    "reasoning": Text(max=400),
    "modifications": List(MODIFICATION, max=3),
    **{details: Optional(List(MODIFICATION, min=0, max=3)) for details, _ in CHANGES.values()},
    "settings": Optional(SETTINGS),
    "expectedImprovement": Text(max=200),
    "implementationPlan": List(Text(max=200)),
    "riskAssessment": Text(max=200),
}


async def content(data, connectors, lib, log, now):
    adaptation = data["workflowAdaptation"]
    log("Adaptive controller reads the performance metrics")
    answer = await connectors.openai.chat(model="gpt-4", messages=prompt(adaptation, lib), shape=SHAPE)
    decision = answer.data

    adaptation["adaptationDecision"] = {
        "adaptationType": decision["adaptationType"],
        "reasoning": decision["reasoning"],
        "modifications": decision["modifications"],
        "settings": decision.get("settings") or {},
        "expectedImprovement": decision["expectedImprovement"],
        "implementationPlan": decision["implementationPlan"],
        "riskAssessment": decision["riskAssessment"],
        "decidedAt": now.isoformat(),
    }
    details, field = CHANGES[decision["adaptationType"]]
    # The guide applies nothing where the model leaves the details out.
    adaptation[field] = decision.get(details) or decision["modifications"]
    # The guide leaves this on; off, the next measurement that wants an adaptation wakes the controller again.
    adaptation["monitoring"]["adaptationRequired"] = False

    log(f"Adaptation decided: {decision['adaptationType']}: {decision['reasoning']}")


def prompt(adaptation, lib):
    facts = {
        "Performance metrics": adaptation["monitoring"]["performanceMetrics"],
        "Workflow state": adaptation.get("currentState"),
        # The guide's test case offers adaptations of which none is one of the four types: the model has to choose.
        "Available adaptations": adaptation.get("availableAdaptations"),
        "Available models": adaptation.get("availableModels") or None,
    }
    role = "You watch over a workflow of several agents and adapt it while it runs."
    request = "Decide on one adaptation: its type, and how the available adaptations are put to use under it."
    return lib.prompt.messages(role, DUTIES, facts, request)
