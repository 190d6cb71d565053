"""What the source of a step says: what it writes, the subtasks it makes, and what it names."""

from __future__ import annotations

from dataclasses import field

from aloma_cli.checking.values import Keys, Value, Write
from aloma_cli.values import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Subtask:
    """A subtask that a step makes. `group`: None if it is not known."""

    data: Value
    group: str | None
    line: int


@dataclass(frozen=True, slots=True)
class Name:
    """A use of `lib.OWNER.name` or `connectors.OWNER.name`, where `name` may be empty, or of `task.OWNER`."""

    root: str
    owner: str
    name: str
    line: int


@dataclass(slots=True)
class Facts:
    """Of one step. `reads`: places that each firing reads, by line. `redo`: the line where it always asks for another
    firing, else None; `waits`: it parks the task.
    """

    writes: list[Write] = field(default_factory=list)
    reads: set[tuple[Keys, int]] = field(default_factory=set)
    subtasks: list[Subtask] = field(default_factory=list)
    groups: set[str | None] = field(default_factory=set)
    names: set[Name] = field(default_factory=set)
    redo: int | None = None
    waits: bool = False
    completes: bool = False

    def written(self) -> set[Keys]:
        """The places that each firing writes."""
        return {write.path for write in self.writes if write.certain}
