"""An operator is one function and one line of the table: what searches for values follows, and claims nothing more."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from aloma_cli.condition import compile_condition
from aloma_cli.condition.nodes import AllOf, Leaf, Node, Some
from aloma_cli.condition.operators import OPERATORS, VALUE_OPERATORS, Operator
from aloma_cli.condition.patterns import compile_pattern
from aloma_cli.condition.place import Place
from aloma_cli.condition.solve.smallest import always_holds, smallest
from aloma_cli.explain.remedy import remedy_of

Add = Callable[..., None]


@pytest.fixture
def add(monkeypatch: pytest.MonkeyPatch) -> Add:
    """Put an operator into the table: by its word, its test of a value, and what else its Leaf brings."""

    def put(word: str, test: Callable[[Any, Any], bool], **brought: Callable[[Any], Any]) -> None:
        def compiled(argument: Any, place: Place) -> Node:
            more = {name: of(argument) for name, of in brought.items()}
            return Leaf(f"{word} {argument}", lambda found: test(found, argument), **more)

        _put(monkeypatch, word, compiled)

    return put


def _put(monkeypatch: pytest.MonkeyPatch, word: str, operator: Operator) -> None:
    for table in (VALUE_OPERATORS, OPERATORS):
        monkeypatch.setitem(table, word, operator)


def _starts_with(found: Any, beginning: str) -> bool:
    return isinstance(found, str) and found.startswith(beginning)


def _tries(beginning: str) -> Callable[[], Iterable[Any]]:
    return lambda: (beginning,)


PATTERNS = [
    {"a": {"$startsWith": "inv"}},
    {"a": {"b": {"$startsWith": "inv"}}},
    {"a": {"$some": {"$startsWith": "inv"}}},
    {"a": {"$each": {"$startsWith": "inv"}, "$size": 2}},
    {"a": {"$startsWith": "inv", "$ne": 3}},
    {"$or": [{"a": {"$gt": 5, "$lt": 3}}, {"a": {"$startsWith": "inv"}}]},
    {"a": {"$not": {"$not": {"$startsWith": "inv"}}}},
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_nothing_is_proven_about_an_operator_that_brings_nothing(add: Add, pattern: Any) -> None:
    add("$startsWith", _starts_with)
    condition = compile_condition(pattern)
    assert smallest(condition) == (None, False)
    assert remedy_of(condition, {}).is_sure is False


def test_an_operator_that_brings_nothing_is_not_said_to_hold_always(add: Add) -> None:
    add("$isNot", lambda found, argument: found != argument)
    condition = compile_condition({"a": {"$isNot": "something that is not tried"}})
    assert not always_holds(condition)


def test_a_node_of_its_own_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Odd(Node):
        """The string `odd`."""

        leaves, words = 1, "odd"

        def complaints(self, found: Any, path: Any) -> Any:
            if found != "odd":
                yield self, path, found

    _put(monkeypatch, "$odd", lambda argument, place: Odd())
    assert smallest(compile_condition({"a": {"$odd": True}})) == (None, False)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_values_that_an_operator_brings_are_tried(add: Add, pattern: Any) -> None:
    add("$startsWith", _starts_with, tries=_tries)
    condition = compile_condition(pattern)
    found = smallest(condition).document
    assert found is not None
    assert condition.matches(found)
    assert "inv" in remedy_of(condition, {}).command("x")


def test_a_search_proves_that_an_operator_which_says_so_cannot_hold(add: Add) -> None:
    add("$is", lambda found, value: found == value, tries=_tries, is_decided=lambda _: True)
    assert smallest(compile_condition({"a": {"$is": "x", "$exists": False}})) == (None, True)
    assert smallest(compile_condition({"a": {"$is": "x", "$gt": "y"}})).proven


def test_the_items_that_an_operator_asks_for_are_made(add: Add) -> None:
    def both(found: Any, wanted: list[str]) -> bool:
        return isinstance(found, list) and {*wanted} <= {item for item in found if isinstance(item, str)}

    def asked(wanted: list[str]) -> Node:
        return AllOf(tuple(Some(compile_pattern(word, Place(compile_pattern, "x", at_top=False))) for word in wanted))

    add("$both", both, of_items=asked)
    assert smallest(compile_condition({"a": {"$both": ["x", "y"], "$size": 2}})).document == {"a": ["x", "y"]}
