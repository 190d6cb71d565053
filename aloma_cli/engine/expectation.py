"""What the document of a tree's root is expected to be at its end, and how far it is from that."""

from __future__ import annotations

from itertools import islice

from aloma_cli.condition import compile_condition
from aloma_cli.engine.transaction import Transaction
from aloma_cli.engine.working import WorkingTask, WorkingTree
from aloma_cli.jsontext import JsonObject
from aloma_cli.record.events import ExpectationSet

_SHOWN = 3
"""How many mismatches are listed."""


def expect(tx: Transaction, pattern: JsonObject) -> None:
    """Expect the document to meet a condition; a root that had ended is judged once more."""
    if pattern != tx.tree.expected:
        tx.add(ExpectationSet(at=tx.at, task=tx.tree.root_id, pattern=pattern))


def shortfall(tree: WorkingTree, task: WorkingTask) -> str | None:
    """Why a task is not what it is expected to be, in words; None if it is, or nothing is expected of it."""
    if tree.expected is None or task.parent is not None:
        return None
    return distance(tree.expected, task.document)


def distance(pattern: JsonObject, document: JsonObject) -> str | None:
    """`not as expected: order.paid is missing, wanted true`; None for a document that meets the condition."""
    mismatches = list(islice(compile_condition(pattern).mismatches(document), _SHOWN))
    return f"not as expected: {'; '.join(map(str, mismatches))}" if mismatches else None
