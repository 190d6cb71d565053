"""Adaptive controller: when monitoring asks for an adaptation, decide on one and write the decision down."""

from aloma_cli import Integer, List, Optional, Text

condition = {"workflowAdaptation": {"monitoring": {"performanceMetrics": dict, "adaptationRequired": True}}}

DUTIES = [
    "Judge whether the present strategy is the best one for these metrics.",
    "Choose the adaptation that would improve performance most.",
    "Name the agents to be reconfigured or replaced.",
    "Say how the agents should coordinate instead.",
    "Say whether the objectives should change, given what the metrics and the state have shown.",
]

# Each type of adaptation, the part of the answer that details it, and the field it is applied to.
CHANGES = {
    "agent_reconfiguration": ("agentModifications", "agentReconfig"),
    "coordination_optimization": ("coordinationModifications", "coordinationChanges"),
    "resource_reallocation": ("resourceModifications", "resourceChanges"),
    "objective_refinement": ("objectiveModifications", "objectiveUpdates"),
}

MODIFICATION = {"target": Text(max=80), "change": Text(max=200)}

# What the applier can set.
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
    # The details are optional: models often put everything into the modifications.
    adaptation[field] = decision.get(details) or decision["modifications"]
    # Cleared, so that the next measurement that asks for an adaptation fires the controller again.
    adaptation["monitoring"]["adaptationRequired"] = False

    log(f"Adaptation decided: {decision['adaptationType']}: {decision['reasoning']}")


def prompt(adaptation, lib):
    facts = {
        "Performance metrics": adaptation["monitoring"]["performanceMetrics"],
        "Workflow state": adaptation.get("currentState"),
        # These may be in other words than the four types: the model says which type each of them belongs to.
        "Available adaptations": adaptation.get("availableAdaptations"),
        "Available models": adaptation.get("availableModels") or None,
    }
    role = "You adapt a workflow of several agents while it runs, for better results with less effort."
    request = "Decide on one adaptation: its type, and how to use the available adaptations for it."
    return lib.prompt.messages(role, DUTIES, facts, request)
