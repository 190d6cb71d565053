"""Examples of a regular expression: each is found by it."""

from __future__ import annotations

import re

import pytest

from aloma_cli.condition.examples import examples


@pytest.mark.parametrize(
    "pattern",
    [
        "abc",
        "[^a]x",
        "[^ab]",
        r"\d{2,4}-\w+",
        r"\s\S\D\W",
        "a|b|c",
        "(?:ab)+?c*",
        "^start.*end$",
        "[a-f0-9]{8}",
        "(?i)Hello",
        "x?y{3}",
        r"\bword\b",
    ],
)
def test_each_example_is_found(pattern: str) -> None:
    regex = re.compile(pattern)
    found = list(examples(regex))
    assert found
    assert all(regex.search(text) for text in found)


@pytest.mark.parametrize("pattern", [r"(a)\1(?!a)(?<=b)q", "(?=never)x"])
def test_of_an_involved_one_there_may_be_none_and_never_a_wrong_one(pattern: str) -> None:
    regex = re.compile(pattern)
    assert all(regex.search(text) for text in examples(regex))
