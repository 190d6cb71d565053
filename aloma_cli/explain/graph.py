"""Who woke whom: for each firing the commit that made its condition true, and the field by which it did."""

from __future__ import annotations

from collections import Counter
from dataclasses import field
from operator import itemgetter
from typing import NamedTuple

from aloma_cli.explain.ledger import FiringRecord, Ledger, TaskLedger, Writing
from aloma_cli.explain.why import Inquiry, Steps
from aloma_cli.jsontext import JsonObject, Path, show_path
from aloma_cli.record import events as ev
from aloma_cli.values import dataclass

PAYLOAD, PERSON, ENGINE = "payload", "person", "engine"
SOURCES = (PAYLOAD, PERSON, ENGINE)
"""Where a chain of firings can begin: with the data of the root, with a person, with a timer or an error."""


class Wake(NamedTuple):
    """A firing, and what woke it. `via`: how it crossed from another task: `subtask`, `landing`, or nothing."""

    firing: FiringRecord
    source: str
    path: Path
    via: str
    by: FiringRecord | None


@dataclass(slots=True)
class Edge:
    """From one step (or source) to another: by which fields, and how often."""

    source: str
    step: str
    count: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    via: Counter[str] = field(default_factory=Counter)

    @property
    def label(self) -> str:
        """`order.total`, `subtask: topic ×4`."""
        fields = [name for name, _ in self.fields.most_common(2)]
        more = ", …" if len(self.fields) > len(fields) else ""
        via = next(iter(self.via), "")
        times = f" ×{self.count}" if self.count > 1 else ""
        return f"{f'{via}: ' if via else ''}{', '.join(fields)}{more}{times}"


@dataclass(frozen=True, slots=True)
class Graph:
    """`edges`: in the order in which they first happened. `fired`: how often each step did. `wakes`: each firing."""

    task: str
    edges: tuple[Edge, ...]
    fired: Counter[str]
    wakes: tuple[Wake, ...]

    @property
    def nodes(self) -> list[str]:
        """The sources and the steps, in the order in which they came up."""
        return [*dict.fromkeys(name for edge in self.edges for name in (edge.source, edge.step))]

    def to_json(self) -> JsonObject:
        return {
            "schema": 1,
            "task": self.task,
            "nodes": [{"name": name, "fired": self.fired[name], "source": name in SOURCES} for name in self.nodes],
            "edges": [
                {
                    "from": edge.source,
                    "to": edge.step,
                    "count": edge.count,
                    "fields": [*edge.fields],
                    "via": [*edge.via],
                }
                for edge in self.edges
            ],
            "firings": [_wake_json(wake) for wake in self.wakes],
        }


def graph(question: Inquiry) -> Graph:
    """The graph of a task with its subtasks."""
    return graph_of(Ledger.of(question.events), question)


def graph_of(ledger: Ledger, question: Inquiry) -> Graph:
    """As `graph`, from a ledger of all events."""
    inside = {question.task, *(task.id for task in ledger.tree.descendants(question.task))}
    wakes = [_wake_of(ledger, question.steps, one) for one in ledger.firings.values() if one.started.task in inside]
    edges: dict[tuple[str, str], Edge] = {}
    for wake in wakes:
        edge = edges.setdefault((wake.source, wake.firing.step), Edge(wake.source, wake.firing.step))
        edge.count += 1
        edge.fields[show_path(wake.path)] += 1
        if wake.via:
            edge.via[wake.via] += 1
    return Graph(question.task, tuple(edges.values()), Counter(one.firing.step for one in wakes), tuple(wakes))


def _wake_of(ledger: Ledger, steps: Steps, firing: FiringRecord) -> Wake:
    task = ledger.tasks[firing.started.task]
    path, wrote = _last(steps, task, firing)
    event = wrote.event
    if isinstance(event, ev.TaskCreated):
        by = ledger.maker_of(event.task)
        return Wake(firing, PAYLOAD if by is None else by.step, path, "" if by is None else "subtask", by)
    if event.child is not None:
        by = _last_firing(ledger.tasks[event.child])
        return Wake(firing, ENGINE if by is None else by.step, path, "landing", by)
    if event.firing is not None:
        return Wake(firing, event.step or "", path, "", ledger.firings[event.firing])
    return Wake(firing, PERSON if event.by == "person" else ENGINE, path, "", None)


def _last(steps: Steps, task: TaskLedger, firing: FiringRecord) -> tuple[Path, Writing]:
    """The last commit, before a firing, that wrote what its condition names, and where."""
    step, version = steps.get(firing.step), firing.started.version
    paths: list[Path] = [()] if step is None else sorted(step.condition.paths)
    dated = [(task.authors.last(path, version), path) for path in paths]
    # A condition may name a place where the commit wrote nothing: that did not wake the step.
    found, path = max(dated, default=(0, ()), key=lambda one: (one[0], task.writes[max(0, one[0])].touches(one[1])))
    wrote = task.writes[max(0, found)]
    return path or (wrote.changes[0].path if wrote.version and wrote.changes else ()), wrote


def _last_firing(task: TaskLedger) -> FiringRecord | None:
    """The firing of a subtask that ended last before it landed."""
    ended = [(one.end.at, one) for firings in task.firings.values() for one in firings if one.end is not None]
    return max(ended, key=itemgetter(0))[1] if ended else None


def _wake_json(wake: Wake) -> JsonObject:
    firing = wake.firing
    return {
        "firing": firing.number,
        "step": firing.step,
        "task": firing.started.task,
        "entry": firing.entry,
        "at": firing.started.at,
        "by": wake.source,
        "by_firing": None if wake.by is None else wake.by.number,
        "field": show_path(wake.path),
        "via": wake.via or None,
    }
