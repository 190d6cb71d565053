"""Research agent: in a subtask of its own, research one domain and hand the results to the project."""

from aloma_cli import ConnectorError, Integer, List, Optional, Text

condition = {"parallelResearchAgent": {"runParallelResearch": True, "domain": str, "agentId": str}}

DUTIES = [
    "Research your own domain in depth; colleagues cover the other domains at this moment.",
    "Keep to what only an expert of this domain would see.",
    "Say how your findings bear on other domains.",
    "Flag whatever the whole project must know at once.",
    "Judge your own work: how sure you are, and how good the data is.",
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
        log(f"{agent['agentId']} completed: {counted(results)}")

    # The guide completes with no value, and its synthesis waits for a field that never lands.
    task.complete(results)


async def research(agent, connectors, lib, now):
    """The agent's results; one domain that fails is a result too, for it must not stop the project."""
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
    role = f"You are a research agent, an expert in {agent['domain']}."
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


def counted(results):
    return f"{len(results['insights'])} insights, {len(results['crossDomainConnections'])} cross-domain connections"
