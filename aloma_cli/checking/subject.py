"""What is checked: the steps, what their sources say, and what is known to be in documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field

from aloma_cli.checking.facts import Facts
from aloma_cli.checking.reading import StepReader
from aloma_cli.checking.things import Module
from aloma_cli.checking.values import ANY, STAR, Write, Writes, sample
from aloma_cli.content.step import Step
from aloma_cli.document.pointer import keys_of
from aloma_cli.jsontext import JsonObject
from aloma_cli.values import dataclass


@dataclass(slots=True)
class Material:
    """What a check is made of.

    `payloads`: data of tasks by the file or task they are from. `recorded`: (step, RFC 6902 operations) of commits.
    `libraries`: the sources of `libraries/` by name. `connectors`: the functions of each connector by its name.
    """

    steps: Iterable[Step]
    payloads: Mapping[str, JsonObject] = field(default_factory=dict)
    recorded: Iterable[tuple[str, Iterable[JsonObject]]] = ()
    libraries: Mapping[str, str] = field(default_factory=dict)
    connectors: Mapping[str, frozenset[str]] = field(default_factory=dict)


class Subject:
    """What the rules ask."""

    def __init__(self, material: Material) -> None:
        self.steps = sorted((step for step in material.steps if step.enabled), key=lambda step: step.name)
        self.names = {step.name for step in material.steps}
        self.libraries = {name: Module.of(text) for name, text in material.libraries.items()}
        self.connectors = material.connectors
        self.facts = {step.name: self._facts_of(step) for step in self.steps}
        payloads = [Write((), sample(data), name) for name, data in material.payloads.items()]
        self.has_payloads = bool(payloads)
        written = [write for facts in self.facts.values() for write in facts.writes]
        born = [Write((), one.data, name, one.line) for name, facts in self.facts.items() for one in facts.subtasks]
        self.named = {path for step in self.steps for path in step.condition.paths}
        """The places that conditions name."""
        self.writes = Writes([*written, *born, *payloads, *_recorded_writes(material.recorded)])

    @property
    def groups(self) -> set[str | None]:
        """The groups of subtasks that are made or declared; None among them if some are not known."""
        return {group for facts in self.facts.values() for group in facts.groups}

    def place(self, step: Step, path: tuple[str, ...] = ()) -> str:
        """`file:line` of a part of a step's condition."""
        return step.source.place("condition", path) if step.source else step.name

    def line(self, step: Step, line: int) -> str:
        """`file:line` in a step's file."""
        return f"{step.source.shown}:{line}" if step.source else step.name

    def python(self, step: Step) -> str | None:
        """The text of a step that is written in Python; None for another one, of which only the condition is known."""
        return step.source.text if step.source and step.source.path.suffix == ".py" else None

    def _facts_of(self, step: Step) -> Facts:
        text = self.python(step)
        if text is None:
            return Facts([Write((STAR,), ANY, step.name)], groups={None})
        return StepReader(step.name, Module.of(text), self.libraries).read()


def _recorded_writes(commits: Iterable[tuple[str, Iterable[JsonObject]]]) -> Iterable[Write]:
    for step, operations in commits:
        for operation in operations:
            if "value" in operation:
                path = tuple(STAR if key.isdigit() or key == "-" else key for key in keys_of(operation["path"]))
                yield Write(path, sample(operation["value"]), step)
