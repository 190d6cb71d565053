"""Executor: when a recovery plan exists, carry it out, and move the failure to the history."""

condition = {
    "workflow": {"recover": True},
    "workflowError": {
        "errorDetails": {"failedAgent": str},
        "recoveryStrategy": {"approach": {"$in": ["retry", "skip", "fallback"]}},
        "recoveryExecution": {"status": "in_progress"},
    },
}


async def content(data, log, now):
    error = data.pop("workflowError")
    agent, strategy = error["errorDetails"]["failedAgent"], error["recoveryStrategy"]
    # A person may have been faster: `aloma task resume` removes the entry.
    if agent in data.get("$errors", {}):
        carry_out(strategy["approach"], data, agent)

    data.setdefault("workflowErrorHistory", []).append(closed(error, now))
    log(f"Recovery carried out: {strategy['approach']} {agent}")


def carry_out(approach, data, agent):
    if approach == "retry":
        # Removing its entry arms the agent: it fires again if its condition still holds.
        del data["$errors"][agent]
        return
    if approach == "fallback":
        write_default(data, **data["workflow"]["fallbacks"][agent])
    data["$errors"][agent]["handled"] = True


def write_default(data, into, value):
    """Put `value` where the agent's result would be; `into` is a dotted path."""
    *above, last = into.split(".")
    for key in above:
        data = data.setdefault(key, {})
    data[last] = value


def closed(error, now):
    """The failure as the history keeps it; the state before it is in the record of the task."""
    execution = {
        **error["recoveryExecution"],
        "status": "completed",
        "currentStep": len(error["recoveryStrategy"]["recoverySteps"]),
        "completedAt": now.isoformat(),
    }
    remembered = {key: value for key, value in error.items() if key != "stateBeforeFailure"}
    return remembered | {"recoveryExecution": execution}
