"""All rules together."""

from __future__ import annotations

from aloma_cli.checking.finding import Finding
from aloma_cli.checking.rules import conditions, cycles, fields, names, neighbours, slips, subtasks
from aloma_cli.checking.subject import Material, Subject

_RULES = (conditions, fields, subtasks, neighbours, cycles, names, slips)


def check(material: Material) -> list[Finding]:
    """What is wrong with the steps, by file and line."""
    subject = Subject(material)
    found = {finding for rule in _RULES for finding in rule.find(subject)}
    never = {finding.step for finding in found if finding.kind == "never"}
    # A condition that never holds explains what else is wrong with it.
    return sorted(one for one in found if one.kind != "value" or one.step not in never)
