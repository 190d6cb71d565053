"""Research agent: when a subtask assigns it a domain, research that and hand the results to the project."""

from aloma_cli import ConnectorError, Integer, List, Optional, Text

condition = {"parallelResearchAgent": {"runParallelResearch": True, "domain": str, "agentId": str}}

DUTIES = [
    "Research your own domain in depth; other agents cover the other domains at the same time.",
    "Focus on insights that only an expert in this domain has.",
    "Identify connections to other domains, and what they imply.",
    "Report findings that can be combined with those of the other agents, and how sure you are of them.",
    "Flag critical information that affects the whole project.",
]

SHAPE = {
    "domainFindings": List(Text(max=300)),
    "keyInsights": List(Text(max=200)),
    "crossDomainConnections": List(Text(max=200), min=0, max=3),
    "criticalFlags": Optional(List(Text(max=200), min=0, max=3)),
    "confidence": Integer(0, 100),
    "dataQuality": {"$in": ["high", "medium", "low"]},
    "sourcesCount": Integer(0, 1000),
    "depthScore": Integer(0, 100),
}


async def content(data, task, connectors, lib, log, now):
    agent = data["parallelResearchAgent"]
    log(f"{agent['agentId']} starts research in {agent['domain']}")

    results = await research(agent, connectors, lib, now)
    agent["results"] = results
    agent["completed"] = True
    if results["status"] == "failed":
        log.error(f"{agent['agentId']} failed: {results['error']}")
    else:
        insights = lib.wording.counted(len(results["insights"]), "insight")
        connections = lib.wording.counted(len(results["crossDomainConnections"]), "cross-domain connection")
        log(f"{agent['agentId']} completed: {insights}, {connections}")

    # The value of `complete` is what lands in the parent, where the synthesis reads it.
    task.complete(results)


async def research(agent, connectors, lib, now):
    """The agent's results; a failed call is a result too, because one domain must not stop the project."""
    try:
        answer = await connectors.openai.chat(model="gpt-4", messages=prompt(agent, lib), shape=SHAPE)
    except ConnectorError as error:
        return failed(agent, error, now)
    return completed(agent, answer.data, now)


def prompt(agent, lib):
    facts = {
        "Research domain": agent["domain"],
        "Research scope": agent.get("researchScope"),
        "Project": agent.get("parentProject"),
        "Deadline": agent.get("deadline"),
    }
    role = f"You are a research agent, an expert in {agent['domain']}; look for the insights that matter most."
    return lib.prompt.messages(role, DUTIES, facts, "Research this domain and report what you find.")


def completed(agent, answer, now):
    return {
        "agentId": agent["agentId"],
        "domain": agent["domain"],
        "findings": answer["domainFindings"],
        "insights": answer["keyInsights"],
        "crossDomainConnections": answer["crossDomainConnections"],
        "criticalFlags": answer.get("criticalFlags") or [],
        "confidenceLevel": answer["confidence"],
        "dataQuality": answer["dataQuality"],
        "researchMetrics": {
            "sourcesConsulted": answer["sourcesCount"],
            "insightsGenerated": len(answer["keyInsights"]),
            "researchDepth": answer["depthScore"],
        },
        "completedAt": now.isoformat(),
        "status": "completed",
    }


def failed(agent, error, now):
    return {
        "agentId": agent["agentId"],
        "domain": agent["domain"],
        "status": "failed",
        "error": str(error),
        "failedAt": now.isoformat(),
    }
