"""Recovery coordinator: when a failure has been described, plan how the workflow recovers from it."""

from aloma_cli import Integer, List, Text

condition = {
    "workflowError": {"failureDetected": True, "errorDetails": dict, "recoveryAttempted": {"$exists": False}},
}

DUTIES = [
    "Find the root cause of the failure, and its scope: what it affects.",
    "Determine which parts of the workflow still function.",
    "Design the steps of the recovery.",
    "Lose as little data as possible, and preserve the progress that was made.",
    "Prepare a fallback in case this recovery fails.",
    "Say how to prevent such failures.",
]


async def content(data, connectors, lib, log, now):
    error = data["workflowError"]
    log(f"Recovery coordinator reads a failure: {error['errorDetails'].get('errorType')}")
    # Only approaches that the executor can carry out.
    shape = shape_for(error.get("recoveryOptions") or ["retry", "skip"])
    answer = await connectors.openai.chat(model="gpt-4", messages=prompt(error, lib), shape=shape)
    plan = answer.data

    error["recoveryStrategy"] = {
        "approach": plan["recoveryApproach"],
        "rootCause": plan["rootCauseAnalysis"],
        "failureScope": plan["failureScope"],
        "functionalComponents": plan["functionalComponents"],
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
        "failureScope": Text(max=200),
        "functionalComponents": List(Text(max=100), min=0),
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
        "Agents that have completed": error.get("partialResults"),
        "Recovery options": error.get("recoveryOptions"),
    }
    role = "You recover workflows of several agents after a failure: keep them intact, and save partial results."
    return lib.prompt.messages(role, DUTIES, facts, "Plan the recovery: choose one of the options and say why.")
