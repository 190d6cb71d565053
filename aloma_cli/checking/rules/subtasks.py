"""Subtasks for whose data no condition holds: they would end as ignored."""

from __future__ import annotations

from collections.abc import Iterator

from aloma_cli.checking.finding import Finding
from aloma_cli.checking.places import alternatives, test_of
from aloma_cli.checking.subject import Subject
from aloma_cli.checking.values import Obj, Value, below, may_meet
from aloma_cli.content.step import Step
from aloma_cli.document.paths import MISSING
from aloma_cli.errors import did_you_mean


def find(subject: Subject) -> Iterator[Finding]:
    """As every rule."""
    for step in subject.steps:
        for made in subject.facts[step.name].subtasks:
            if not isinstance(made.data, Obj) or any(_may_fire(one, made.data) for one in subject.steps):
                continue
            keys = ", ".join(sorted(made.data.fields)) or "nothing"
            wanted = {path[0] for one in subject.steps for path in one.condition.paths if path}
            hints = [did_you_mean(key, wanted) for key in made.data.fields if key not in wanted]
            cure = next((hint for hint in hints if hint), "write a step whose condition holds for it")
            message = f"{step.name} makes a subtask with {keys}, for which no condition holds"
            yield Finding(subject.line(step, made.line), "subtask", message, cure, step.name)


def _may_fire(step: Step, data: Value) -> bool:
    """Whether a condition may hold for a document that begins with this."""
    return any(
        all(_may_match(data, path, pattern) for path, patterns in tests.items() for pattern in patterns if path)
        for tests in alternatives(step.condition.pattern)
    )


def _may_match(data: Value, path: tuple[str, ...], pattern: object) -> bool:
    if pattern == {}:
        return True
    test = test_of(pattern)
    values = [found.value for found in below(data, path)]
    if not values:
        return test(MISSING)
    return any(may_meet(value, pattern, test) for value in values)
