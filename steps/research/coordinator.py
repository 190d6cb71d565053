"""Coordinator: when a research project names its domains, send one agent into each, all at the same time."""

condition = {
    "researchProject": {
        # The guide takes any list; with no domain in it there would be nobody to wait for.
        "domains": {"$each": str},
        "parallelResearchInitiated": {"$exists": False},
    }
}


async def content(data, task, log, now):
    project = data["researchProject"]
    agents = agents_by_id(project["domains"])
    log(f"Coordinating parallel research in {len(agents)} domains")

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

    log(f"{len(agents)} parallel research agents launched")


def agents_by_id(domains):
    """Agent ids and their domains; the guide lets two spellings of one id collide."""
    agents = {}
    for domain in dict.fromkeys(domains):
        agent_id = "research_" + "_".join(domain.lower().split())
        while agent_id in agents:
            agent_id += "_2"
        agents[agent_id] = domain
    return agents


def launch(task, project, agent_id, domain):
    """Make the subtask of one agent; its result lands in the project, and nobody waits for it here."""
    assignment = {
        "agentId": agent_id,
        "domain": domain,
        # The guide fails without a scope, and never reads the deadline.
        "researchScope": (project.get("scope") or {}).get(domain, {}),
        "deadline": project.get("deadline"),
        "coordinationId": project["parallelExecution"]["coordinationId"],
        "parentProject": project.get("name"),
        "runParallelResearch": True,
    }
    task.subtask(
        f"Parallel Research: {domain}",
        {"parallelResearchAgent": assignment},
        # A tuple, where the guide has a dotted path: a domain may have dots in its name.
        into=("researchProject", "parallelExecution", "findings", agent_id),
        group="parallel_coordinator",
    )
