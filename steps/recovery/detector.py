"""Detector: when an agent has used up its tries, describe that in `workflowError`, one failure at a time."""

# The guide has nobody who sets `workflowError`.
condition = {"workflow": {"recover": True}, "workflowError": None, "$errors": dict}

RETRIES = 2
OWN = ("workflowError", "workflowErrorHistory")


async def content(data, task, log, now):
    agent = failed_agent(data["$errors"])
    if agent is None:
        return  # all of them are handled: this was only a look
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
    """The first agent whose failure nobody has handled; failures of the recovery itself are left to people."""
    return next((name for name, error in errors.items() if is_open(name, error)), None)


def is_open(name, error):
    # What has no attempts is a result that found no place, and nobody's failure.
    return "attempts" in error and error.get("handled") is not True and not name.startswith("recovery/")


def state_of(data):
    return {field: value for field, value in data.items() if field not in OWN and not field.startswith("$")}


def options(data, agent):
    """What can be done about this failure, and what each of it means."""
    possible = {"skip": "go on without what this agent does"}
    if retries(data, agent) < RETRIES:
        possible["retry"] = "let this agent try again"
    if agent in data["workflow"].get("fallbacks", {}):
        possible["fallback"] = "go on with the default that was prepared for this agent's result"
    return possible


def retries(data, agent):
    """How often the agent was let try again; nobody is to try for ever."""
    past = [(error["errorDetails"], error["recoveryStrategy"]) for error in data.get("workflowErrorHistory", [])]
    return sum(details["failedAgent"] == agent and plan["approach"] == "retry" for details, plan in past)
