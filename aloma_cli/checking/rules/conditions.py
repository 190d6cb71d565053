"""Conditions that never hold, and conditions that always hold."""

from __future__ import annotations

from collections.abc import Iterator

from aloma_cli.checking.finding import Finding
from aloma_cli.checking.places import clash
from aloma_cli.checking.subject import Subject
from aloma_cli.condition.describe import written
from aloma_cli.condition.solve.smallest import always_holds, smallest
from aloma_cli.jsontext import show_path


def find(subject: Subject) -> Iterator[Finding]:
    """As every rule."""
    for step in subject.steps:
        if smallest(step.condition).proven:
            path, patterns = clash(step.condition.pattern)
            tests = " and ".join(written(pattern) for pattern in patterns)
            why = f"no value of {show_path(path)} is {tests}" if patterns else "its tests contradict each other"
            yield Finding(
                subject.place(step, path),
                "never",
                f"the condition of {step.name} can never hold: {why}",
                "change one of these tests",
                step.name,
                "error",
            )
        elif always_holds(step.condition):
            yield Finding(
                subject.place(step),
                "always",
                f"the condition of {step.name} always holds: it fires in every task, in every subtask too",
                "name a field that says when, and one that says that it is done: {'order': dict, 'total': None}",
                step.name,
            )
