"""Fields of conditions that nothing writes, and values that nothing gives them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aloma_cli.checking.finding import Finding
from aloma_cli.checking.places import alternatives, test_of
from aloma_cli.checking.subject import Subject
from aloma_cli.checking.values import Known, Lst, Obj, OfType, Value, may_meet, text_of
from aloma_cli.condition.describe import written
from aloma_cli.condition.slips import TYPES, is_quoted_type
from aloma_cli.content.step import Step
from aloma_cli.document.paths import MISSING
from aloma_cli.document.reserved import CHILDREN, ERRORS, RESERVED
from aloma_cli.errors import did_you_mean
from aloma_cli.jsontext import KINDS, dumps, first_few, show_path, with_article
from aloma_cli.record.states import ENDINGS

_COUNTS = ("total", "running", *ENDINGS)
_SHOWN = 5


def find(subject: Subject) -> Iterator[Finding]:
    """As every rule."""
    for step in subject.steps:
        for tests in alternatives(step.condition.pattern):
            for path in sorted(tests):
                yield from _mistakes_at(subject, step, path, tests[path])
        for path, line in sorted(subject.facts[step.name].reads):
            yield from _misread(subject, step, path, line)


def _mistakes_at(subject: Subject, step: Step, path: tuple[str, ...], patterns: list[Any]) -> Iterator[Finding]:
    if not path:
        return
    if path[0] in RESERVED:
        yield from _reserved(subject, step, path)
        return
    tests = [(pattern, test_of(pattern)) for pattern in patterns if pattern != {}]
    needed = [(pattern, test) for pattern, test in tests if not test(MISSING)]
    values = subject.writes.values_at(path)
    if needed and not subject.writes.is_named(path):
        yield from _unwritten(subject, step, path)
        return
    if tests and not needed and not subject.writes.is_named(path):
        yield from _unset(subject, step, path)
    for pattern, test in needed:
        if is_quoted_type(pattern) and Known(pattern) not in values:
            message = f"{step.name} waits until {show_path(path)} is the string {dumps(pattern)}"
            hint = f"for any {TYPES[pattern]} write {pattern} without quotes"
            yield Finding(subject.place(step, path), "value", message, hint, step.name)
        elif not any(may_meet(value, pattern, test) for value in values):
            told = _first_words({_value_words(value) for value in values})
            message = f"{step.name} waits until {show_path(path)} is {written(pattern)}, which nothing writes"
            known = [text for value in values if (text := text_of(value)) is not None]
            cure = did_you_mean(pattern, known) if isinstance(pattern, str) else None
            yield Finding(subject.place(step, path), "value", message, cure or f"values written: {told}", step.name)


def _unwritten(subject: Subject, step: Step, path: tuple[str, ...]) -> Iterator[Finding]:
    """What is not written may be an object above the place."""
    path = next(path[:depth] for depth in range(1, len(path) + 1) if not subject.writes.is_named(path[:depth]))
    above, last = path[:-1], path[-1]
    known = subject.writes.keys_at(above)
    meant = did_you_mean(last, known - {last})
    if meant is None and (subject.writes.values_at(path) or not subject.has_payloads):
        return  # it may be written by code that cannot be read, or come with data of which there is no example
    hint = f"examples/, cases/ or a step must have it; known here: {_first_words(known)}"
    message = f"{step.name} needs {show_path(path)}, which no step, no example and no question writes"
    yield Finding(subject.place(step, path), "field", message, meant or hint, step.name)


def _unset(subject: Subject, step: Step, path: tuple[str, ...]) -> Iterator[Finding]:
    """A mark that must be missing, and that nothing ever sets: a slip, if a name beside it is nearly the same."""
    meant = did_you_mean(path[-1], subject.writes.keys_at(path[:-1]) - {path[-1]})
    if meant is not None and subject.writes.is_named(path[:-1]):
        message = f"{step.name} names {show_path(path)}, which no step, no example and no question writes"
        yield Finding(subject.place(step, path), "field", message, meant, step.name)


def _misread(subject: Subject, step: Step, path: tuple[str, ...], line: int) -> Iterator[Finding]:
    """A field that `content` reads and that nothing writes: a slip, if a name beside it is nearly the same."""
    if path in subject.named or subject.writes.values_at(path):
        return
    above, last = path[:-1], path[-1]
    depth = len(above)
    beside = {named[depth] for named in subject.named if named[:depth] == above and len(named) > depth}
    meant = did_you_mean(last, (subject.writes.keys_at(above) | beside) - {last})
    if meant is not None:
        message = f"{step.name} reads {show_path(path)}, which no step, no example and no question writes"
        yield Finding(subject.line(step, line), "field", message, meant, step.name)


def _reserved(subject: Subject, step: Step, path: tuple[str, ...]) -> Iterator[Finding]:
    match path:
        case (field, group) if field == CHILDREN and None not in subject.groups and group not in subject.groups:
            groups = sorted(group for group in subject.groups if group)
            message = f"{step.name} waits for the subtasks of the group {group!r}, which no step makes"
            cure = did_you_mean(group, groups) or f"the groups are: {', '.join(groups) or 'none'}"
            yield Finding(subject.place(step, path), "group", message, cure, step.name)
        case (field, _, count) if field == CHILDREN and count not in _COUNTS:
            message = f"{step.name} names {show_path(path)}; a group of subtasks has no count {count!r}"
            cure = did_you_mean(count, _COUNTS) or f"the counts are: {', '.join(_COUNTS)}"
            yield Finding(subject.place(step, path), "group", message, cure, step.name)
        case (field, name) if field == ERRORS and name not in subject.names:
            message = f"{step.name} waits for an error of the step {name!r}, which does not exist"
            yield Finding(subject.place(step, path), "group", message, did_you_mean(name, subject.names), step.name)


def _first_words(words: set[str]) -> str:
    return first_few(sorted(words), _SHOWN) or "nothing"


def _value_words(value: Value) -> str:
    match value:
        case Known():
            return dumps(value.value)
        case OfType():
            return with_article(KINDS[value.kind])
        case Lst():
            return "a list"
        case Obj():
            return "an object"
    return "anything"
