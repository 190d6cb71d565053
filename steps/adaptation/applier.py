"""Applier: when the controller has decided, run the task and its subtasks by the new settings from here on."""

# The guide decides and changes nothing. The count keeps a workflow from being adapted for ever.
condition = {
    "workflowAdaptation": {
        "adaptationsLeft": {"$gt": 0},
        "adaptationDecision": {"decidedAt": str, "appliedAt": {"$exists": False}},
    }
}

# What all agents here ask for.
MODEL = "gpt-4"


async def content(data, task, log, now):
    adaptation = data["workflowAdaptation"]
    decision = adaptation["adaptationDecision"]
    settings = applicable(decision["settings"], adaptation)

    task.adapt(**settings)
    decision["applied"] = settings
    decision["appliedAt"] = now.isoformat()
    adaptation["adaptationsLeft"] -= 1
    log(f"Adaptation applied: {', '.join(settings) or 'nothing to be set'}")


def applicable(settings, adaptation):
    """What `task.adapt` takes, from what the controller wants."""
    wanted = {"concurrency": settings.get("concurrency")}
    if settings.get("tries"):
        agents = adaptation["monitoring"]["performanceMetrics"].get("steps", {})
        wanted["retries"] = dict.fromkeys(agents, settings["tries"])
    if settings.get("model") in adaptation.get("availableModels", []):
        wanted["models"] = {MODEL: settings["model"]}
    return {name: value for name, value in wanted.items() if value}
