"""The outcome of a case, as values, as JSON and for JUnit."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from aloma_cli.jsontext import JsonObject, printable
from aloma_cli.record.figures import Figures
from aloma_cli.testing.cases.rate import wilson
from aloma_cli.testing.cases.run import Run
from aloma_cli.values import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """The runs of one case in one workspace. `least`: the pass rate that it must reach."""

    case: str
    runs: Sequence[Run]
    least: float = 1.0

    @property
    def passes(self) -> int:
        return sum(run.passed for run in self.runs)

    @property
    def rate(self) -> float:
        return self.passes / len(self.runs)

    @property
    def passed(self) -> bool:
        return self.rate >= self.least

    @property
    def figures(self) -> Figures:
        return Figures.total(run.figures for run in self.runs)

    @property
    def seconds(self) -> float:
        return sum(run.seconds for run in self.runs)

    @property
    def worst(self) -> Run:
        """A run that did not pass, else any."""
        return next((run for run in self.runs if not run.passed), self.runs[0])

    def to_json(self) -> JsonObject:
        """As `aloma test --json` prints it."""
        figures, (low, high) = self.figures, wilson(self.passes, len(self.runs))
        return {
            "case": self.case,
            "passed": self.passed,
            "runs": len(self.runs),
            "passes": self.passes,
            "rate": self.rate,
            "interval": [round(low, 4), round(high, 4)],
            "wrong": [list(run.wrong) for run in self.runs if run.wrong],
            "calls": figures.calls,
            "tokens": figures.tokens,
            "cost": figures.cost,
            "seconds": round(self.seconds, 3),
        }


def junit(verdicts: Sequence[Verdict], suite: str) -> str:
    """The verdicts as JUnit XML, one `testcase` each."""
    failed = sum(not verdict.passed for verdict in verdicts)
    seconds = sum(verdict.seconds for verdict in verdicts)
    counts = {"tests": str(len(verdicts)), "failures": str(failed), "errors": "0", "time": f"{seconds:.3f}"}
    root = ET.Element("testsuites", counts)
    inner = ET.SubElement(root, "testsuite", {"name": suite, **counts})
    for verdict in verdicts:
        one = ET.SubElement(
            inner, "testcase", {"classname": suite, "name": verdict.case, "time": f"{verdict.seconds:.3f}"}
        )
        if not verdict.passed:
            worst = verdict.worst
            failure = ET.SubElement(one, "failure", {"message": printable(worst.wrong[0])})
            failure.text = "\n".join(map(printable, [*worst.wrong, "", *worst.story.splitlines()]))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
