"""Each row of docs/conditions.md is true, and each operator, type and field of the engine has its row."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from aloma_cli.condition import compile_condition
from aloma_cli.condition.operators import OPERATORS
from aloma_cli.condition.values import TYPES
from aloma_cli.document.reserved import RESERVED
from aloma_cli.errors import ConditionError
from tests.support.pages import Page, cells, codes

PAGE = Page("docs/conditions.md")
LINES = [cells(line) for line in PAGE.prose().splitlines() if line.startswith("| `")]
PATTERNS = [line for line in LINES if len(line) == 4]
ERRORS = [line for line in LINES if len(line) == 2]


def pattern_of(row: list[str]) -> Any:
    """The pattern in the first cell, which is Python."""
    return eval(codes(row[0])[0], {"re": re})  # noqa: S307


def documents(cell: str) -> list[dict[str, Any]]:
    """The documents that a cell stands for: each value at the field `x`, and one without it."""
    return [{"x": json.loads(value)} for value in codes(cell)] + ([{}] if "*missing*" in cell else [])


@pytest.mark.parametrize("row", PATTERNS, ids=lambda row: row[0])
def test_a_pattern_matches_what_its_row_says(row: list[str]) -> None:
    condition = compile_condition({"x": pattern_of(row)})
    matched, refused = documents(row[2]), documents(row[3])
    assert matched
    assert refused
    assert [document for document in matched if not condition.matches(document)] == []
    assert [document for document in refused if condition.matches(document)] == []


@pytest.mark.parametrize("row", ERRORS, ids=lambda row: row[0])
def test_an_invalid_condition_is_refused_in_the_words_of_its_row(row: list[str]) -> None:
    with pytest.raises(ConditionError) as refused:
        compile_condition({"x": pattern_of(row)})
    assert row[1] in str(refused.value)


@pytest.mark.parametrize("word", [*OPERATORS, "$options", *(kind.__name__ for kind in TYPES)])
def test_each_operator_and_type_has_a_row(word: str) -> None:
    assert [row for row in PATTERNS if re.search(rf"(?<![\w$]){re.escape(word)}\b", codes(row[0])[0])]


def test_each_field_of_the_engine_has_a_row_with_a_condition_that_is_valid() -> None:
    rows = PAGE.rows("Field")
    assert {codes(row[0])[0] for row in rows} == set(RESERVED)
    for row in rows:
        compile_condition(eval(codes(row[2])[0], {}))  # noqa: S307
