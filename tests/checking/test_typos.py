"""A typo in any field of any condition of the workflows is found."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from aloma_cli.api.workspace import load
from aloma_cli.checking.rules import fields
from aloma_cli.checking.subject import Subject
from aloma_cli.cli.step.check import material_of
from aloma_cli.content.step import Step
from tests.workflows.workspace import REPOSITORY

MISSED = {
    # Written by code that takes the place from the document, or by a task's own data.
    ("briefing/publisher", "briefing.approved"),
    ("planning/research", "agentAssignment.scope.domain"),
}


def test_a_typo_in_a_field_is_found() -> None:
    subject = Subject(material_of(load(REPOSITORY)))
    steps = subject.steps
    missed, planted = set(), 0
    for step in steps:
        for path in places(step.condition.pattern):
            subject.steps = [with_typo(step, path)]
            planted += 1
            if not list(fields.find(subject)):
                missed.add((step.name, ".".join(path)))
    assert missed <= MISSED
    assert planted > 150


def places(pattern: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, inner in pattern.items():
        if not key.startswith("$"):
            yield (*path, key)
            if isinstance(inner, dict):
                yield from places(inner, (*path, key))


def with_typo(step: Step, path: tuple[str, ...]) -> Step:
    """The step, with a letter left out of the last key of `path`."""
    pattern = copy.deepcopy(step.condition.pattern)
    owner = pattern
    for key in path[:-1]:
        owner = owner[key]
    key = path[-1]
    middle = max(1, len(key) // 2)
    owner[key[:middle] + key[middle + 1 :]] = owner.pop(key)
    return Step(step.name, pattern, step.content, source=step.source)
