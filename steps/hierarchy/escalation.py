"""Escalation agent: when the quality gate holds a phase up, send agents out again, accept what there is, or fail it."""

from aloma_cli import Text

# The guide has no such step: escalations are never read, and a phase short of results waits for ever.
condition = {
    "orchestration": {"phaseExecution": {"phaseStatus": "executing"}},
    "level1Coordination": {"qualityGate": {"status": "held"}},
}

RETRIES = 2

DUTIES = [
    "Find out what kept the agents from completing, or made them escalate.",
    "Send them out again only where another try can end differently, and say what they are to do differently.",
    "Weigh what the phase loses without them.",
]


async def content(data, task, connectors, lib, log, now):
    coordination = data["level1Coordination"]
    gate = coordination["qualityGate"]
    earlier = coordination.setdefault("escalations", [])
    # What is left when nobody is sent out again; whether results suffice is the gate's to say, not the model's.
    otherwise = "accept" if gate["completionRate"] >= gate["threshold"] else "fail"

    if len(earlier) < RETRIES:
        decision = await decide(data, ["retry", otherwise], connectors, lib)
    else:
        decision = {"action": otherwise, "reasoning": f"{RETRIES} retries are used up", "guidance": None}
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
    return lib.prompt.messages(role, DUTIES, facts, "Decide how the phase goes on.")


def send_again(data, task, lib, decision):
    """Send out again whoever failed or escalated; the gate judges anew when they have ended."""
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
