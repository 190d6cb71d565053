"""The outcome of a case, as values, as JSON and for JUnit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from aloma_cli.jsontext import JsonObject, printable
from aloma_cli.record.figures import Figures
from aloma_cli.testing.cases.run import Run
from aloma_cli.values import dataclass

_Z = 1.959964
"""Of the normal distribution, for 95 %."""


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
    def interval(self) -> tuple[float, float]:
        """In which the true pass rate lies with 95 % confidence."""
        return wilson(self.passes, len(self.runs))

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
        figures, (low, high) = self.figures, self.interval
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


def wilson(passed: int, runs: int) -> tuple[float, float]:
    """The interval in which the true pass rate lies with 95 % confidence (Wilson's score interval)."""
    if not runs:
        return 0.0, 1.0
    share, square = passed / runs, _Z * _Z
    middle = share + square / (2 * runs)
    spread = _Z * math.sqrt(share * (1 - share) / runs + square / (4 * runs * runs))
    scale = 1 + square / runs
    # The share lies in it, but for the rounding.
    return max(0.0, min(share, (middle - spread) / scale)), min(1.0, max(share, (middle + spread) / scale))


def junit(verdicts: Sequence[Verdict]) -> str:
    """The verdicts as JUnit XML, one `testcase` each."""
    failed = sum(not verdict.passed for verdict in verdicts)
    seconds = sum(verdict.seconds for verdict in verdicts)
    counts = {"tests": str(len(verdicts)), "failures": str(failed), "errors": "0", "time": f"{seconds:.3f}"}
    root = ET.Element("testsuites", counts)
    inner = ET.SubElement(root, "testsuite", {"name": "aloma", **counts})
    for verdict in verdicts:
        one = ET.SubElement(
            inner, "testcase", {"classname": "aloma", "name": verdict.case, "time": f"{verdict.seconds:.3f}"}
        )
        if not verdict.passed:
            worst = verdict.worst
            failure = ET.SubElement(one, "failure", {"message": printable(worst.wrong[0])})
            failure.text = "\n".join(map(printable, [*worst.wrong, "", *worst.story.splitlines()]))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
