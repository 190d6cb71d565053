"""A smallest document that a condition holds for, or the proof that there is none."""

from __future__ import annotations

from typing import NamedTuple

from aloma_cli.condition.condition import Condition
from aloma_cli.condition.solve.needs import NOTHING, Need
from aloma_cli.condition.solve.solver import Solver
from aloma_cli.jsontext import JsonObject


class Smallest(NamedTuple):
    """`document`: None if none was found. `proven`: then there is none."""

    document: JsonObject | None
    proven: bool = False


def smallest(condition: Condition) -> Smallest:
    """The smallest document that meets a condition."""
    return _found(Need(condition.root))


def always_holds(condition: Condition) -> bool:
    """Whether no document fails a condition, as far as that can be proven."""
    return _found(Need(condition.root, False)).proven


def _found(need: Need) -> Smallest:
    solver = Solver()
    document = solver.solve([need], {}, at_top=True)
    return Smallest(None, solver.is_sure) if document is NOTHING else Smallest(document)
