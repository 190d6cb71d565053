"""Quality gate: when every Level 2 agent has ended, judge the results, and pass the phase or hold it."""

# The rate below is one of assignments: an agent whose result is missing counts as failed.
condition = {
    "level1Coordination": {"level2Results": dict, "qualityGate": None},
    "$children": {"level2": {"running": 0}},
}

COMPLETION_RATE = 0.8


async def content(data, lib, log, now):
    coordination = data["level1Coordination"]
    landed, standards = coordination["level2Results"], coordination["qualityStandards"]
    agents = [entry["agentId"] for entry in coordination["level2AgentAssignments"]]

    failed = {agent: why for agent in agents if (why := shortfall(landed.get(agent), standards, lib))}
    completed = [agent for agent in agents if agent not in failed]
    escalated = {agent: why for agent in completed if (why := landed[agent]["result"]["escalation"])}
    rate = len(completed) / len(agents)
    threshold = coordination["coordinationStrategy"].get("minimumCompletionRate") or COMPLETION_RATE

    coordination["qualityGate"] = {
        "status": "held" if escalated or rate < threshold else "passed",
        "completed": completed,
        "failed": failed,
        "escalated": escalated,
        "completionRate": rate,
        "threshold": threshold,
        "judgedAt": now.isoformat(),
    }
    log(f"{len(completed)} completed, {len(failed)} failed: {rate:.0%} (needed: {threshold:.0%})")
    if rate < threshold:
        log(f"Waiting for a higher completion rate: {rate:.0%} < {threshold:.0%}")
    for agent, why in failed.items():
        log.warning(f"{agent} does not count: {why}")
    for agent, escalation in escalated.items():
        log.warning(f"{agent} escalates: {escalation['reason']}")


def shortfall(landed, standards, lib):
    """Why an agent's result does not count, or None if it does."""
    if why := lib.subtasks.failure(landed):
        return why
    results = landed["result"]
    if results["status"] == "failed":
        return results["error"]
    quality, confidence = results["qualityMetrics"]["score"], results["reportingData"]["confidenceLevel"]
    if quality < standards["minimumQuality"]:
        return f"quality {quality} is below {standards['minimumQuality']}"
    if confidence < standards["minimumConfidence"]:
        return f"confidence {confidence} is below {standards['minimumConfidence']}"
    return None
