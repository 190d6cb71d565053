"""Executive summary: when all phases are completed, sum them up, and complete the task with the summary."""

from aloma_cli import List, Text

condition = {
    "orchestration": {
        "masterControl": {"orchestrationStatus": "completed"},
        "completedPhases": list,
        "executiveSummary": None,
    }
}

DUTIES = [
    "Say in a few sentences what was asked for, and what was achieved.",
    "Name the outcomes that matter most, from any phase.",
    "Recommend what to do next.",
    "Say openly what is missing.",
]

SHAPE = {
    "summary": Text(max=600),
    "keyOutcomes": List(Text(max=200)),
    "recommendations": List(Text(max=200)),
    "openIssues": List(Text(max=200), min=0, max=3),
}


async def content(data, task, connectors, lib, log, now):
    orchestration = data["orchestration"]
    answer = await connectors.openai.chat(model="gpt-4", messages=prompt(orchestration, lib), shape=SHAPE)
    orchestration["executiveSummary"] = {**answer.data, "summarizedAt": now.isoformat()}
    task.complete(report(orchestration))
    log(f"Executive summary of {lib.wording.counted(len(orchestration['completedPhases']), 'phase')}")


def report(orchestration):
    return {
        "executiveSummary": orchestration["executiveSummary"],
        "phases": [
            {"name": phase["name"], **phase["synthesis"]["synthesisMetrics"]}
            for phase in orchestration["completedPhases"]
        ],
    }


def prompt(orchestration, lib):
    facts = {
        "Requirements": orchestration.get("requirements"),
        "Phases": lib.hierarchy.summaries(orchestration["completedPhases"]),
        "Recommendations": [phase["synthesis"]["recommendations"] for phase in orchestration["completedPhases"]],
    }
    role = "You report to the decision makers who asked for the work."
    return lib.prompt.messages(role, DUTIES, facts, "Write the executive summary.")
