"""Where a value comes from: who wrote it, by which calls, from which inputs, and so on back to the payload."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from itertools import islice
from typing import Any

from aloma_cli.document.paths import MISSING, get, parse_path, resolve
from aloma_cli.document.reserved import CHILDREN, ERRORS
from aloma_cli.document.stash import hide_stash
from aloma_cli.errors import NotFoundError
from aloma_cli.explain import writers
from aloma_cli.explain.authors import NEVER
from aloma_cli.explain.ledger import FiringRecord, Ledger, TaskLedger, Writing
from aloma_cli.explain.why import Inquiry, Steps, check_entry
from aloma_cli.jsontext import Json, JsonObject, Path, show_path
from aloma_cli.record import events as ev
from aloma_cli.record.figures import Figures
from aloma_cli.values import dataclass

MOST_PARTS = 20
"""The most parts of one object, each with another author, that are followed."""

ROOT_PATH = "(document)"


@dataclass(slots=True)
class Cause:
    """A value of a document, and who wrote it.

    `firing`: the firing that wrote it, or whose subtask or error it is. `inputs`: what that firing started from.
    `again`: these are shown elsewhere in the tree. `cut`: the tree ends here, because it is deep enough. `question`:
    what a person was asked there; there was no value then.
    """

    task: str
    path: Path
    value: Json
    wrote: Writing | None
    firing: FiringRecord | None = None
    inputs: list[Cause] = field(default_factory=list)
    again: bool = False
    cut: bool = False
    question: str | None = None

    @property
    def calls(self) -> list[tuple[int, ev.CallAnswered]]:
        """The calls of the firing, each with its number in `aloma task calls`."""
        if self.firing is None or self.again:
            return []
        return [*zip(self.firing.numbers, self.firing.calls, strict=True)]

    @property
    def cost(self) -> float:
        """US dollars of the calls in this tree."""
        own = sum(Figures.of(call).cost for _, call in self.calls)
        return own + sum(one.cost for one in self.inputs)

    def to_json(self, ledger: Ledger) -> JsonObject:
        return {
            "task": self.task,
            "path": show_path(self.path),
            "value": None if self.value is MISSING else self.value,
            "question": self.question,
            "wrote": writers.to_json(ledger, self.wrote),
            "firing": None if self.firing is None else self.firing.number,
            "step": None if self.firing is None else self.firing.step,
            "calls": [_call_json(number, call) for number, call in self.calls],
            "again": self.again,
            "cut": self.cut,
            "inputs": [one.to_json(ledger) for one in self.inputs],
        }


@dataclass(slots=True)
class Blame:
    """The tree below one value.

    It is built breadth first, so that near causes are never left out in favour of far ones.
    """

    ledger: Ledger
    steps: Steps
    depth: int
    most: int
    _followed: dict[int, Cause] = field(default_factory=dict)

    def of(self, task: str, path: Path, version: int) -> list[Cause]:
        """The causes of the value at `path`: of the value as a whole, and of parts that others wrote."""
        roots = level = [*self._causes(task, path, version)]
        count = len(roots)
        for _ in range(self.depth):
            below = [cause for one in level for cause in self._follow(one)]
            count += len(below)
            level = below
            if count > self.most:
                break
        for one in level:
            one.cut = one.firing is not None and one.firing.number not in self._followed
        _put_in_order(roots, {number: cause.inputs for number, cause in self._followed.items()}, set())
        return roots

    def _causes(self, task: str, path: Path, version: int) -> Iterator[Cause]:
        ledger = self.ledger.tasks[task]
        whole = ledger.authors.whole(path, version)
        if whole != NEVER:
            yield self._cause(task, path, ledger.writes[whole])
        for place, at in islice(ledger.authors.parts(path, version), MOST_PARTS):
            if place[:1] != (CHILDREN,) or path[:1] == (CHILDREN,):
                yield self._cause(task, place, ledger.writes[at])

    def _cause(self, task: str, path: Path, wrote: Writing) -> Cause:
        cause = Cause(task, path, hide_stash(wrote.value_at(path), path), wrote)
        event = wrote.event
        if isinstance(event, ev.TaskCreated):
            cause.firing = self.ledger.maker_of(event.task)
        elif event.firing is not None:
            cause.firing = self.ledger.firings[event.firing]
        elif path[:1] == (ERRORS,) and len(path) > 1:
            cause.firing = _failing(self.ledger, task, str(path[1]), event.at)
        return cause

    def _follow(self, cause: Cause) -> list[Cause]:
        """What a cause came from; nothing if that is shown already."""
        event = None if cause.wrote is None else cause.wrote.event
        if cause.path[:1] == (CHILDREN,):
            return []
        if isinstance(event, ev.Committed) and event.child is not None:
            cause.inputs = [*self._landed(event.child, cause.path)]
        elif isinstance(event, ev.Committed) and event.answers:
            cause.inputs = [*self._asking_firings(cause, event)]
        elif cause.firing is not None and cause.firing.number not in self._followed:
            self._followed[cause.firing.number] = cause
            cause.inputs = [*self._inputs(cause.firing)]
        return cause.inputs

    def _inputs(self, firing: FiringRecord) -> Iterator[Cause]:
        """What a firing started from: what its condition names, and what it read."""
        task, version = firing.started.task, firing.started.version
        found = [one for path in read_by(self.steps, firing) for one in self._causes(task, path, version)]
        shown: dict[tuple[int, Path], Cause] = {}
        for one in sorted(found, key=lambda cause: len(cause.path)):
            at = -1 if one.wrote is None else one.wrote.version
            above = [(at, one.path[:end]) for end in range(len(one.path) + 1)]
            if not any(place in shown for place in above) and not _is_gone(one):
                shown[at, one.path] = one
        yield from shown.values()

    def _landed(self, child: str, path: Path) -> Iterator[Cause]:
        """The causes, in a subtask, of what it handed to its parent at `path`."""
        ledger = self.ledger.tasks[child]
        into = ledger.created.into or ()
        inside = path[len(into) + 1 :] if path[: len(into)] == into else ()
        for wrote in ledger.writes.values():
            event = wrote.event
            if isinstance(event, ev.Committed) and event.completed is not None and "result" in event.completed:
                result = event.completed["result"]
                value = get(result, resolve(result, inside))
                yield Cause(child, inside, value, wrote, self.ledger.firings.get(event.firing or 0))
                return
        yield from self._causes(child, inside, ledger.version)

    def _asking_firings(self, cause: Cause, event: ev.Committed) -> Iterator[Cause]:
        """The firing that asked the question which a commit answers."""
        for wrote in reversed(self.ledger.tasks[cause.task].writes.values()):
            asked = wrote.event
            if isinstance(asked, ev.Committed) and asked.version < event.version:
                for one in asked.asked:
                    if show_path(tuple(one["into"])) in event.answers:
                        firing = self.ledger.firings.get(asked.firing or 0)
                        into, question = tuple(one["into"]), str(one["question"])
                        yield Cause(cause.task, into, MISSING, wrote, firing, question=question)
                        return


def blame(question: Inquiry, text: str, entry: int | None = None, *, depth: int = 12, most: int = 200) -> BlameResult:
    """Where the value at the path `text` comes from, at the end of the log or after one of its entries.

    `depth`: how many firings to go back. `most`: about how many values are shown. Raises NotFoundError where nothing
    was ever written there, InputError for an invalid path or an unknown entry.
    """
    ledger = Ledger.of(question.events)
    task = ledger.tasks[question.task]
    version = task.version
    if entry is not None:
        check_entry(task, entry)
        version = max(one.version for one in task.writes.values() if one.entry <= entry)
    document = task.document if version == task.version else task.document_at(version)
    path = () if text == ROOT_PATH else resolve(document, parse_path(text))
    value = get(document, path)
    if value is MISSING and task.remover(path, version) is None:
        raise _unwritten(ledger, task, path, version, entry) or NotFoundError(
            f"nothing was ever written at {show_path(path)}", hint=_what_there_is(document, path)
        )
    causes = Blame(ledger, question.steps, depth, most).of(question.task, path, version)
    return BlameResult(ledger, question.task, path, value, causes)


@dataclass(frozen=True, slots=True)
class BlameResult:
    """The value at `path` (MISSING: it was removed), and the causes of it and of its parts."""

    ledger: Ledger
    task: str
    path: Path
    value: Json
    causes: list[Cause]

    @property
    def cost(self) -> float:
        """US dollars of all calls that led to the value."""
        return sum(cause.cost for cause in self.causes)

    def to_json(self) -> JsonObject:
        return {
            "schema": 1,
            "task": self.task,
            "path": show_path(self.path),
            "value": None if self.value is MISSING else hide_stash(self.value, self.path),
            "cost": self.cost,
            "causes": [cause.to_json(self.ledger) for cause in self.causes],
        }


def _is_gone(cause: Cause) -> bool:
    """Whether there was no value; a position in a list may have been another one when it was written."""
    return cause.value is MISSING and not any(str(key).isdecimal() for key in cause.path)


def _put_in_order(causes: list[Cause], inputs: dict[int, list[Cause]], shown: set[int]) -> None:
    """Show what a firing started from where the tree, read from its top, names it first."""
    for cause in causes:
        number = None if cause.firing is None else cause.firing.number
        if number in inputs and not _comes_from_elsewhere(cause):
            cause.again = number in shown
            cause.inputs = [] if cause.again else inputs[number]
            shown.add(number)
        _put_in_order(cause.inputs, inputs, shown)


def _comes_from_elsewhere(cause: Cause) -> bool:
    event = None if cause.wrote is None else cause.wrote.event
    return isinstance(event, ev.Committed) and (event.child is not None or bool(event.answers))


def read_by(steps: Steps, firing: FiringRecord) -> list[Path]:
    """What a firing read: the paths of its condition, of today, and those on record."""
    step = steps.get(firing.step)
    named: list[Path] = [] if step is None else sorted(step.condition.paths)
    texts: Any = getattr(firing.end, "read", ())
    read = [() if text == ROOT_PATH else parse_path(text) for text in texts]
    return [*dict.fromkeys([*named, *read])]


def _failing(ledger: Ledger, task: str, step: str, at: str) -> FiringRecord | None:
    """The firing whose error was written at a time."""
    found = ledger.tasks[task].firings.get(step, ())
    return next((one for one in found if isinstance(one.end, ev.FiringFailed) and one.end.at == at), None)


def _unwritten(ledger: Ledger, task: TaskLedger, path: Path, version: int, entry: int | None) -> NotFoundError | None:
    """The error for a value that was first written after the entry in question; None if there is none."""
    later = (one for one in task.writes.values() if one.version > version and one.touches(path))
    first = next(later, None)
    if first is None:
        return None
    place, who = show_path(path), writers.words(ledger, first)
    return NotFoundError(
        f"nothing was written at {place} up to entry {entry}; it was first written by {who}",
        hint=f"run `aloma task blame {task.created.task} {place} --entry {first.entry}`",
    )


def _what_there_is(document: JsonObject, path: Path) -> str:
    above = (get(document, path[:end]) for end in range(len(path) - 1, -1, -1))
    names = ", ".join(next((list(one) for one in above if isinstance(one, dict)), [])[:8])
    return f"there is {names}" if names else "run `aloma task show` for the document"


def _call_json(number: int, call: ev.CallAnswered) -> JsonObject:
    return {
        "number": number,
        "call": call.call,
        "arguments": call.arguments,
        "answer": call.answer,
        "error": call.error,
        "usage": call.usage,
        "about": call.about,
        "seconds": call.seconds,
    }
