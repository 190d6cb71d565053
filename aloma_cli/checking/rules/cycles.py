"""Steps that would make each other fire without end."""

from __future__ import annotations

import copy
from collections.abc import Iterator

from aloma_cli.checking.finding import Finding
from aloma_cli.checking.subject import Subject
from aloma_cli.checking.values import Known, Obj, Value, Write, fits
from aloma_cli.condition.solve.smallest import smallest
from aloma_cli.content.step import Step
from aloma_cli.jsontext import Json, JsonObject, dumps

_ROUNDS = 30


def find(subject: Subject) -> Iterator[Finding]:
    """As every rule. Each cycle is reported once."""
    seen: set[frozenset[str]] = set()
    for cycle in (*_by_writes(subject), *_by_rearming(subject)):
        if frozenset(cycle) not in seen:
            seen.add(frozenset(cycle))
            yield _finding(subject, cycle)
    for step in subject.steps:
        yield from _redo(subject, step)


def _finding(subject: Subject, cycle: list[str]) -> Finding:
    first = next(step for step in subject.steps if step.name == cycle[0])
    way = " → ".join([*cycle, cycle[0]])
    return Finding(
        subject.place(first),
        "cycle",
        f"likely a cycle: {way}",
        "let one of them write something that its own condition excludes, such as a counter or a done mark",
        first.name,
    )


def _by_writes(subject: Subject) -> Iterator[list[str]]:
    """Simulate what the steps always write, from the smallest document of each, until a state repeats."""
    for start in subject.steps:
        document = smallest(start.condition).document
        if document is not None and _is_plain(subject, start):
            cycle = _played(subject, start, document)
            if cycle:
                yield cycle


def _played(subject: Subject, start: Step, document: JsonObject) -> list[str]:
    fired: list[tuple[str, str]] = []
    step: Step | None = start
    for _ in range(_ROUNDS):
        if step is None:
            return []
        state = (step.name, dumps(document))
        if state in fired:
            return [name for name, _ in fired[fired.index(state) :]]
        fired.append(state)
        before, document = document, _after(subject, step, document)
        step = _next_step(subject, step, before, document)
    return []


def _next_step(subject: Subject, last: Step, before: JsonObject, after: JsonObject) -> Step | None:
    """The only step whose condition begins to hold, if its writes are known."""
    risen = [
        step
        for step in subject.steps
        if step.condition.matches(after) and (step is not last) and not step.condition.matches(before)
    ]
    return risen[0] if len(risen) == 1 and _is_plain(subject, risen[0]) else None


def _is_plain(subject: Subject, step: Step) -> bool:
    """Whether everything that a step writes is known, so that its firing can be played."""
    facts = subject.facts[step.name]
    made = all(write.certain and (write.removes or _known_json(write.value) is not None) for write in facts.writes)
    return bool(facts.writes) and made and not (facts.completes or facts.subtasks or facts.waits)


def _after(subject: Subject, step: Step, document: JsonObject) -> JsonObject:
    document = copy.deepcopy(document)
    for write in subject.facts[step.name].writes:
        _apply(document, write)
    return document


def _apply(document: JsonObject, write: Write) -> None:
    *above, last = write.path
    for key in above:
        inner = document.setdefault(key, {})
        if not isinstance(inner, dict):
            return
        document = inner
    if write.removes:
        document.pop(last, None)
    else:
        [document[last]] = _known_json(write.value) or [None]


def _known_json(value: Value) -> list[Json] | None:
    """The value itself in a list, if it is known."""
    if isinstance(value, Known):
        return [value.value]
    if isinstance(value, Obj) and not value.open:
        parts = {key: _known_json(values[-1]) for key, values in value.fields.items() if len(values) == 1}
        known = {key: part[0] for key, part in parts.items() if part is not None}
        return [known] if len(known) == len(value.fields) else None
    return None


def _by_rearming(subject: Subject) -> Iterator[list[str]]:
    """Steps with `rearm = "change"` that write what the next one reads."""
    steps = {step.name: step for step in subject.steps if step.rearm == "change"}
    wakes = {
        name: [other for other, step in steps.items() if other != name and _wakes(subject, name, step)]
        for name in steps
    }
    for name in steps:
        cycle = _way_back(wakes, name)
        if cycle:
            yield cycle


def _wakes(subject: Subject, name: str, step: Step) -> bool:
    written = subject.facts[name].written()
    return any(fits(path, read) for path in written for read in step.condition.paths)


def _way_back(wakes: dict[str, list[str]], start: str) -> list[str]:
    ways = [[start]]
    seen = {start}
    for way in ways:
        for following in wakes[way[-1]]:
            if following == start:
                return way
            if following not in seen:
                seen.add(following)
                ways.append([*way, following])
    return []


def _redo(subject: Subject, step: Step) -> Iterator[Finding]:
    facts = subject.facts[step.name]
    touched = any(fits(write.path, path) for write in facts.writes for path in step.condition.paths)
    if facts.redo is not None and not touched and not facts.waits and not facts.completes:
        message = f"{step.name} always asks for another firing, and writes nothing that its condition names"
        cure = "call step.redo() under an `if`, and task.park(seconds) before it to wait"
        yield Finding(subject.line(step, facts.redo), "cycle", message, cure, step.name)
