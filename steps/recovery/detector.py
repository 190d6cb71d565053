"""Detector: when an agent has failed for good, describe that in `workflowError`, one failure at a time."""

condition = {"workflow": {"recover": True}, "workflowError": None, "$errors": dict}

RETRIES = 2
OWN = ("workflowError", "workflowErrorHistory")


async def content(data, task, log, now):
    agent = failed_agent(data["$errors"])
    if agent is None:
        return  # all of them are handled
    error = data["$errors"][agent]

    data["workflowError"] = {
        "failureDetected": True,
        "errorDetails": {
            "errorType": error["type"],
            "message": error["message"],
            "failedAgent": agent,
            "attempts": error["attempts"],
        },
        "stateBeforeFailure": state_of(data),
        "partialResults": [step for step, done in task.figures()["steps"].items() if done["fired"]],
        "recoveryOptions": options(data, agent),
        "detectedAt": now.isoformat(),
    }
    log.warning(f"{agent} failed: {error['message']}")


def failed_agent(errors):
    """The first agent whose failure is not handled yet; failures of the recovery itself are left to people."""
    return next((name for name, error in errors.items() if is_open(name, error)), None)


def is_open(name, error):
    # An entry without attempts is a result that found no place, not the failure of an agent.
    return "attempts" in error and error.get("handled") is not True and not name.startswith("recovery/")


def state_of(data):
    return {field: value for field, value in data.items() if field not in OWN and not field.startswith("$")}


def options(data, agent):
    """The ways to recover from this failure, each with its meaning."""
    possible = {"skip": "continue without this agent's result"}
    if retries(data, agent) < RETRIES:
        possible["retry"] = "run this agent again"
    if agent in data["workflow"].get("fallbacks", {}):
        possible["fallback"] = "continue with the default that was prepared for this agent's result"
    return possible


def retries(data, agent):
    """How often this agent has been retried, so that no agent is retried without end."""
    past = [(error["errorDetails"], error["recoveryStrategy"]) for error in data.get("workflowErrorHistory", [])]
    return sum(details["failedAgent"] == agent and plan["approach"] == "retry" for details, plan in past)
