"""Synthesis: when every research agent has ended, combine their findings into one picture."""

from aloma_cli import List, Text

condition = {
    "researchProject": {"parallelExecution": {"findings": dict, "synthesisComplete": {"$exists": False}}},
    # The join: a condition like any other, so that no step has to count results.
    "$children": {"parallel_coordinator": {"running": 0}},
}

DUTIES = [
    "Analyse the findings of all domains together.",
    "Identify patterns and connections across domains that no single one shows.",
    "Combine the insights into one understanding of the project.",
    "Where agents contradict each other, say which of them is right, and why.",
    "Draw strategic recommendations from the whole.",
    "Judge how complete the research is, what failed agents leave open, and how far the results can be trusted.",
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
    log("Synthesis reads the findings of the research agents")

    completed, failed = sort_out(execution, lib)
    log(f"{len(completed)} of {lib.wording.counted(execution['totalDomains'], 'research agent')} completed")
    if failed:
        log.warning(f"{len(failed)} failed: {', '.join(failed)}")

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

    recommendations = lib.wording.counted(len(answer["strategicRecommendations"]), "recommendation")
    log(f"Synthesis complete: {recommendations} from {lib.wording.counted(len(completed), 'agent')}")


def sort_out(execution, lib):
    """The results of the agents that completed, and why the others failed, by domain; both in the domains' order."""
    completed, failed = [], {}
    for agent in execution["activeDomains"]:
        results = results_of(execution["findings"].get(agent["agentId"]), lib)
        agent["status"] = results["status"]
        if results["status"] == "completed":
            completed.append(results)
        else:
            failed[agent["domain"]] = results["error"]
    execution["completedDomains"] = [results["domain"] for results in completed]
    return completed, failed


def results_of(landed, lib):
    """The results of one agent; one that broke down or was stopped has failed too."""
    why = lib.subtasks.failure(landed)
    return {"status": "failed", "error": why} if why else landed["result"]


async def combine(project, completed, failed, connectors, lib):
    facts = {
        "Project": project.get("name"),
        "Deadline": project.get("deadline"),
        "Results by domain": completed,
        "Failed domains": failed or None,
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
