"""Applier: when the controller has decided, put its settings into effect for the rest of the task and its subtasks."""

condition = {
    "workflowAdaptation": {
        # Without a limit a workflow could be adapted again and again.
        "adaptationsLeft": {"$or": [None, {"$gt": 0}]},
        "adaptationDecision": {"decidedAt": str, "appliedAt": {"$exists": False}},
    }
}

ADAPTATIONS = 1  # where the task sets no limit
MODEL = "gpt-4"  # the name all agents here use


async def content(data, task, log, now):
    adaptation = data["workflowAdaptation"]
    decision = adaptation["adaptationDecision"]
    settings = applicable(decision["settings"], adaptation)

    task.adapt(**settings)
    decision["applied"] = settings
    decision["appliedAt"] = now.isoformat()
    adaptation["adaptationsLeft"] = (adaptation.get("adaptationsLeft") or ADAPTATIONS) - 1
    log(f"Adaptation applied: {', '.join(settings) or 'no setting to change'}")


def applicable(settings, adaptation):
    """The arguments of `task.adapt` that follow from the controller's settings."""
    wanted = {"concurrency": settings.get("concurrency")}
    if settings.get("tries"):
        agents = adaptation["monitoring"]["performanceMetrics"].get("steps", {})
        wanted["retries"] = dict.fromkeys(agents, settings["tries"])
    if settings.get("model") in adaptation.get("availableModels", []):
        wanted["models"] = {MODEL: settings["model"]}
    return {name: value for name, value in wanted.items() if value}
