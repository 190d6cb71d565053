"""The condition language: patterns over a JSON document, compiled once; one code matches and explains.

    condition = compile_condition({"order": {"status": "paid", "total": {"$gte": 100}}, "shipped": None})
    condition.matches(document)
    print(*condition.mismatches(document), sep="\\n")

A new operator is one function and one line in the table of `operators.py`.
"""

from __future__ import annotations

from aloma_cli.condition.clauses import Clause
from aloma_cli.condition.condition import Condition, Nearness, compile_condition
from aloma_cli.condition.mismatch import Mismatch

__all__ = ["Clause", "Condition", "Mismatch", "Nearness", "compile_condition"]
