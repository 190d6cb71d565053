"""Advancer: when a phase has been synthesized, close it and make the next one ready; the last one stays in place."""

condition = {
    "orchestration": {"masterControl": dict, "phaseExecution": {"phaseStatus": "completed"}},
    "hierarchicalSynthesis": dict,
}


async def content(data, lib, log):
    orchestration = data["orchestration"]
    control, execution = orchestration["masterControl"], orchestration["phaseExecution"]
    phases, following = control["executionPhases"], control["currentPhase"]
    orchestration["completedPhases"].append(
        {
            "name": execution["currentPhase"]["name"],
            "coordination": data["level1Coordination"],
            "synthesis": data["hierarchicalSynthesis"],
        }
    )
    log(f"{following} of {lib.wording.counted(len(phases), 'phase')} completed")

    if following == len(phases):
        control["orchestrationStatus"] = "completed"
        return
    # All in one commit: with one of these left, the coordinator or the synthesizer would skip the next phase.
    orchestration["phaseExecution"] = lib.hierarchy.ready(phases[following])
    del data["level1Coordination"], data["hierarchicalSynthesis"]
