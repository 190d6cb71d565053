"""Steps that fire at the same moment: with one condition, or with writes that conflict."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from aloma_cli.checking.finding import Finding
from aloma_cli.checking.subject import Subject
from aloma_cli.checking.values import Obj, Write, fits
from aloma_cli.condition.solve.smallest import smallest
from aloma_cli.content.step import Step
from aloma_cli.jsontext import JsonObject, show_path


def find(subject: Subject) -> Iterator[Finding]:
    """As every rule."""
    documents = {step.name: smallest(step.condition).document for step in subject.steps}
    for one, other in combinations(subject.steps, 2):
        same = one.condition == other.condition
        if not same and not _fire_together(one, other, documents):
            continue
        clash = _clash(subject, one, other)
        if clash is not None:
            yield _conflict(subject, one, other, *clash)
        elif same:
            yield Finding(
                subject.place(other),
                "shadow",
                f"{other.name} has the same condition as {one.name} ({subject.place(one)}): both fire at once",
                "if one must come after the other, let its condition name what the other writes",
                other.name,
            )


def _fire_together(one: Step, other: Step, documents: dict[str, JsonObject | None]) -> bool:
    """Whether one of them holds wherever the other begins to hold."""
    first, second = documents[one.name], documents[other.name]
    if first is None or second is None or not first or not second:
        return False
    return one.condition.matches(second) or other.condition.matches(first)


def _clash(subject: Subject, one: Step, other: Step) -> tuple[Write, Write] | None:
    """A place that both write in each firing."""
    for mine in subject.facts[one.name].writes:
        for theirs in subject.facts[other.name].writes:
            if mine.certain and theirs.certain and _collide(mine, theirs):
                return mine, theirs
    return None


def _collide(mine: Write, theirs: Write) -> bool:
    if mine.appends and theirs.appends:
        return False
    if mine.path == theirs.path:
        # Objects that both make are merged field by field.
        return not (isinstance(mine.value, Obj) and isinstance(theirs.value, Obj)) or mine.removes or theirs.removes
    shorter = min(mine, theirs, key=lambda write: len(write.path))
    return shorter.removes and fits(mine.path, theirs.path)


def _conflict(subject: Subject, one: Step, other: Step, mine: Write, theirs: Write) -> Finding:
    return Finding(
        subject.line(other, theirs.line),
        "conflict",
        f"{other.name} and {one.name} ({subject.line(one, mine.line)}) fire at the same moment and both write "
        f"{show_path(theirs.path)}: one of them is void and runs again",
        "let one condition exclude the other, or write to different places",
        other.name,
    )
