"""Failure: when a phase has failed, end the task in error and say why."""

from aloma_cli import PermanentError

condition = {
    "orchestration": {"phaseExecution": {"phaseStatus": "failed"}},
    "level1Coordination": {"qualityGate": dict},
}


async def content(data):
    phase = data["orchestration"]["phaseExecution"]["currentPhase"]
    gate = data["level1Coordination"]["qualityGate"]
    reasons = "; ".join(f"{agent}: {why}" for agent, why in gate["failed"].items())
    raise PermanentError(f"the phase {phase['name']} failed, {gate['completionRate']:.0%} completed: {reasons}")
