"""Synthesis: when every research agent has ended, combine what they found into one picture."""

from aloma_cli import List, Text

condition = {
    "researchProject": {"parallelExecution": {"findings": dict, "synthesisComplete": {"$exists": False}}},
    # The guide starts at once, counts, and returns too early; here the join is a condition like any other.
    "$children": {"parallel_coordinator": {"running": 0}},
}

DUTIES = [
    "Read the results of all domains together.",
    "Find the patterns and connections that no single domain shows.",
    "Where agents contradict one another, say which of them is right, and why.",
    "Draw strategic recommendations from the whole.",
    "Judge how complete and how trustworthy the research is.",
]

SHAPE = {
    "executiveSummary": Text(max=600),
    "crossDomainInsights": List(Text(max=300)),
    "strategicRecommendations": List(Text(max=300)),
    "qualityAssessment": Text(max=300),
}


async def content(data, connectors, lib, log, now):
    project = data["researchProject"]
    execution = project["parallelExecution"]
    log("Synthesis reads what the research agents found")

    completed, failed = sort_out(execution)
    log(f"{len(completed)} of {execution['totalDomains']} research agents completed")
    if failed:
        log.warning(f"{len(failed)} failed: {', '.join(failed)}")

    # The guide asks the model even when no agent has found anything.
    answer = await combine(project, completed, failed, connectors, lib) if completed else nothing_found(failed)
    execution["synthesis"] = {
        **answer,
        "parallelAgentsUsed": len(completed),
        "failedAgents": len(failed),
        "totalDomainsCovered": execution["totalDomains"],
        "synthesisQuality": answer["qualityAssessment"],
        "synthesizedBy": "parallel_synthesis_agent",
        "synthesizedAt": now.isoformat(),
    }
    execution["synthesisComplete"] = True

    recommendations = len(answer["strategicRecommendations"])
    log(f"Synthesis complete: {recommendations} recommendations from {len(completed)} agents")


def sort_out(execution):
    """The results that agents completed with, and why the others failed, by domain; both in the domains' order."""
    completed, failed = [], {}
    for agent in execution["activeDomains"]:
        results = results_of(execution["findings"].get(agent["agentId"]))
        # The guide leaves every domain at "initiated".
        agent["status"] = results["status"]
        if results["status"] == "completed":
            completed.append(results)
        else:
            failed[agent["domain"]] = results["error"]
    execution["completedDomains"] = [results["domain"] for results in completed]
    return completed, failed


def results_of(landed):
    """What an agent completed with; the guide does not reckon with one that broke down or was stopped."""
    if landed is None:
        return {"status": "failed", "error": "stopped"}
    if landed["status"] != "done":
        return {"status": "failed", "error": landed.get("error", {}).get("message", landed["status"])}
    return landed["result"]


async def combine(project, completed, failed, connectors, lib):
    facts = {
        "Project": project.get("name"),
        "Deadline": project.get("deadline"),
        "Results by domain": completed,
        "Failed domains": list(failed) or None,
    }
    role = f"You combine the work of {len(completed)} research agents, each an expert in one domain."
    messages = lib.prompt.messages(role, DUTIES, facts, "Combine these results into one picture of the project.")
    answer = await connectors.openai.chat(model="gpt-4", messages=messages, shape=SHAPE)
    return answer.data


def nothing_found(failed):
    reasons = "; ".join(dict.fromkeys(failed.values()))
    return {
        "executiveSummary": f"No research agent completed, so there was nothing to ask a model about: {reasons}",
        "crossDomainInsights": [],
        "strategicRecommendations": [],
        "qualityAssessment": "none",
    }
