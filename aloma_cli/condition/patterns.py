"""The grammar: compiles a pattern (Python or JSON data) into a node."""

from __future__ import annotations

import re
from typing import Any

from aloma_cli.condition.nodes import AllOf, Node, Object, Some
from aloma_cli.condition.operators import ELSEWHERE, OPERATORS, VALUE_OPERATORS
from aloma_cli.condition.place import Place, name_of
from aloma_cli.condition.regexes import compile_regex, flags_of
from aloma_cli.condition.values import ALLOWED, TYPES, literal, of_type, text_matching
from aloma_cli.document.reserved import RESERVED, STASH


def compile_pattern(pattern: object, place: Place) -> Node:
    """The node of `pattern`, found at `place`. Raises ConditionError if it is malformed."""
    if isinstance(pattern, dict):
        return _compile_object(pattern, place)
    if place.at_top:
        raise place.error(
            f"must be an object, not {name_of(pattern)}",
            hint='write a pattern of fields, such as {"order": {"status": "paid"}}',
        )
    if isinstance(pattern, list):
        return _compile_list(pattern, place)
    if isinstance(pattern, re.Pattern):
        return text_matching(pattern, place)
    if isinstance(pattern, type) and pattern in TYPES:
        return of_type(pattern)
    if pattern is None or isinstance(pattern, str | int | float):
        return literal(pattern, place)
    raise place.error(f"{name_of(pattern)} is not a pattern", hint=ALLOWED)


def _compile_list(patterns: list[Any], place: Place) -> Node:
    if not patterns:
        return of_type(list)
    nodes = [Some(compile_pattern(item, place.field(position))) for position, item in enumerate(patterns)]
    return nodes[0] if len(nodes) == 1 else AllOf(tuple(nodes))


def _compile_object(pattern: dict[Any, Any], place: Place) -> Node:
    for key in pattern:
        _check_key(key, place)
    fields = [key for key in pattern if key not in OPERATORS and key != "$options"]
    operators = _checked_operators(pattern, fields, place) if len(fields) < len(pattern) else {}
    if STASH in pattern:
        _check_stash(pattern[STASH], place.field(STASH))
    own = Object(tuple((key, compile_pattern(pattern[key], place.field(key))) for key in fields))
    # An empty object at the top requires nothing.
    nodes: list[Node] = [own] if fields or not (operators or place.at_top) else []
    nodes += [OPERATORS[word](argument, place.operand(word)) for word, argument in operators.items()]
    return nodes[0] if len(nodes) == 1 else AllOf(tuple(nodes))


def _checked_operators(pattern: dict[str, Any], fields: list[str], place: Place) -> dict[str, Any]:
    """The operators of `pattern`, which has `fields` beside them; `$regex` and `$options` are combined into one."""
    _check_company(pattern, fields, place)
    operators = {word: argument for word, argument in pattern.items() if word in OPERATORS}
    if "$options" in pattern:
        if "$regex" not in pattern:
            raise place.operand("$options").error("`$options` needs `$regex` beside it")
        flags = flags_of(pattern["$options"], place.operand("$options"))
        operators["$regex"] = compile_regex(pattern["$regex"], flags, place.operand("$regex"))
    return operators


def _check_key(key: object, place: Place) -> None:
    if not isinstance(key, str):
        raise place.error(f"keys must be strings, not {name_of(key)}")
    if key in RESERVED:
        if not place.at_top:
            raise place.operand(key).error("this reserved field exists only at the top of the document")
    elif key.startswith("$"):
        if key not in OPERATORS and key != "$options":
            raise place.operand(key).error(f"unknown operator{_suggestion(key, place)}")
    elif "." in key:
        head, _, tail = key.partition(".")
        raise place.operand(key).error(
            f"dotted keys are not supported; nest objects instead: {{{name_of(head)}: {{{name_of(tail)}: …}}}}"
        )


def _suggestion(word: str, place: Place) -> str:
    from difflib import get_close_matches

    if word in ELSEWHERE:
        return f"; {ELSEWHERE[word]}"
    known = [*OPERATORS, "$options", *(RESERVED if place.at_top else ())]
    close = get_close_matches(word.lower(), known, n=1)
    return f"; did you mean `{close[0]}`?" if close else f"; known operators: {', '.join(known)}"


def _check_company(pattern: dict[str, Any], fields: list[str], place: Place) -> None:
    value_operator = next((word for word in pattern if word in VALUE_OPERATORS), None)
    if value_operator is None:
        return
    if fields:
        raise place.error(f"mixes the operator `{value_operator}` with the field {name_of(fields[0])}")
    if place.at_top:
        raise place.operand(value_operator).error("applies to a value; put it under a field")


def _check_stash(pattern: object, place: Place) -> None:
    """Refuse any test that could distinguish one secret from another."""
    if isinstance(pattern, dict) and pattern.keys() != {"$exists"}:
        for key, part in pattern.items():
            if isinstance(key, str) and key.startswith("$"):
                raise place.operand(key).error(_STASH_RULE)
            if isinstance(key, str):  # other keys are refused elsewhere
                _check_stash(part, place.field(key))
    elif not isinstance(pattern, dict | type) and pattern is not None:
        raise place.error(_STASH_RULE)


_STASH_RULE = "values in `$stash` can only be tested by type, None or `$exists`"
