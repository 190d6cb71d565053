"""Finisher: when the synthesis is complete, complete the task with the final report."""

from aloma_cli import PermanentError

condition = {"researchProject": {"parallelExecution": {"synthesis": dict, "synthesisComplete": True}}}


async def content(data, task, lib, log):
    project = data["researchProject"]
    synthesis = project["parallelExecution"]["synthesis"]
    if not synthesis["parallelAgentsUsed"]:
        raise PermanentError(synthesis["executiveSummary"])

    task.complete(report(project, synthesis))
    domains = lib.wording.counted(synthesis["totalDomainsCovered"], "domain")
    log(f"Final report: {synthesis['parallelAgentsUsed']} of {domains}")


def report(project, synthesis):
    execution = project["parallelExecution"]
    return {
        "project": project.get("name"),
        "deadline": project.get("deadline"),
        "completedDomains": execution["completedDomains"],
        "criticalFlags": critical_flags(execution["findings"]),
        "synthesis": synthesis,
    }


def critical_flags(findings):
    """What agents flagged, by domain."""
    results = [landed["result"] for landed in findings.values()]
    return {found["domain"]: found["criticalFlags"] for found in results if found.get("criticalFlags")}
