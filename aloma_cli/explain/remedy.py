"""The smallest change of a document that makes a condition hold, as edits and as a command."""

from __future__ import annotations

import shlex

from aloma_cli.condition import Condition
from aloma_cli.condition.solve.edits import Edit, edits
from aloma_cli.condition.solve.needs import NOTHING, Need
from aloma_cli.condition.solve.solver import Solver
from aloma_cli.document.reserved import CHILDREN
from aloma_cli.jsontext import Json, JsonError, JsonObject, JsonSyntaxError, dumps, loads, show_path
from aloma_cli.values import dataclass


@dataclass(frozen=True, slots=True)
class Remedy:
    """`edits`: what to change; None where no change was found. `is_sure`: then there is none."""

    edits: tuple[Edit, ...] | None
    is_sure: bool = True

    def command(self, task: str) -> str:
        """The command that makes the change, for a shell."""
        made = self.edits or ()
        unset = (word for edit in made if edit.removes for word in ("--unset", show_path(edit.path)))
        values = (_assignment(edit) for edit in made if not edit.removes)
        return " ".join(map(shlex.quote, ("aloma", "task", "set", task, *values, *unset)))

    def to_json(self, task: str) -> JsonObject | None:
        if self.edits is None:
            return None
        return {
            "set": [[show_path(edit.path), edit.value] for edit in self.edits if not edit.removes],
            "unset": [show_path(edit.path) for edit in self.edits if edit.removes],
            "command": self.command(task),
        }


def remedy_of(condition: Condition, document: JsonObject) -> Remedy:
    """The smallest change by a person after which `condition` holds for `document`; no edits where it does."""
    solver = Solver(fixed=frozenset({CHILDREN}))
    after = solver.solve([Need(condition.root)], document, at_top=True)
    return Remedy(None, solver.is_sure) if after is NOTHING else Remedy(tuple(edits(document, after)))


def _assignment(edit: Edit) -> str:
    return f"{show_path(edit.path)}={_as_typed(edit.value)}"


def _as_typed(value: Json) -> str:
    """A value as `aloma task set` takes it: text as it is, if it cannot be anything else."""
    if isinstance(value, str) and value.isprintable() and value:
        try:
            loads(value)
        except JsonSyntaxError:
            return value
        except JsonError:
            pass
    return dumps(value)
