"""Coordinator: when a research project names its domains, send one agent into each, all at the same time."""

condition = {
    "researchProject": {
        # Never true of an empty list, for which there would be no agent to wait for.
        "domains": {"$each": str},
        "parallelResearchInitiated": {"$exists": False},
    }
}


async def content(data, task, lib, log, now):
    project = data["researchProject"]
    agents = agents_by_id(project["domains"])
    log(f"Coordinating parallel research in {lib.wording.counted(len(agents), 'domain')}")

    project["parallelExecution"] = {
        "totalDomains": len(agents),
        "activeDomains": [
            {"domain": domain, "status": "initiated", "agentId": agent_id, "startedAt": now.isoformat()}
            for agent_id, domain in agents.items()
        ],
        "completedDomains": [],
        "findings": {},
        "coordinationId": f"coord_{round(now.timestamp() * 1000)}",
    }
    for agent_id, domain in agents.items():
        launch(task, project, agent_id, domain)
    project["parallelResearchInitiated"] = True

    log(f"{lib.wording.counted(len(agents), 'parallel research agent')} launched")


def agents_by_id(domains):
    """The domain of each agent id; two spellings of one domain are two agents."""
    agents = {}
    for domain in dict.fromkeys(domains):
        agent_id = "research_" + "_".join(domain.lower().split())
        while agent_id in agents:
            agent_id += "_2"
        agents[agent_id] = domain
    return agents


def launch(task, project, agent_id, domain):
    """Make the subtask of one agent; its result lands in the project, and no step waits for it here."""
    assignment = {
        "agentId": agent_id,
        "domain": domain,
        "researchScope": (project.get("scope") or {}).get(domain, {}),
        "deadline": project.get("deadline"),
        "coordinationId": project["parallelExecution"]["coordinationId"],
        "parentProject": project.get("name"),
        "runParallelResearch": True,
    }
    task.subtask(
        f"Parallel Research: {domain}",
        {"parallelResearchAgent": assignment},
        # A tuple, not a dotted path: a domain may have dots in its name.
        into=("researchProject", "parallelExecution", "findings", agent_id),
        group="parallel_coordinator",
    )
