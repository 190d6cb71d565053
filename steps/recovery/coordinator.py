"""Recovery coordinator: when a failure has been described, plan how the workflow gets over it."""

from aloma_cli import Integer, List, Text

condition = {
    "workflowError": {"failureDetected": True, "errorDetails": dict, "recoveryAttempted": {"$exists": False}},
}

DUTIES = [
    "Find the root cause of the failure.",
    "Choose the way to recover that loses least.",
    "Say what has to be preserved, and how.",
    "Prepare for the case that the recovery fails too.",
    "Say how such a failure is prevented.",
]


async def content(data, connectors, lib, log, now):
    error = data["workflowError"]
    log(f"Recovery coordinator reads a failure: {error['errorDetails'].get('errorType')}")
    # The guide leaves the approach free, and so to nobody who could carry it out.
    shape = shape_for(error.get("recoveryOptions") or ["retry", "skip"])
    answer = await connectors.openai.chat(model="gpt-4", messages=prompt(error, lib), shape=shape)
    plan = answer.data

    error["recoveryStrategy"] = {
        "approach": plan["recoveryApproach"],
        "rootCause": plan["rootCauseAnalysis"],
        "recoverySteps": plan["recoverySteps"],
        "fallbackPlan": plan["fallbackPlan"],
        "dataPreservation": plan["dataPreservationStrategy"],
        "preventiveMeasures": plan["preventiveMeasures"],
        "estimatedRecoveryTime": plan["estimatedRecoveryTime"],
        "successProbability": plan["successProbability"],
        "createdAt": now.isoformat(),
    }
    error["recoveryExecution"] = {"status": "in_progress", "currentStep": 0, "startedAt": now.isoformat()}
    error["recoveryAttempted"] = True

    log(f"Recovery planned: {plan['recoveryApproach']}, {plan['successProbability']}% likely to succeed")


def shape_for(options):
    return {
        "recoveryApproach": {"$in": list(options)},
        "rootCauseAnalysis": Text(max=300),
        "recoverySteps": List(Text(max=200)),
        "fallbackPlan": Text(max=200),
        "dataPreservationStrategy": Text(max=200),
        "preventiveMeasures": List(Text(max=200), max=3),
        "estimatedRecoveryTime": Text(max=60),
        "successProbability": Integer(0, 100),
    }


def prompt(error, lib):
    facts = {
        "Failure": error["errorDetails"],
        "State before the failure": error.get("stateBeforeFailure"),
        "Agents that have done their part": error.get("partialResults"),
        "Recovery options": error.get("recoveryOptions"),
    }
    role = "You bring workflows of several agents back on their way after a failure."
    return lib.prompt.messages(role, DUTIES, facts, "Plan the recovery: choose one of the options and say why.")
