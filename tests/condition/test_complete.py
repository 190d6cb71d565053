"""Every operator is in the tests that hold for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import Phase, find, settings

from aloma_cli.condition.operators import OPERATORS
from tests.condition.test_errors import TEXTS
from tests.condition.test_laws import CONDITIONS

WORDS = [*OPERATORS, "$options"]

# The first example will do; to shrink it takes long.
QUICK = settings(max_examples=1000, phases=[Phase.generate], database=None)


def words(pattern: Any) -> Iterator[str]:
    """The operators anywhere in a pattern."""
    if isinstance(pattern, dict):
        yield from (key for key in pattern if isinstance(key, str) and key.startswith("$"))
        pattern = list(pattern.values())
    if isinstance(pattern, list):
        for part in pattern:
            yield from words(part)


@pytest.mark.parametrize("word", WORDS)
def test_the_laws_are_tried_with_every_operator(word: str) -> None:
    assert find(CONDITIONS, lambda pattern: word in words(pattern), settings=QUICK)


def test_every_operator_has_an_invalid_use_that_is_refused() -> None:
    refused = {word for pattern, _, _ in TEXTS for word in words(pattern)}
    assert set(WORDS) - refused == set()
