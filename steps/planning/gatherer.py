"""Gatherer: when every research agent of a phase has ended, bring their findings into the shared context."""

from aloma_cli import PermanentError

condition = {
    "workflow": {"execution": {"researchFindings": dict}},
    "$children": {"planning_research": {"running": 0}},
}


async def content(data, lib, log, now):
    execution = data["workflow"]["execution"]
    landed = execution.pop("researchFindings")
    # In the order of the assignments, not of the landings, so that later prompts are the same in every run.
    domains = dict.fromkeys(scope["domain"] for scope in execution["agentCoordination"]["parallelAgents"])
    failed = {domain: why for domain in domains if (why := lib.subtasks.failure(landed.get(domain)))}
    found = {domain: landed[domain]["result"] for domain in domains if domain not in failed}
    if failed:
        log.warning(f"{lib.wording.counted(len(failed), 'research agent')} failed: {', '.join(failed)}")
    if not found:
        raise PermanentError(f"no research agent completed: {'; '.join(failed.values())}")

    shared = execution["sharedContext"]
    shared["research"] = shared.get("research", {}) | found
    execution["phaseAgents"]["research_agent"] = {
        "status": "completed",
        "handoffReady": True,
        "handoffSummary": {domain: results["handoffSummary"] for domain, results in found.items()},
        "failedDomains": failed,
        "nextRecommendedAgent": "analysis_agent",
        "completedAt": now.isoformat(),
    }
    log(f"Research of {lib.wording.counted(len(found), 'domain')} gathered")
