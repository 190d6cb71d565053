"""What to type after a limit is reached: the option comes from the table of limits."""

from __future__ import annotations

from typing import Any

import pytest

from aloma_cli.budget import LIMITS, Amount, Budget, Limits, Used
from aloma_cli.cli.next_steps import next_steps
from aloma_cli.record.figures import Figures


@pytest.mark.parametrize(
    ("limit", "options"),
    [
        ({"name": "calls", "needed": None}, " --max-calls +10"),
        ({"name": "tokens", "needed": 4000}, " --max-tokens +10000"),
        ({"name": "tokens", "needed": 1234567}, " --max-tokens +1234567"),
        ({"name": "cost", "needed": None}, " --max-cost +0.50"),
        ({"name": "cost", "needed": 1.251}, " --max-cost +1.26"),
        ({"name": "seconds", "needed": None}, " --max-time +60"),
        (None, ""),
    ],
)
def test_the_option_raises_the_limit_by_what_the_next_call_needs(limit: Any, options: str) -> None:
    record = {"id": "x", "state": "limited", "limit": limit, "children": [], "questions": []}
    assert list(next_steps(record)) == [f"→ to continue: aloma task resume x{options}"]


def test_each_limit_is_refused_under_its_own_name() -> None:
    for limit in LIMITS:
        budget = Budget(Limits({limit.name: 0}), Amount())
        refusal = budget.exhausted(Used(Figures(), 1.0)) or budget.refusal(Amount(calls=1, tokens=1, cost=1.0))
        assert refusal is not None
        assert refusal.limit == limit.name
