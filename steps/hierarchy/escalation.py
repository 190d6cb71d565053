"""Escalation agent: when the quality gate holds a phase, send agents out again, accept the results, or fail it."""

from aloma_cli import Text

condition = {
    "orchestration": {"phaseExecution": {"phaseStatus": "executing"}},
    "level1Coordination": {"qualityGate": {"status": "held"}},
}

RETRIES = 2

DUTIES = [
    "Find out why agents failed or escalated.",
    "Send them out again only if another attempt can succeed, and say what they should do differently.",
    "Weigh what the phase loses without them.",
]


async def content(data, task, connectors, lib, log, now):
    coordination = data["level1Coordination"]
    gate = coordination["qualityGate"]
    earlier = coordination.setdefault("escalations", [])
    # The alternative to another attempt; the gate, not the model, says whether the results are enough.
    otherwise = "accept" if gate["completionRate"] >= gate["threshold"] else "fail"

    if len(earlier) < RETRIES:
        decision = await decide(data, ["retry", otherwise], connectors, lib)
    else:
        decision = {"action": otherwise, "reasoning": f"all {RETRIES} retries are used", "guidance": None}
    earlier.append({**decision, "failed": gate["failed"], "escalated": gate["escalated"], "decidedAt": now.isoformat()})
    ACTIONS[decision["action"]](data, task, lib, decision)
    log(f"Escalation agent: {decision['action']}: {decision['reasoning']}")


async def decide(data, actions, connectors, lib):
    shape = {"action": {"$in": actions}, "reasoning": Text(max=200), "guidance": Text(max=200)}
    answer = await connectors.openai.chat(model="gpt-4", messages=prompt(data, lib), shape=shape)
    return {key: answer.data[key] for key in shape}


def prompt(data, lib):
    coordination = data["level1Coordination"]
    facts = {
        "Phase": data["orchestration"]["phaseExecution"]["currentPhase"],
        "Assignments": coordination["level2AgentAssignments"],
        "Failed agents": coordination["qualityGate"]["failed"] or None,
        "Escalated": coordination["qualityGate"]["escalated"] or None,
        "Earlier decisions": [entry["action"] for entry in coordination["escalations"]] or None,
    }
    role = "You decide what happens when agents of a phase fail or escalate."
    return lib.prompt.messages(role, DUTIES, facts, "Decide how the phase continues.")


def send_again(data, task, lib, decision):
    """Send out again the agents that failed or escalated; the gate judges once more when they have ended."""
    coordination = data["level1Coordination"]
    gate = coordination.pop("qualityGate")
    for assignment in coordination["level2AgentAssignments"]:
        if assignment["agentId"] not in gate["failed"] | gate["escalated"]:
            continue
        coordination["level2Results"].pop(assignment["agentId"], None)
        lib.hierarchy.send_out(task, data, assignment | {"guidance": decision["guidance"]})


def accept(data, task, lib, decision):
    data["level1Coordination"]["qualityGate"]["status"] = "passed"


def fail(data, task, lib, decision):
    data["orchestration"]["phaseExecution"]["phaseStatus"] = "failed"


ACTIONS = {"retry": send_again, "accept": accept, "fail": fail}
